//! What becomes of a pool's stock: imports that are taken back, and stock that runs low.

use tearoff::ErrorKind;
use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

fn import_id(id: &str) -> ImportId {
    ImportId::new(id).unwrap()
}

async fn import_as<F: Fixture>(world: &World<F>, name: &str, id: &str, codes: &[String]) {
    let vouchers: Vec<_> = codes.iter().map(|code| voucher(code, None)).collect();
    let answers = world.store.import_as(&pool(name), &import_id(id), &vouchers).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == Imported::Added));
}

async fn watched<F: Fixture>(count: usize, thresholds: &str) -> World<F> {
    let world = World::with_codes(count).await;
    world.set("spring", watching(thresholds)).await;
    world
}

fn watching(thresholds: &str) -> PoolSettings {
    PoolSettings { low_stock: thresholds.parse().unwrap(), ..PoolSettings::default() }
}

async fn told<F: Fixture>(world: &World<F>) -> Vec<LowStock> {
    world.store.low_stock(&[pool("spring")]).await.unwrap()
}

fn low(threshold: u64, left: u64) -> LowStock {
    LowStock { pool: pool("spring"), threshold, left }
}

/// What an import brought is taken back where it is still available, over all its calls, and no other voucher.
pub(crate) async fn an_import_is_undone<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    import_as(&world, "spring", "wrong", &numbered("W", 3)).await;
    import_as(&world, "spring", "right", &numbered("R", 3)).await;
    import_as(&world, "spring", "wrong", &numbered("X", 1500)).await;
    let given: Vec<_> = (0..4).map(one).collect();
    let lease = world.lease();
    let bindings: Vec<_> = world.store.reserve(&lease, &given).await.unwrap().into_iter().map(bound).collect();
    world.settle(&lease, &[kept(&[(&given[0], &bindings[0])]), kept(&[(&given[1], &bindings[1])])]).await;
    world.redeem(&bindings[1].voucher.code, "e").await;
    world.take(&world.lease(), &given[2]).await;
    let of_right = |record: &VoucherRecord| record.code.as_str().starts_with("R-");
    let before = world.listing("spring").await;
    let is_free = |record: &&VoucherRecord| record.state == State::Available && !of_right(record);
    let free = before.iter().filter(is_free).count() as u64;
    let undone = world.store.undo_import(&pool("spring"), &import_id("wrong")).await.unwrap();
    assert_eq!(undone, Undone { voided: free, kept: 1503 - free });
    let again = world.store.undo_import(&pool("spring"), &import_id("wrong")).await.unwrap();
    assert_eq!(again, Undone { voided: 0, kept: 1503 });
    for (before, after) in before.iter().zip(world.listing("spring").await) {
        let state = if is_free(&before) { State::Void } else { before.state };
        assert_eq!((after.code, after.state), (before.code.clone(), state));
    }
    assert!(world.is_sound("spring").await);
}

/// What a dead sender had reserved is available, and is taken back with the rest.
pub(crate) async fn an_undone_import_takes_what_ran_out_leases_held<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    import_as(&world, "spring", "wrong", &numbered("W", 3)).await;
    world.take(&world.lease(), &one(1)).await;
    world.outlast_leases().await;
    let undone = world.store.undo_import(&pool("spring"), &import_id("wrong")).await.unwrap();
    assert_eq!((undone, world.counts("spring").await.void), (Undone { voided: 3, kept: 0 }, 3));
    assert_eq!(world.reserve(&world.lease(), &one(1)).await, Claimed::Refused(Refusal::PoolEmpty));
}

/// An import is known in its pool only, and what added nothing is none.
pub(crate) async fn an_unknown_import_is_not_undone<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    world.pool("autumn", PoolSettings::default()).await;
    import_as(&world, "autumn", "here", &numbered("A", 1)).await;
    let again = world.store.import_as(&pool("spring"), &import_id("again"), &[voucher("S-00000", None)]).await;
    assert_eq!(again.unwrap(), [Imported::AlreadyInPool]);
    for (name, id) in [("spring", "here"), ("spring", "never"), ("spring", "again"), ("none", "here")] {
        let error = world.store.undo_import(&pool(name), &import_id(id)).await.unwrap_err();
        assert_eq!((error.kind(), error.help().is_some()), (ErrorKind::NotFound, true), "{name} {id}");
    }
    assert_eq!((world.available("spring").await, world.available("autumn").await), (3, 1));
}

/// What was taken back stays so: the same codes come in by no other import.
pub(crate) async fn an_undone_import_stays_undone<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    import_as(&world, "spring", "wrong", &numbered("W", 3)).await;
    world.store.undo_import(&pool("spring"), &import_id("wrong")).await.unwrap();
    assert_eq!(world.import("spring", &numbered("W", 3)).await, vec![Imported::AlreadyInPool; 3]);
    assert_eq!(world.available("spring").await, 0);
}

/// A threshold is told once when the stock falls to it, the smallest one where it falls to several.
pub(crate) async fn low_stock_is_told_once<F: Fixture>() {
    let world = watched::<F>(6, "4,2").await;
    assert_eq!(told(&world).await, []);
    world.send(&one(1)).await;
    assert_eq!(told(&world).await, []);
    world.send(&one(2)).await;
    assert_eq!(told(&world).await, [low(4, 4)]);
    assert_eq!(told(&world).await, []);
    world.send(&one(3)).await;
    assert_eq!(told(&world).await, []);
    world.send(&one(4)).await;
    assert_eq!(told(&world).await, [low(2, 2)]);
    world.send(&one(5)).await;
    assert_eq!(told(&world).await, []);
    let steep = watched::<F>(6, "4,2").await;
    for n in 0..5 {
        steep.send(&one(n)).await;
    }
    assert_eq!(told(&steep).await, [low(2, 1)]);
    assert_eq!(told(&steep).await, []);
}

/// What is reserved may come back: nothing is told of it.
pub(crate) async fn low_stock_leaves_out_what_may_come_back<F: Fixture>() {
    let world = watched::<F>(3, "2").await;
    let lease = world.lease();
    let [first, _] = world.store.reserve(&lease, &[one(1), one(2)]).await.unwrap().map_bound();
    assert_eq!(told(&world).await, []);
    world.settle(&lease, &[kept(&[(&one(1), &first)])]).await;
    assert_eq!(told(&world).await, [low(2, 2)]);
}

/// Above a threshold again, the stock can fall to it again: after an import, a release, or what else fills it.
pub(crate) async fn low_stock_is_told_again_after_a_refill<F: Fixture>() {
    let world = watched::<F>(4, "3,1").await;
    for n in 1..=3 {
        world.send(&one(n)).await;
    }
    assert_eq!(told(&world).await, [low(1, 1)]);
    world.import("spring", &numbered("MORE", 1)).await;
    assert_eq!(told(&world).await, []);
    world.send(&one(4)).await;
    assert_eq!(told(&world).await, [low(1, 1)]);
    world.import("spring", &numbered("MANY", 3)).await;
    assert_eq!(told(&world).await, []);
    world.send(&one(5)).await;
    assert_eq!(told(&world).await, [low(3, 3)]);
}

/// What was imported and given before anybody looked is a crossing of its own.
pub(crate) async fn low_stock_sees_a_refill_that_nobody_looked_at<F: Fixture>() {
    let world = watched::<F>(2, "1").await;
    world.send(&one(1)).await;
    assert_eq!(told(&world).await, [low(1, 1)]);
    world.import("spring", &numbered("MORE", 1)).await;
    world.send(&one(2)).await;
    assert_eq!(told(&world).await, [low(1, 1)]);
}

/// Vouchers whose time is over, or that were ended, are not left; other thresholds are told anew.
pub(crate) async fn low_stock_counts_what_can_be_given<F: Fixture>() {
    let world = watched::<F>(2, "2").await;
    world.import_until("spring", "SHORT", world.in_seconds(30)).await;
    assert_eq!(told(&world).await, []);
    world.fixture.pass(std::time::Duration::from_secs(31)).await;
    assert_eq!(told(&world).await, [low(2, 2)]);
    world.store.void(&[code("S-00000")]).await.unwrap();
    assert_eq!(told(&world).await, []);
    world.set("spring", watching("1")).await;
    assert_eq!(told(&world).await, [low(1, 1)]);
    world.set("spring", watching("1")).await;
    assert_eq!(told(&world).await, []);
}

/// Of many who ask at once, one is told.
pub(crate) async fn low_stock_is_told_to_one<F: Fixture>() {
    let world = watched::<F>(2, "1").await;
    world.pool("empty", watching("0")).await;
    world.pool("unwatched", PoolSettings::default()).await;
    world.send(&one(1)).await;
    let pools = ["spring", "empty", "unwatched", "none"].map(pool);
    let other = world.fixture.another().await;
    let ask = || async { tokio::join!(world.store.low_stock(&pools), other.low_stock(&pools)) };
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    let all = [a, b, c, d].into_iter().flat_map(|(one, other)| [one.unwrap(), other.unwrap()]).flatten();
    let mut told: Vec<_> = all.map(|low| (low.pool.as_str().to_owned(), low.threshold, low.left)).collect();
    told.sort();
    assert_eq!(told, [("empty".to_owned(), 0, 0), ("spring".to_owned(), 1, 1)]);
}
