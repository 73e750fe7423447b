//! Overflow chains and fallback codes: what is given once a pool is empty.

use std::time::Duration;

use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

/// `spring` overflows into `summer`, and that into `autumn`; as many codes as said.
async fn chain<F: Fixture>(spring: usize, summer: usize, autumn: usize) -> World<F> {
    let world = World::new().await;
    world.pool("autumn", PoolSettings::default()).await;
    world.pool("summer", into("autumn")).await;
    world.pool("spring", into("summer")).await;
    world.import("spring", &numbered("SP", spring)).await;
    world.import("summer", &numbered("SU", summer)).await;
    world.import("autumn", &numbered("AU", autumn)).await;
    world
}

fn into(name: &str) -> PoolSettings {
    PoolSettings { overflow: Some(pool(name)), ..PoolSettings::default() }
}

/// One pool after the other, and each answer says which gave.
pub(crate) async fn an_empty_pool_takes_from_its_overflow_chain<F: Fixture>() {
    let world = chain::<F>(1, 1, 1).await;
    let answers = world.store.reserve(&world.lease(), &[one(1), one(2), one(3), one(4)]).await.unwrap();
    let given: Vec<_> = answers.iter().take(3).cloned().map(bound).map(|given| (given.from, given.source)).collect();
    assert_eq!(
        given,
        [(pool("spring"), Source::Pool), (pool("summer"), Source::Overflow), (pool("autumn"), Source::Overflow)]
    );
    assert_eq!(answers[3], Claimed::Refused(Refusal::PoolEmpty));
    assert_eq!(world.counts("summer").await.reserved, 1);
}

/// A paused pool gives nothing to those who overflow into it, but does not cut the chain.
pub(crate) async fn a_paused_pool_of_the_chain_is_passed_over<F: Fixture>() {
    let world = chain::<F>(0, 1, 1).await;
    let fallback = Some(code("PAUSED"));
    world.set("summer", PoolSettings { paused: true, fallback, ..into("autumn") }).await;
    let lease = world.lease();
    assert_eq!(world.take(&lease, &one(1)).await.from, pool("autumn"));
    assert_eq!(world.reserve(&lease, &one(2)).await, Claimed::Refused(Refusal::PoolEmpty));
}

/// A retry after a refill shows the same code, reserved or assigned.
pub(crate) async fn the_choice_of_an_overflow_pool_is_bound<F: Fixture>() {
    let world = chain::<F>(0, 2, 0).await;
    let assigned = world.send(&one(1)).await;
    let lease = world.lease();
    let reserved = world.take(&lease, &one(2)).await;
    world.import("spring", &numbered("REFILL", 5)).await;
    for (claim, before) in [(one(1), assigned), (one(2), reserved)] {
        let after = world.take(&lease, &claim).await;
        assert!(same_voucher(&after, &before) && after.source == Source::Overflow);
    }
}

/// With the whole chain empty, everybody gets the first fallback code that the chain has.
pub(crate) async fn the_first_fallback_code_of_the_chain_is_given<F: Fixture>() {
    let world = chain::<F>(1, 0, 0).await;
    world.set("summer", PoolSettings { fallback: Some(code("SUMMER10")), ..into("autumn") }).await;
    world.set("autumn", PoolSettings { fallback: Some(code("AUTUMN10")), ..PoolSettings::default() }).await;
    world.send(&one(1)).await;
    for n in [2, 3] {
        let given = world.send(&one(n)).await;
        assert_eq!(
            (given.voucher.code, given.source, given.from),
            (code("SUMMER10"), Source::Fallback, pool("summer"))
        );
        assert_eq!(given.voucher.expires_at, None);
    }
    assert_eq!(world.store.voucher(&code("SUMMER10")).await.unwrap(), None);
    assert_eq!(world.counts("summer").await, PoolCounts::default());
}

/// Who was shown the fallback code sees it again after a refill, and after it was changed.
pub(crate) async fn the_choice_of_a_fallback_code_is_bound<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    world.set("spring", PoolSettings { fallback: Some(code("SPRING10")), ..PoolSettings::default() }).await;
    let before = world.send(&one(1)).await;
    world.import("spring", &numbered("REFILL", 5)).await;
    world.set("spring", PoolSettings::default()).await;
    let after = world.take(&world.lease(), &one(1)).await;
    assert!(same_voucher(&before, &after) && after.source == Source::Fallback && !after.reserved);
    assert_eq!(world.available("spring").await, 5);
}

/// A fallback code that was only reserved is no choice yet once its lease has ended.
pub(crate) async fn a_fallback_code_that_is_not_kept_is_unbound<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    world.set("spring", PoolSettings { fallback: Some(code("SPRING10")), ..PoolSettings::default() }).await;
    let lease = world.lease();
    assert!(world.take(&lease, &one(1)).await.reserved);
    world.release(&lease).await;
    world.import("spring", &numbered("REFILL", 1)).await;
    assert_eq!(world.take(&world.lease(), &one(1)).await.source, Source::Pool);
}

/// A voucher of the chain that may go back makes "empty" contended; one that no longer can, does not.
pub(crate) async fn a_reservation_down_the_chain_is_contended<F: Fixture>() {
    let world = chain::<F>(0, 1, 0).await;
    let (holder, asker) = (world.lease(), world.lease());
    let summer = claim("summer", &message("s", "ada"), Width::Message);
    let binding = world.take(&holder, &summer).await;
    assert_eq!(world.reserve(&asker, &one(1)).await, Claimed::Contended(Refusal::PoolEmpty));
    world.settle(&holder, &[kept(&[(&summer, &binding)])]).await;
    assert_eq!(world.reserve(&asker, &one(1)).await, Claimed::Refused(Refusal::PoolEmpty));
}

/// However long a chain is, its last pool gives, and what it gave is kept.
pub(crate) async fn a_long_chain_is_followed_to_its_end<F: Fixture>() {
    let world = World::<F>::new().await;
    world.pool("last", PoolSettings::default()).await;
    world.import("last", &numbered("L", 1)).await;
    let mut next = "last".to_owned();
    for n in 0..20 {
        let name = if n == 19 { "spring".to_owned() } else { format!("p{n}") };
        world.pool(&name, into(&next)).await;
        next = name;
    }
    let sent = world.send(&one(1)).await;
    assert_eq!(sent.from, pool("last"));
    assert!(same_voucher(&world.take(&world.lease(), &one(1)).await, &sent));
}

/// Who asks the whole chain in vain uses no limit up: the next one is told the same, not that a limit is reached.
pub(crate) async fn asking_an_empty_chain_uses_no_limit_up<F: Fixture>() {
    let world = chain::<F>(0, 0, 0).await;
    let limits = Limits { total: Some(1), ..Limits::default() };
    world.set("spring", PoolSettings { limits, ..into("summer") }).await;
    let answers = world.store.reserve(&world.lease(), &[one(1), one(2), one(3)]).await.unwrap();
    assert_eq!(answers, vec![Claimed::Refused(Refusal::PoolEmpty); 3]);
}

/// What a pool of the chain gave counts for the named pool's limit until it expires.
pub(crate) async fn a_code_of_the_chain_counts_until_it_expires<F: Fixture>() {
    let world = chain::<F>(0, 2, 0).await;
    let limits = Limits { total: Some(1), per_customer: Some(1), ..Limits::default() };
    world.set("spring", PoolSettings { limits, ..into("summer") }).await;
    world.set("summer", PoolSettings { valid_for: Some(Duration::from_secs(20)), ..into("autumn") }).await;
    world.send(&one(1)).await;
    assert_eq!(world.reserve(&world.lease(), &one(2)).await, Claimed::Refused(Refusal::LimitReached));
    world.fixture.pass(Duration::from_secs(21)).await;
    assert_eq!(world.send(&one(1)).await.from, pool("summer"));
}

/// What an overflow pool gave and was used stays bound to its claim, whatever is taken back.
pub(crate) async fn what_was_used_stays_bound_through_the_chain<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    world.pool("vip", PoolSettings { overflow: Some(pool("spring")), ..PoolSettings::default() }).await;
    let claims = [test_message("t", "ada"), message("m", "bob")].map(|message| claim("vip", &message, Width::Message));
    for claim in &claims {
        let given = world.send(claim).await;
        assert_eq!(world.redeem(&given.voucher.code, "e").await, RedemptionResult::Redeemed);
    }
    let before = world.store.bindings(&claims).await.unwrap();
    assert!(before.iter().all(Option::is_some));
    assert_eq!(world.store.reclaim_tests().await.unwrap(), 0);
    let released = world.store.release_message(&claims[1].message.message_id).await.unwrap();
    assert_eq!(released, ReleasedMessage { released: 0, kept: 1 });
    assert_eq!(world.store.bindings(&claims).await.unwrap(), before);
}
