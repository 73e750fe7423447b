//! What happened, as the journal and a voucher's history tell it.

use std::collections::HashSet;
use std::time::Duration;

use tearoff::ErrorKind;
use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

/// All entries of a pool, a few at a time.
async fn entries<F: Fixture>(world: &World<F>, name: &str) -> Vec<JournalEntry> {
    let mut entries: Vec<JournalEntry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.position.clone());
        let page = world.store.journal(&pool(name), after.as_ref(), 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            return entries;
        }
        entries.extend(page);
    }
}

fn changes(entries: &[JournalEntry]) -> Vec<(Change, u64)> {
    entries.iter().map(|entry| (entry.change, entry.count)).collect()
}

fn customer(id: &str) -> Option<CustomerId> {
    CustomerId::new(id).ok()
}

fn event(id: &str) -> EventId {
    EventId::new(id).unwrap()
}

/// A pool whose one voucher has been through everything.
async fn long_life<F: Fixture>() -> (World<F>, Code) {
    let world = World::<F>::with_codes(0).await;
    let import = ImportId::new("first").unwrap();
    world.store.import_as(&pool("spring"), &import, &[voucher("X", None)]).await.unwrap();
    world.send(&one(1)).await;
    world.store.release_message(&MessageId::new("m1").unwrap()).await.unwrap();
    world.send(&claim("spring", &test_message("t", "tester"), Width::Message)).await;
    world.store.reclaim_tests().await.unwrap();
    world.send(&one(2)).await;
    world.fixture.pass(Duration::from_secs(1)).await;
    let redemption = Redemption {
        customer_id: customer("bob"),
        holder: customer("c2"),
        flagged: true,
        ..redemption(&code("X"), "order")
    };
    world.store.redeem(&[redemption]).await.unwrap();
    world.store.roll_back(&code("X"), &event("order")).await.unwrap();
    world.store.void(&[code("X")]).await.unwrap();
    (world, code("X"))
}

const LONG_LIFE: [Change; 9] = [
    Change::Imported,
    Change::Assigned,
    Change::Released,
    Change::Assigned,
    Change::Released,
    Change::Assigned,
    Change::Redeemed,
    Change::RolledBack,
    Change::Voided,
];

/// Every step stands in the journal of its pool, in order, with who and what it was about.
pub(crate) async fn every_step_stands_in_the_journal<F: Fixture>() {
    let (world, code) = long_life::<F>().await;
    let entries = entries(&world, "spring").await;
    assert_eq!(changes(&entries), LONG_LIFE.map(|change| (change, 1)));
    assert!(entries.iter().all(|entry| entry.pool == pool("spring")));
    assert!(entries.is_sorted_by_key(|entry| entry.at));
    assert!(entries[1..].iter().all(|entry| entry.codes == [code.clone()]));
    assert!(entries[0].codes.is_empty());
    assert_eq!(entries[0].import_id.as_ref().map(ImportId::as_str), Some("first"));
    assert_eq!(entries[2].message_id, MessageId::new("m1").ok());
    assert_eq!((&entries[2].customer_id, &entries[4].customer_id), (&customer("c1"), &customer("tester")));
    assert_eq!(entries[4].message_id, MessageId::new("t").ok());
    for entry in &entries[6..8] {
        assert_eq!((&entry.customer_id, &entry.event_id), (&customer("bob"), &Some(event("order"))));
    }
    assert_eq!((entries[6].flagged, entries[8].flagged), (true, false));
    let positions: HashSet<_> = entries.iter().map(|entry| entry.position.clone()).collect();
    assert_eq!(positions.len(), entries.len());
}

/// A voucher's history tells the same of this one alone.
pub(crate) async fn a_history_tells_of_one_voucher<F: Fixture>() {
    let (world, code) = long_life::<F>().await;
    world.import("spring", &numbered("S", 5)).await;
    let lease = world.lease();
    let claims = [one(11), one(12)];
    let bindings: [Binding; 2] = world.store.reserve(&lease, &claims).await.unwrap().map_bound();
    let messages = [kept(&[(&claims[0], &bindings[0])]), kept(&[(&claims[1], &bindings[1])])];
    world.settle(&lease, &messages).await;
    let history = world.store.history(&code).await.unwrap();
    assert_eq!(changes(&history), LONG_LIFE.map(|change| (change, 1)));
    assert!(history.iter().all(|entry| entry.codes == [code.clone()] && entry.pool == pool("spring")));
    assert_eq!(history[0].import_id.as_ref().map(ImportId::as_str), Some("first"));
    let history = world.store.history(&bindings[1].voucher.code).await.unwrap();
    assert_eq!(changes(&history), [(Change::Imported, 1), (Change::Assigned, 1)]);
    assert_eq!(history[1].codes, [bindings[1].voucher.code.clone()]);
    assert_eq!(world.store.history(&self::code("NONE")).await.unwrap(), []);
}

/// What a batch assigns is one entry for each pool, whichever pool its messages named; an import is one for each call.
pub(crate) async fn a_batch_is_one_entry_of_each_pool<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    world.pool("vip", PoolSettings { overflow: Some(pool("spring")), ..PoolSettings::default() }).await;
    world.import("vip", &numbered("V", 1)).await;
    let claims = [1, 2, 3].map(|n| claim("vip", &message(&format!("v{n}"), "ada"), Width::Message));
    let lease = world.lease();
    let bindings: [Binding; 3] = world.store.reserve(&lease, &claims).await.unwrap().map_bound();
    let kept: Vec<_> = claims.iter().zip(&bindings).map(|(claim, binding)| kept(&[(claim, binding)])).collect();
    for _ in 0..2 {
        world.settle(&lease, &kept).await;
    }
    let spring = entries(&world, "spring").await;
    assert_eq!(changes(&spring), [(Change::Imported, 3), (Change::Assigned, 2)]);
    let taken: HashSet<_> = spring[1].codes.iter().collect();
    assert_eq!(taken, bindings[1..].iter().map(|binding| &binding.voucher.code).collect());
    assert_eq!(changes(&entries(&world, "vip").await), [(Change::Imported, 1), (Change::Assigned, 1)]);
}

/// What happens to nothing is no entry: duplicates of an import, reservations, what goes back with its lease, answers
/// without effect.
pub(crate) async fn what_changes_nothing_is_no_entry<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    world.import("spring", &numbered("S", 2)).await;
    let lease = world.lease();
    world.take(&lease, &one(1)).await;
    world.release(&lease).await;
    let code = code("S-00000");
    world.redeem(&code, "e").await;
    world.store.roll_back(&code, &event("e")).await.unwrap();
    world.set("spring", PoolSettings { fallback: Some(self::code("ALL10")), ..PoolSettings::default() }).await;
    for n in 1..=3 {
        world.send(&one(n)).await;
    }
    world.redeem(&code, "e1").await;
    for _ in 0..2 {
        world.redeem(&code, "e1").await;
        world.redeem(&code, "e2").await;
        world.store.void(std::slice::from_ref(&code)).await.unwrap();
    }
    let expected = [(Change::Imported, 2), (Change::Assigned, 1), (Change::Assigned, 1), (Change::Redeemed, 1)];
    assert_eq!(changes(&entries(&world, "spring").await), expected);
}

/// An undone import names its vouchers, and that it was the import that ended them.
pub(crate) async fn an_undone_import_stands_in_the_journal<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    let import = ImportId::new("wrong").unwrap();
    world.store.import_as(&pool("spring"), &import, &[voucher("A", None), voucher("B", None)]).await.unwrap();
    world.store.undo_import(&pool("spring"), &import).await.unwrap();
    let entries = entries(&world, "spring").await;
    assert_eq!(changes(&entries), [(Change::Imported, 2), (Change::Voided, 2)]);
    assert_eq!(entries[1].codes.iter().collect::<HashSet<_>>(), [&code("A"), &code("B")].into());
    assert_eq!(entries[1].import_id.as_ref(), Some(&import));
    assert_eq!(changes(&world.store.history(&code("B")).await.unwrap()), [(Change::Imported, 1), (Change::Voided, 1)]);
}

/// From a position on, what came later is told, whatever was trimmed before it.
pub(crate) async fn a_position_outlives_what_lies_before_it<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    world.send(&one(1)).await;
    let position = entries(&world, "spring").await.pop().unwrap().position;
    assert_eq!(world.store.journal(&pool("spring"), Some(&position), 9).await.unwrap(), []);
    world.fixture.pass(Duration::from_secs(10)).await;
    let removed = world.store.trim_journal(&pool("spring"), world.fixture.now()).await.unwrap();
    let left = world.store.journal_size(&pool("spring")).await.unwrap();
    assert_eq!(removed + left.entries, 2);
    world.send(&one(2)).await;
    let later = world.store.journal(&pool("spring"), Some(&position), 9).await.unwrap();
    assert_eq!(changes(&later), [(Change::Assigned, 1)]);
    assert_ne!(later[0].position, position);
    let nonsense = JournalPosition("no position".into());
    let error = world.store.journal(&pool("spring"), Some(&nonsense), 9).await.unwrap_err();
    assert_eq!((error.kind(), error.help().is_some()), (ErrorKind::InvalidInput, true));
}

/// Trimming removes nothing that is not older than it says; a history then still knows the import.
pub(crate) async fn trimming_leaves_what_is_younger<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let old = world.send(&one(1)).await.voucher.code;
    world.fixture.pass(Duration::from_secs(3600)).await;
    let before = world.in_seconds(-60);
    world.send(&one(2)).await;
    let size = world.store.journal_size(&pool("spring")).await.unwrap();
    assert_eq!(size.entries, 3);
    assert!(size.oldest.is_some_and(|oldest| oldest < before));
    let removed = world.store.trim_journal(&pool("spring"), before).await.unwrap();
    assert!(removed <= 2);
    let left = entries(&world, "spring").await;
    assert_eq!(left.len() as u64, 3 - removed);
    assert!(left.iter().any(|entry| entry.at >= before));
    assert_eq!(world.store.history(&old).await.unwrap()[0].change, Change::Imported);
    world.store.trim_journal(&pool("spring"), world.in_seconds(60)).await.unwrap();
    assert_eq!(world.store.history(&old).await.unwrap()[0].change, Change::Imported);
    assert!(world.store.journal_size(&pool("spring")).await.unwrap().entries <= 3);
}

/// There is no journal without a pool, and each pool has its own, from its beginning.
pub(crate) async fn a_journal_belongs_to_its_pool<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    let none = pool("none");
    let kind = |error: tearoff::Error| error.kind();
    assert_eq!(world.store.journal(&none, None, 9).await.map_err(kind), Err(ErrorKind::NotFound));
    assert_eq!(world.store.journal_size(&none).await.map_err(kind), Err(ErrorKind::NotFound));
    assert_eq!(world.store.trim_journal(&none, world.fixture.now()).await.map_err(kind), Err(ErrorKind::NotFound));
    world.store.delete_pool(&pool("spring"), false).await.unwrap();
    world.pool("spring", PoolSettings::default()).await;
    assert_eq!(entries(&world, "spring").await, []);
    assert_eq!(world.store.journal_size(&pool("spring")).await.unwrap(), JournalSize::default());
}

/// Two processes write and a third reads on from where it was: it sees every entry once.
pub(crate) async fn a_reader_of_the_journal_misses_nothing<F: Fixture>() {
    let world = World::<F>::with_codes(200).await;
    let other = world.fixture.another().await;
    let (spring, codes) = (pool("spring"), numbered("S", 200));
    let (mut seen, mut after) = (Vec::new(), None);
    for n in 0..100 {
        let ended = [code(&codes[2 * n])];
        let also = [code(&codes[2 * n + 1])];
        let (one, two, page) = tokio::join!(
            world.store.void(&ended),
            other.void(&also),
            world.store.journal(&spring, after.as_ref(), 1000)
        );
        assert_eq!((one.unwrap(), two.unwrap()), (vec![Voided::Voided], vec![Voided::Voided]));
        let page = page.unwrap();
        after = page.last().map(|entry| entry.position.clone()).or(after);
        seen.extend(page);
    }
    seen.extend(world.store.journal(&spring, after.as_ref(), 1000).await.unwrap());
    let told: Vec<_> = seen.iter().flat_map(|entry| &entry.codes).collect();
    assert_eq!((told.len(), told.iter().collect::<HashSet<_>>().len()), (200, 200));
}

/// What was given since a moment counts, less what came back since; what was given before does not.
pub(crate) async fn what_was_given_since_a_moment_is_counted<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    world.send(&one(1)).await;
    let given =
        async |seconds: i64| world.store.given_since(&pool("spring"), world.in_seconds(-seconds)).await.unwrap();
    assert_eq!(given(60).await, 1);
    world.fixture.pass(Duration::from_secs(3600)).await;
    assert_eq!(given(60).await, 0);
    for n in 2..5 {
        world.send(&one(n)).await;
    }
    assert_eq!((given(60).await, given(7200).await), (3, 4));
    world.store.release_message(&MessageId::new("m3").unwrap()).await.unwrap();
    assert_eq!((given(60).await, given(7200).await), (2, 3));
    let unknown = world.store.given_since(&pool("none"), world.fixture.now()).await;
    assert_eq!(unknown.map_err(|error| error.kind()), Err(ErrorKind::NotFound));
}
