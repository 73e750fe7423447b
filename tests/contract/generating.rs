//! Codes made where a pool with a pattern has none left, over each store.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tearoff::store::GeneratingStore;
use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

const PATTERN: &str = "SUM-####-####";

fn making(pattern: &str) -> PoolSettings {
    PoolSettings { pattern: Some(pattern.parse().unwrap()), ..PoolSettings::default() }
}

/// A store that makes codes, and its pool `spring` with these settings and so many codes in stock.
async fn world<F: Fixture>(settings: PoolSettings, stock: usize) -> World<F> {
    let fixture = F::new().await;
    let world = World { store: Arc::new(GeneratingStore::new(fixture.store())), fixture };
    world.pool("spring", settings).await;
    world.import("spring", &numbered("S", stock)).await;
    world
}

fn is_made(binding: &Binding) -> bool {
    PATTERN.parse::<Pattern>().unwrap().matches(binding.voucher.code.as_str())
}

/// The stock goes first, to those who asked first; the rest get codes that are made, and no more are made than that.
pub(crate) async fn an_empty_pool_with_a_pattern_makes_what_is_missing<F: Fixture>() {
    let world = world::<F>(making(PATTERN), 2).await;
    let claims: Vec<Claim> = (1..=5).map(one).collect();
    let given: [Binding; 5] = world.store.reserve(&world.lease(), &claims).await.unwrap().map_bound();
    assert_eq!(given.each_ref().map(is_made), [false, false, true, true, true]);
    assert!(given.iter().all(|binding| (&binding.from, binding.source) == (&pool("spring"), Source::Pool)));
    assert_eq!(world.counts("spring").await, PoolCounts { total: 5, reserved: 5, ..PoolCounts::default() });
}

/// Asked again, reserved or assigned, a claim gets the code that was made for it.
pub(crate) async fn a_made_code_is_bound_like_any_other<F: Fixture>() {
    let world = world::<F>(making(PATTERN), 0).await;
    let lease = world.lease();
    let reserved = world.take(&lease, &one(1)).await;
    assert!(same_voucher(&world.take(&lease, &one(1)).await, &reserved));
    let assigned = world.send(&one(1)).await;
    assert!(same_voucher(&assigned, &reserved));
    assert!(same_voucher(&world.send(&one(1)).await, &assigned));
    assert_eq!(world.counts("spring").await, PoolCounts { total: 1, assigned: 1, ..PoolCounts::default() });
}

/// What was made and not used is stock for the next one.
pub(crate) async fn a_made_code_that_goes_back_is_stock<F: Fixture>() {
    let world = world::<F>(making(PATTERN), 0).await;
    let lease = world.lease();
    let first = world.take(&lease, &one(1)).await;
    world.release(&lease).await;
    assert_eq!(world.available("spring").await, 1);
    assert_eq!(world.send(&one(2)).await.voucher.code, first.voucher.code);
}

/// Claims of one key make one code, and claims of other pools keep their answers and places.
pub(crate) async fn answers_stay_in_the_order_of_their_claims<F: Fixture>() {
    let world = world::<F>(making(PATTERN), 0).await;
    world.pool("summer", PoolSettings::default()).await;
    world.import("summer", &numbered("SU", 1)).await;
    let summer = |n: usize| claim("summer", &message(&format!("m{n}"), "c1"), Width::Message);
    let nowhere = claim("nowhere", &message("m9", "c9"), Width::Message);
    let claims = [summer(5), one(1), nowhere, summer(6), one(2), one(1)];
    let answers = world.store.reserve(&world.lease(), &claims).await.unwrap();
    assert_eq!(bound(answers[0].clone()).from, pool("summer"));
    assert_eq!(answers[2], Claimed::Refused(Refusal::UnknownPool));
    assert_eq!(answers[3], Claimed::Refused(Refusal::PoolEmpty), "a pool without a pattern makes none");
    assert_eq!(answers[1], answers[5]);
    assert_ne!(answers[1], answers[4]);
    assert_eq!((world.counts("spring").await.total, world.counts("summer").await.total), (2, 1));
}

/// A pattern of two codes serves two, and then its pool is empty for good.
pub(crate) async fn a_used_up_pattern_leaves_its_pool_empty<F: Fixture>() {
    let world = world::<F>(making("A#[AB]"), 0).await;
    let lease = world.lease();
    let answers = world.store.reserve(&lease, &[one(1), one(2), one(3)]).await.unwrap();
    let codes: BTreeSet<Code> = answers[..2].iter().map(|answer| bound(answer.clone()).voucher.code).collect();
    assert_eq!(codes, BTreeSet::from([code("AA"), code("AB")]));
    assert_eq!(answers[2], Claimed::Refused(Refusal::PoolEmpty));
    let other = world.reserve(&world.lease(), &one(4)).await;
    assert_eq!(other, Claimed::Contended(Refusal::PoolEmpty), "what is only reserved may come back");
}

/// Codes that other pools have are not made again.
pub(crate) async fn a_made_code_is_once_in_the_project<F: Fixture>() {
    let world = world::<F>(making("A#[ABCD]"), 0).await;
    world.pool("summer", PoolSettings::default()).await;
    world.import("summer", &["AA".to_owned(), "AB".to_owned(), "AC".to_owned()]).await;
    assert_eq!(world.take(&world.lease(), &one(1)).await.voucher.code, code("AD"));
}

/// Nobody waits for a code that may come back where one can be made.
pub(crate) async fn nobody_waits_for_a_reserved_code<F: Fixture>() {
    let world = world::<F>(making(PATTERN), 1).await;
    world.take(&world.lease(), &one(1)).await;
    assert!(is_made(&world.take(&world.lease(), &one(2)).await));
}

/// Limits, pauses and the pool's own end refuse claims, and nothing is made for them.
pub(crate) async fn nothing_is_made_for_claims_that_are_refused<F: Fixture>() {
    let limits = Limits { total: Some(1), ..Limits::default() };
    let world = world::<F>(PoolSettings { limits, ..making(PATTERN) }, 0).await;
    world.send(&one(1)).await;
    let refusal = |answer| match answer {
        Claimed::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(world.reserve(&world.lease(), &one(2)).await), Refusal::LimitReached);
    world.set("spring", PoolSettings { paused: true, ..making(PATTERN) }).await;
    assert_eq!(refusal(world.reserve(&world.lease(), &one(2)).await), Refusal::PoolPaused);
    let over = Some(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1));
    world.set("spring", PoolSettings { expires_at: over, ..making(PATTERN) }).await;
    assert_eq!(refusal(world.reserve(&world.lease(), &one(2)).await), Refusal::PoolEmpty);
    assert_eq!(world.counts("spring").await.total, 1);
}

/// The first pool of an empty chain that has a pattern makes the codes; a paused one is passed over.
pub(crate) async fn an_overflow_pool_makes_codes_for_those_before_it<F: Fixture>() {
    let world = world::<F>(PoolSettings::default(), 0).await;
    world.pool("autumn", making(PATTERN)).await;
    let into = |name| PoolSettings { overflow: Some(pool(name)), ..PoolSettings::default() };
    world.pool("summer", PoolSettings { paused: true, ..into("autumn") }).await;
    world.set("spring", into("summer")).await;
    let given = world.send(&one(1)).await;
    assert!(is_made(&given) && (given.from, given.source) == (pool("autumn"), Source::Overflow));
    assert_eq!((world.counts("spring").await.total, world.counts("autumn").await.total), (0, 1));
}

/// Name, length, days valid: the days count from the assignment.
pub(crate) async fn a_made_code_is_valid_as_long_as_its_pool_says<F: Fixture>() {
    let valid_for = Some(Duration::from_secs(14 * 24 * 60 * 60));
    let world = world::<F>(PoolSettings { valid_for, ..making(PATTERN) }, 0).await;
    let given = world.send(&one(1)).await;
    let end = given.assigned_at + SignedDuration::from_hours(14 * 24);
    assert_eq!(given.voucher.expires_at, Some(end));
}

/// What would always come first, or never be used, is refused, and the pool stays as it is.
pub(crate) async fn a_pattern_stands_beside_nothing_that_it_contradicts<F: Fixture>() {
    let world = world::<F>(PoolSettings::default(), 0).await;
    world.pool("summer", PoolSettings::default()).await;
    for (settings, what) in [
        (PoolSettings { fallback: Some(code("FALL")), ..making(PATTERN) }, "a fallback code"),
        (PoolSettings { overflow: Some(pool("summer")), ..making(PATTERN) }, "an overflow pool"),
        (PoolSettings { floor: 10, ..making(PATTERN) }, "a floor"),
    ] {
        for error in [
            world.store.set_pool(&pool("spring"), &settings).await.unwrap_err(),
            world.store.create_pool(&pool("autumn"), &settings).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), tearoff::ErrorKind::InvalidInput);
            assert!(error.to_string().ends_with(what), "{error}");
        }
    }
    let pools = world.store.pools().await.unwrap();
    assert!(pools.len() == 2 && pools.iter().all(|pool| pool.settings == PoolSettings::default()));
}

/// Many senders at once, one code each, none twice; as many as are needed, and few more.
pub(crate) async fn many_senders_share_what_is_made<F: Fixture>() {
    let world = Arc::new(world::<F>(making(PATTERN), 10).await);
    let senders: Vec<_> = (0..8)
        .map(|sender| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut codes = Vec::new();
                for batch in 0..5 {
                    let claims: Vec<Claim> = (0..10).map(|n| one(sender * 1_000 + batch * 100 + n)).collect();
                    let lease = world.lease();
                    let given: [Binding; 10] = loop {
                        let answers = world.store.reserve(&lease, &claims).await.unwrap();
                        match answers.iter().all(|answer| matches!(answer, Claimed::Bound(_))) {
                            true => break answers.map_bound(),
                            false => assert!(!answers.contains(&Claimed::Refused(Refusal::PoolEmpty))),
                        }
                    };
                    let all: Vec<Kept> =
                        claims.iter().zip(&given).map(|(claim, binding)| kept(&[(claim, binding)])).collect();
                    assert_eq!(world.settle(&lease, &all).await, [Settled::Accepted; 10]);
                    codes.extend(given.map(|binding| binding.voucher.code));
                }
                codes
            })
        })
        .collect();
    let mut codes = BTreeSet::new();
    for sender in senders {
        codes.extend(sender.await.unwrap());
    }
    let counts = world.counts("spring").await;
    assert_eq!((codes.len(), counts.assigned), (400, 400));
    assert!(counts.available <= 200, "{counts:?}");
}
