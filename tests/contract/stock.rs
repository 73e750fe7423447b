//! Pools and their stock.

use tearoff::voucher::*;
use tearoff::{Error, ErrorKind};

use crate::fixture::Fixture;
use crate::world::*;

fn into(name: &str) -> PoolSettings {
    PoolSettings { overflow: Some(pool(name)), ..PoolSettings::default() }
}

#[track_caller]
fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind);
    assert!(error.help().is_some(), "{error}");
}

/// Making a pool that exists is refused and changes nothing.
pub(crate) async fn a_pool_is_made_once<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let paused = PoolSettings { paused: true, ..PoolSettings::default() };
    assert_kind(world.store.create_pool(&pool("spring"), &paused).await, ErrorKind::Refused);
    let status = world.store.pool(&pool("spring")).await.unwrap().unwrap();
    assert_eq!((status.settings, status.counts.available), (PoolSettings::default(), 3));
}

/// An overflow pool must exist, and no chain of them may be a circle.
pub(crate) async fn overflow_must_exist_and_not_come_back<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    assert_kind(world.store.create_pool(&pool("a"), &into("none")).await, ErrorKind::InvalidInput);
    assert_kind(world.store.create_pool(&pool("a"), &into("a")).await, ErrorKind::InvalidInput);
    assert_eq!(world.store.pool(&pool("a")).await.unwrap(), None);
    world.pool("a", into("spring")).await;
    world.pool("b", into("a")).await;
    assert_kind(world.store.set_pool(&pool("spring"), &into("b")).await, ErrorKind::InvalidInput);
    assert_kind(world.store.set_pool(&pool("spring"), &into("none")).await, ErrorKind::InvalidInput);
    assert_eq!(world.store.pool(&pool("spring")).await.unwrap().unwrap().settings, PoolSettings::default());
}

/// Setting a pool replaces all its settings and leaves its stock alone.
pub(crate) async fn settings_are_replaced_as_a_whole<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let fallback = PoolSettings { fallback: Some(code("ALL10")), ..PoolSettings::default() };
    world.set("spring", fallback).await;
    let preview = PoolSettings { preview_code: Some(Code::new("X").unwrap()), ..PoolSettings::default() };
    world.set("spring", preview.clone()).await;
    let status = world.store.pool(&pool("spring")).await.unwrap().unwrap();
    assert_eq!((status.settings, status.counts.available), (preview, 3));
    assert_kind(world.store.set_pool(&pool("none"), &PoolSettings::default()).await, ErrorKind::NotFound);
}

/// A code is unique over all pools of a project; the answers stand in the order of the vouchers.
pub(crate) async fn a_code_is_once_in_the_project<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    world.pool("autumn", PoolSettings::default()).await;
    let codes = ["NEW", "S-00001", "NEW", "OTHER", "S-00001"].map(str::to_owned);
    let spring = || Imported::InOtherPool(pool("spring"));
    let expected = [Imported::Added, spring(), Imported::AlreadyInPool, Imported::Added, spring()];
    assert_eq!(world.import("autumn", &codes).await, expected);
    assert_eq!((world.available("autumn").await, world.available("spring").await), (2, 2));
    assert_eq!(world.record(&code("S-00001")).await.pool, pool("spring"));
}

/// A file imported again adds nothing, and frees nothing that was given.
pub(crate) async fn importing_again_changes_nothing<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let given = world.send(&one(1)).await;
    world.take(&world.lease(), &one(2)).await;
    let before = world.counts("spring").await;
    assert_eq!(world.import("spring", &numbered("S", 3)).await, vec![Imported::AlreadyInPool; 3]);
    assert_eq!(world.counts("spring").await, before);
    assert_eq!(world.record(&given.voucher.code).await.state, State::Assigned);
}

/// Thousands of codes that are parts of one another are told apart, while there are more and more of them, and again when
/// some of them have gone.
pub(crate) async fn codes_within_codes_are_told_apart<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    world.pool("even", PoolSettings::default()).await;
    let all: Vec<String> = (0..6_000).map(|n| n.to_string()).collect();
    let even: Vec<String> = all.iter().step_by(2).cloned().collect();
    for part in even.chunks(700) {
        assert_eq!(world.import("even", part).await, vec![Imported::Added; part.len()]);
    }
    let added = |answers: Vec<Imported>, other: &Imported| {
        answers.chunks(2).all(|pair| (&pair[0], &pair[1]) == (other, &Imported::Added))
    };
    for part in all.chunks(3_000) {
        assert!(added(world.import("spring", part).await, &Imported::InOtherPool(pool("even"))));
    }
    assert_eq!(world.listing("spring").await.len(), 3_000);
    world.store.delete_pool(&pool("spring"), false).await.unwrap();
    world.pool("spring", PoolSettings::default()).await;
    assert!(added(world.import("spring", &all).await, &Imported::InOtherPool(pool("even"))));
    assert_eq!(world.record(&code("11")).await.pool, pool("spring"));
    assert_eq!(world.import("even", &even).await, vec![Imported::AlreadyInPool; even.len()]);
}

/// Where two pools are given the same codes at once, each code goes into one of them, and who gave it to the other is told so.
pub(crate) async fn imports_at_once_share_no_code<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    world.pool("autumn", PoolSettings::default()).await;
    let codes: Vec<String> = (0..4_000).map(|n| format!("X-{n:05}")).collect();
    for codes in codes.chunks(400) {
        let (spring, autumn) = tokio::join!(world.import("spring", codes), world.import("autumn", codes));
        for answers in spring.into_iter().zip(autumn) {
            let in_spring = (Imported::Added, Imported::InOtherPool(pool("spring")));
            let in_autumn = (Imported::InOtherPool(pool("autumn")), Imported::Added);
            assert!(answers == in_spring || answers == in_autumn, "{answers:?}");
        }
    }
    assert_eq!(world.listing("spring").await.len() + world.listing("autumn").await.len(), 4_000);
}

/// Codes that two pools are given at once, while room is made for more and more of them, are all known afterwards.
pub(crate) async fn imports_at_once_lose_no_code<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    world.pool("autumn", PoolSettings::default()).await;
    let codes = |letter: &str| -> Vec<String> { (0..8_000).map(|n| format!("{letter}-{n:05}")).collect() };
    let (spring, autumn) = (codes("S"), codes("A"));
    for (ours, theirs) in spring.chunks(800).zip(autumn.chunks(800)) {
        tokio::join!(world.import("spring", ours), world.import("autumn", theirs));
    }
    assert_eq!(world.import("spring", &spring).await, vec![Imported::AlreadyInPool; spring.len()]);
    assert_eq!(world.import("autumn", &autumn).await, vec![Imported::AlreadyInPool; autumn.len()]);
}

/// Codes need a pool.
pub(crate) async fn importing_into_no_pool_is_an_error<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    let vouchers = [voucher("X", None)];
    assert_kind(world.store.import(&pool("none"), &vouchers).await, ErrorKind::NotFound);
    assert_eq!(world.store.voucher(&code("X")).await.unwrap(), None);
}

/// A pool stays while codes are reserved, while another overflows into it, and while codes are assigned and not archived.
pub(crate) async fn a_pool_in_use_is_not_deleted<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let spring = pool("spring");
    assert_kind(world.store.delete_pool(&pool("none"), true).await, ErrorKind::NotFound);
    world.pool("vip", into("spring")).await;
    assert_kind(world.store.delete_pool(&spring, true).await, ErrorKind::Refused);
    world.set("vip", PoolSettings::default()).await;
    let lease = world.lease();
    let binding = world.take(&lease, &one(1)).await;
    assert_kind(world.store.delete_pool(&spring, true).await, ErrorKind::Refused);
    world.settle(&lease, &[kept(&[(&one(1), &binding)])]).await;
    assert_kind(world.store.delete_pool(&spring, false).await, ErrorKind::Refused);
    assert_eq!(world.counts("spring").await.total, 3);
    world.store.delete_pool(&spring, true).await.unwrap();
}

/// With a pool go its codes, bindings and counts; the name and the codes are free for another.
pub(crate) async fn a_deleted_pool_leaves_nothing_behind<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    world.send(&one(1)).await;
    world.take(&world.lease(), &one(2)).await;
    world.outlast_leases().await;
    world.store.delete_pool(&pool("spring"), true).await.unwrap();
    assert_eq!(world.store.pool(&pool("spring")).await.unwrap(), None);
    assert_eq!(world.reserve(&world.lease(), &one(1)).await, Claimed::Refused(Refusal::UnknownPool));
    let limits = Limits { total: Some(1), ..Limits::default() };
    world.pool("spring", PoolSettings { limits, ..PoolSettings::default() }).await;
    assert_eq!(world.import("spring", &numbered("S", 3)).await, vec![Imported::Added; 3]);
    assert_eq!(world.available("spring").await, 3);
    world.take(&world.lease(), &one(1)).await;
}

/// What a deleted pool's name took from another pool stays with its customer, and is never given again.
pub(crate) async fn deleting_a_pool_keeps_what_its_customers_got_from_others<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    world.pool("vip", into("spring")).await;
    let vip = claim("vip", &message("m", "ada"), Width::Message);
    let given = world.send(&vip).await;
    world.store.delete_pool(&pool("vip"), true).await.unwrap();
    assert_eq!(world.record(&given.voucher.code).await.state, State::Assigned);
    assert_eq!(world.reserve(&world.lease(), &one(1)).await, Claimed::Refused(Refusal::PoolEmpty));
    assert_eq!(world.counts("spring").await.assigned, 1);
}
