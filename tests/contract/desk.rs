//! What support staff do by hand.

use tearoff::ErrorKind;
use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

fn id(text: &str) -> MessageId {
    MessageId::new(text).unwrap()
}

async fn send_all<F: Fixture>(world: &World<F>, claims: &[Claim]) -> Vec<Binding> {
    let lease = world.lease();
    let bindings: Vec<_> = world.store.reserve(&lease, claims).await.unwrap().into_iter().map(bound).collect();
    let shown: Vec<_> = claims.iter().zip(&bindings).collect();
    assert_eq!(world.settle(&lease, &[kept(&shown)]).await, [Settled::Accepted]);
    bindings
}

/// The message will never be delivered: its own codes are free, and its id shows none again, however late a retry is.
pub(crate) async fn a_released_message_gives_back_its_own_keys_and_is_retired<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let message = message("m", "ada");
    let claims =
        [Width::Message, Width::Occurrence(1), Width::Occurrence(2)].map(|width| claim("spring", &message, width));
    let bindings = send_all(&world, &claims).await;
    let zombie = world.lease();
    world.take(&zombie, &claims[0]).await;
    let released = world.store.release_message(&id("m")).await.unwrap();
    assert_eq!(released, ReleasedMessage { released: 3, kept: 0 });
    assert_eq!(world.available("spring").await, 9);
    assert_eq!(world.reserve(&world.lease(), &claims[0]).await, Claimed::Rejected(Rejection::Released));
    assert_eq!(world.settle(&zombie, &[kept(&[(&claims[0], &bindings[0])])]).await, [Settled::Refused]);
    let plain = Kept { message, shown: vec![] };
    assert_eq!(world.settle(&world.lease(), &[plain]).await, [Settled::Refused]);
}

/// Codes for the customer or the campaign stay: other messages show them.
pub(crate) async fn wider_keys_stay_when_a_message_is_released<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let claims =
        [Width::Message, Width::Campaign, Width::Customer].map(|width| claim("spring", &message("m", "ada"), width));
    let bindings = send_all(&world, &claims).await;
    let released = world.store.release_message(&id("m")).await.unwrap();
    assert_eq!(released, ReleasedMessage { released: 1, kept: 2 });
    let next = claim("spring", &message("m2", "ada"), Width::Customer);
    assert!(same_voucher(&world.take(&world.lease(), &next).await, &bindings[2]));
}

/// The reply was lost: asked again, it frees nothing that somebody else holds by now.
pub(crate) async fn releasing_again_gives_back_nothing_more<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    world.send(&one(1)).await;
    assert_eq!(world.store.release_message(&id("m1")).await.unwrap().released, 1);
    world.send(&one(2)).await;
    assert_eq!(world.store.release_message(&id("m1")).await.unwrap(), ReleasedMessage { released: 0, kept: 0 });
    assert_eq!(world.counts("spring").await.assigned, 1);
}

/// A message that is being made is released too: its sender is told when it wants to deliver.
pub(crate) async fn a_message_that_only_reserves_can_be_released<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    let lease = world.lease();
    let binding = world.take(&lease, &one(1)).await;
    let released = world.store.release_message(&id("m1")).await.unwrap();
    assert_eq!((released.released, world.available("spring").await), (1, 2));
    assert_eq!(world.settle(&lease, &[kept(&[(&one(1), &binding)])]).await, [Settled::Refused]);
    assert_eq!(world.reserve(&lease, &one(1)).await, Claimed::Rejected(Rejection::Released));
}

/// An id that the store never saw, or whose reservation ran out, is an error and is not retired.
pub(crate) async fn an_unknown_message_cannot_be_released<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    world.take(&world.lease(), &one(1)).await;
    world.outlast_leases().await;
    let error = world.store.release_message(&id("m1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!error.to_string().contains("m1"));
    world.send(&one(1)).await;
}

/// Test sends give their codes back, and no live code with them.
pub(crate) async fn reclaiming_tests_leaves_live_messages_alone<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let claims = [Width::Message, Width::Customer].map(|width| claim("spring", &test_message("t", "ada"), width));
    let tests = send_all(&world, &claims).await;
    let live = world.send(&claim("spring", &message("m", "ada"), Width::Customer)).await;
    assert_eq!(world.counts("spring").await.assigned, 3);
    assert_eq!(world.store.reclaim_tests().await.unwrap(), 2);
    assert_eq!(world.record(&tests[0].voucher.code).await.state, State::Available);
    assert_eq!(world.record(&live.voucher.code).await.state, State::Assigned);
    assert_eq!(world.store.reclaim_tests().await.unwrap(), 0);
    assert_eq!(world.available("spring").await, 8);
}

/// As any other, a message of the usual id is found and released.
pub(crate) async fn a_usual_id_can_be_released<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let claims = [Width::Message, Width::Customer].map(|width| claim("spring", &message("c/ada", "ada"), width));
    send_all(&world, &claims).await;
    assert_eq!(world.store.release_message(&id("c/ada")).await.unwrap(), ReleasedMessage { released: 1, kept: 1 });
    assert_eq!(world.reserve(&world.lease(), &claims[0]).await, Claimed::Rejected(Rejection::Released));
    let reserved = claim("spring", &message("c/bob", "bob"), Width::Message);
    world.take(&world.lease(), &reserved).await;
    assert_eq!(world.store.release_message(&id("c/bob")).await.unwrap().released, 1);
    assert_eq!(world.available("spring").await, 8);
    let error = world.store.release_message(&id("c/cy")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// Ids may be longer than those of customers, and may end where one expects a customer.
pub(crate) async fn a_message_of_any_id_can_be_released<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    for text in ["m".repeat(512), format!("c/{}", "m".repeat(300)), "c/".to_owned()] {
        let error = world.store.release_message(&id(&text)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{} bytes", text.len());
        world.take(&world.lease(), &claim("spring", &message(&text, "ada"), Width::Message)).await;
        assert_eq!(world.store.release_message(&id(&text)).await.unwrap().released, 1);
    }
    assert_eq!(world.available("spring").await, 9);
}
