//! Leases: what an attempt that died or was overtaken leaves behind.

use std::time::Duration;

use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

/// The sender died: what it had reserved is taken by whoever comes next, in that very call.
pub(crate) async fn what_a_lease_that_ran_out_reserved_goes_back_before_the_answer<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    world.store.reserve(&world.lease(), &[one(1), one(2)]).await.unwrap();
    assert_eq!(world.reserve(&world.lease(), &one(3)).await, Claimed::Contended(Refusal::PoolEmpty));
    world.outlast_leases().await;
    let lease = world.lease();
    let [_, _] = world.store.reserve(&lease, &[one(3), one(4)]).await.unwrap().map_bound();
    assert_eq!(world.reserve(&lease, &one(1)).await, Claimed::Refused(Refusal::PoolEmpty));
}

/// A sign of life keeps the reservations for another lease time.
pub(crate) async fn a_call_without_claims_renews_the_lease<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    let (holder, asker) = (world.lease(), world.lease());
    let binding = world.take(&holder, &one(1)).await;
    for _ in 0..3 {
        world.fixture.pass(F::LEASE / 2).await;
        assert_eq!(world.store.reserve(&holder, &[]).await.unwrap(), []);
    }
    assert_eq!(world.reserve(&asker, &one(2)).await, Claimed::Contended(Refusal::PoolEmpty));
    assert_eq!(world.settle(&holder, &[kept(&[(&one(1), &binding)])]).await, [Settled::Accepted]);
    assert_eq!(world.reserve(&asker, &one(2)).await, Claimed::Refused(Refusal::PoolEmpty));
}

/// The end of a lease touches nobody else's reservations.
pub(crate) async fn a_lease_goes_back_only_with_what_carries_its_tag<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let (mine, other) = (world.lease(), world.lease());
    world.take(&mine, &one(1)).await;
    let kept_by_other = world.take(&other, &one(2)).await;
    world.release(&mine).await;
    assert_eq!((world.available("spring").await, world.counts("spring").await.reserved), (2, 1));
    assert_eq!(world.settle(&other, &[kept(&[(&one(2), &kept_by_other)])]).await, [Settled::Accepted]);
}

/// Who touches a reserved binding takes it over: the lease that held it before no longer gives it back, nor by running out.
pub(crate) async fn a_reservation_of_another_lease_is_tagged_anew<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let (first, second) = (world.lease(), world.lease());
    let binding = world.take(&first, &one(1)).await;
    world.fixture.pass(F::LEASE / 2).await;
    world.take(&second, &one(1)).await;
    world.release(&first).await;
    assert_eq!(world.counts("spring").await.reserved, 1);
    world.fixture.pass(F::LEASE / 2 + Duration::from_millis(1)).await;
    let (third, again) = (world.lease(), one(1));
    assert!(same_voucher(&world.take(&third, &again).await, &binding));
    assert_eq!(world.settle(&second, &[kept(&[(&again, &binding)])]).await, [Settled::Accepted]);
    assert_eq!(world.counts("spring").await.assigned, 1);
}

/// What an attempt takes over is its own from then on: nobody else can give it back, so the pool is empty for good.
pub(crate) async fn what_is_tagged_anew_is_no_rivals<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    world.take(&world.lease(), &one(1)).await;
    let answers = world.store.reserve(&world.lease(), &[one(1), one(2)]).await.unwrap();
    assert!(matches!(answers[0], Claimed::Bound(_)));
    assert_eq!(answers[1], Claimed::Refused(Refusal::PoolEmpty));
}

/// What somebody else has taken over may still go back: the pool is not empty for good.
pub(crate) async fn what_another_has_tagged_anew_is_a_rivals<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    let (first, second) = (world.lease(), world.lease());
    world.take(&first, &one(1)).await;
    world.take(&second, &one(1)).await;
    assert_eq!(world.reserve(&first, &one(2)).await, Claimed::Contended(Refusal::PoolEmpty));
    world.release(&second).await;
    world.take(&first, &one(2)).await;
}

/// Two attempts at one message that take turns: what it holds goes back once, with the lease that touched it last.
pub(crate) async fn what_is_tagged_to_and_fro_goes_back_once<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    let (first, second) = (world.lease(), world.lease());
    for _ in 0..2 {
        world.take(&first, &one(1)).await;
        world.take(&second, &one(1)).await;
    }
    world.take(&first, &one(1)).await;
    world.release(&second).await;
    assert_eq!(world.counts("spring").await.reserved, 1);
    world.release(&first).await;
    assert_eq!((world.available("spring").await, world.counts("spring").await.total), (2, 2));
    let lease = world.lease();
    let [one_code, other_code] = world.store.reserve(&lease, &[one(1), one(2)]).await.unwrap().map_bound();
    assert_ne!(one_code.voucher.code, other_code.voucher.code);
}

/// However much a dead sender held, all of it comes back.
pub(crate) async fn a_large_lease_goes_back_whole<F: Fixture>() {
    const CODES: usize = 2_300;
    let world = World::<F>::with_codes(CODES).await;
    let claims: Vec<Claim> = (0..CODES).map(one).collect();
    let lease = world.lease();
    world.store.reserve(&lease, &claims).await.unwrap();
    let shown = world.take(&lease, &claims[7]).await;
    assert_eq!(world.settle(&lease, &[kept(&[(&claims[7], &shown)])]).await, [Settled::Accepted]);
    let others = world.lease();
    let mut codes: Vec<_> = Vec::new();
    for answer in world.store.reserve(&others, &claims).await.unwrap() {
        codes.push(bound(answer).voucher.code);
    }
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), CODES);
    world.outlast_leases().await;
    world.store.reserve(&world.lease(), &[]).await.unwrap();
    assert_eq!(world.available("spring").await, CODES as u64 - 1);
}

/// A zombie: its lease ran out and its code went back. It is not accepted, so it never delivers.
pub(crate) async fn a_late_settle_cannot_keep_a_code_that_went_back<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let zombie = world.lease();
    let binding = world.take(&zombie, &one(1)).await;
    world.outlast_leases().await;
    world.store.reserve(&world.lease(), &[]).await.unwrap();
    assert_eq!(world.settle(&zombie, &[kept(&[(&one(1), &binding)])]).await, [Settled::Refused]);
    assert_eq!(world.available("spring").await, 5);
}

/// A zombie whose code somebody else got is not accepted, and takes nothing from them.
pub(crate) async fn a_late_settle_never_shows_a_code_of_somebody_else<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    let zombie = world.lease();
    let binding = world.take(&zombie, &one(1)).await;
    world.outlast_leases().await;
    let new = world.send(&one(2)).await;
    assert_eq!(new.voucher.code, binding.voucher.code);
    assert_eq!(world.settle(&zombie, &[kept(&[(&one(1), &binding)])]).await, [Settled::Refused]);
    let record = world.record(&binding.voucher.code).await;
    assert_eq!((record.state, record.message_id), (State::Assigned, Some(MessageId::new("m2").unwrap())));
}

/// Another process finds what a dead one had reserved, and gives it back in time.
pub(crate) async fn a_store_opened_later_sees_what_a_dead_sender_left<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    world.take(&world.lease(), &one(1)).await;
    let other = world.fixture.another().await;
    let lease = world.lease();
    assert_eq!(other.reserve(&lease, &[one(2)]).await.unwrap(), [Claimed::Contended(Refusal::PoolEmpty)]);
    world.outlast_leases().await;
    let [_] = other.reserve(&lease, &[one(2)]).await.unwrap().map_bound();
}
