//! Settling: what is kept is final, and nothing else is.

use std::sync::Arc;
use std::time::Duration;

use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

/// What a complete message shows becomes its customer's; what else the lease held is free again.
pub(crate) async fn what_is_kept_is_assigned_and_the_rest_goes_back<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let lease = world.lease();
    let [a, _, _] = world.store.reserve(&lease, &[one(1), one(2), one(3)]).await.unwrap().map_bound();
    assert_eq!(world.settle(&lease, &[kept(&[(&one(1), &a)])]).await, [Settled::Accepted]);
    let counts = world.counts("spring").await;
    assert_eq!((counts.available, counts.reserved, counts.assigned), (4, 0, 1));
    let record = world.record(&a.voucher.code).await;
    assert_eq!(record.state, State::Assigned);
    assert_eq!(record.customer_id, Some(CustomerId::new("c1").unwrap()));
    assert_eq!(record.assigned_at, Some(a.assigned_at));
    world.outlast_leases().await;
    assert!(same_voucher(&world.take(&world.lease(), &one(1)).await, &a));
}

/// With nothing to keep, everything goes back.
pub(crate) async fn nothing_kept_is_a_release<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let lease = world.lease();
    world.store.reserve(&lease, &[one(1), one(2)]).await.unwrap();
    world.release(&lease).await;
    assert_eq!(world.available("spring").await, 5);
    world.release(&lease).await;
    assert_eq!(world.store.bindings(&[one(1)]).await.unwrap(), [None]);
}

/// The reply was lost: asked again, the store gives the same answers and changes nothing.
pub(crate) async fn settling_again_gives_the_same_answer<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let lease = world.lease();
    let [a, b] = world.store.reserve(&lease, &[one(1), one(2)]).await.unwrap().map_bound();
    let wrong = Kept { shown: vec![show(&one(2), &a.voucher.code)], ..kept(&[(&one(2), &b)]) };
    let messages = [kept(&[(&one(1), &a)]), wrong];
    let first = world.settle(&lease, &messages).await;
    assert_eq!(first, [Settled::Accepted, Settled::Refused]);
    let counts = world.counts("spring").await;
    assert_eq!(world.settle(&lease, &messages).await, first);
    assert_eq!(world.counts("spring").await, counts);
}

/// A message is accepted as a whole or not at all: one wrong code, and its right ones go back too.
pub(crate) async fn one_wrong_code_refuses_the_whole_message<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let message = message("m", "c");
    let claims = [1, 2].map(|n| claim("spring", &message, Width::Occurrence(n)));
    for wrong in [0, 1] {
        let lease = world.lease();
        let [a, b] = world.store.reserve(&lease, &claims).await.unwrap().map_bound();
        let mut shown = vec![show(&claims[0], &a.voucher.code), show(&claims[1], &b.voucher.code)];
        shown[wrong].code = code("S-XXXXX");
        let kept = Kept { shown, message: message.clone() };
        assert_eq!(world.settle(&lease, &[kept]).await, [Settled::Refused]);
        assert_eq!(world.available("spring").await, 5);
        assert_eq!(world.record(&b.voucher.code).await.state, State::Available);
    }
}

/// Each message of a call stands for itself, and the answers stand in their order.
pub(crate) async fn a_refused_message_does_not_touch_its_neighbours<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let lease = world.lease();
    let [a, b, c] = world.store.reserve(&lease, &[one(1), one(2), one(3)]).await.unwrap().map_bound();
    let wrong = Kept { shown: vec![show(&one(2), &c.voucher.code)], ..kept(&[(&one(2), &b)]) };
    let answers = world.settle(&lease, &[kept(&[(&one(1), &a)]), wrong, kept(&[(&one(3), &c)])]).await;
    assert_eq!(answers, [Settled::Accepted, Settled::Refused, Settled::Accepted]);
    assert_eq!((world.counts("spring").await.assigned, world.available("spring").await), (2, 3));
}

/// A right code under another key is not kept.
pub(crate) async fn the_key_must_match_and_not_only_the_code<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let (lease, message) = (world.lease(), message("m", "c"));
    let by_message = claim("spring", &message, Width::Message);
    let binding = world.take(&lease, &by_message).await;
    let by_customer = claim("spring", &message, Width::Customer);
    assert_eq!(world.settle(&lease, &[kept(&[(&by_customer, &binding)])]).await, [Settled::Refused]);
}

/// What counts is that the code is still bound to the key, not whose tag it carries.
pub(crate) async fn a_binding_under_any_tag_may_be_kept<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let (slow, fast) = (world.lease(), world.lease());
    let binding = world.take(&slow, &one(1)).await;
    world.take(&fast, &one(1)).await;
    assert_eq!(world.settle(&slow, &[kept(&[(&one(1), &binding)])]).await, [Settled::Accepted]);
    assert_eq!(world.settle(&fast, &[]).await, []);
    assert_eq!(world.counts("spring").await.assigned, 1);
    assert_eq!(world.settle(&fast, &[kept(&[(&one(1), &binding)])]).await, [Settled::Accepted]);
}

/// Two messages of a customer show one code: assigned once, accepted twice.
pub(crate) async fn a_wider_key_is_assigned_once_and_kept_by_many<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let claims = ["m1", "m2"].map(|id| claim("spring", &message(id, "ada"), Width::Customer));
    let lease = world.lease();
    let [a, b] = world.store.reserve(&lease, &claims).await.unwrap().map_bound();
    let both = [kept(&[(&claims[0], &a)]), kept(&[(&claims[1], &b)])];
    assert_eq!(world.settle(&lease, &both).await, [Settled::Accepted, Settled::Accepted]);
    assert_eq!(world.counts("spring").await.assigned, 1);
}

/// A shared code is recorded for the message that was accepted first, not for one that only reserved it.
pub(crate) async fn a_shared_code_belongs_to_the_message_accepted_first<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let first = claim("spring", &message_of("a", "m1", "ada"), Width::Customer);
    let second = claim("spring", &message_of("b", "m2", "ada"), Width::Customer);
    world.take(&world.lease(), &first).await;
    let binding = world.send(&second).await;
    let record = world.record(&binding.voucher.code).await;
    assert_eq!(record.message_id, Some(MessageId::new("m2").unwrap()));
    assert_eq!(record.campaign_id, Some(CampaignId::new("b").unwrap()));
}

/// A message without codes is accepted like any other: from then on its id is its customer's.
pub(crate) async fn a_message_without_codes_is_accepted_and_known<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let plain = Kept { message: message("m", "ada"), shown: vec![] };
    assert_eq!(world.settle(&world.lease(), &[plain]).await, [Settled::Accepted]);
    let foreign = claim("spring", &message("m", "bob"), Width::Message);
    assert_eq!(world.reserve(&world.lease(), &foreign).await, Claimed::Rejected(Rejection::Conflict));
}

/// The same code in subject and body is one voucher.
pub(crate) async fn a_code_shown_twice_is_assigned_once<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let lease = world.lease();
    let binding = world.take(&lease, &one(1)).await;
    let twice = kept(&[(&one(1), &binding), (&one(1), &binding)]);
    assert_eq!(world.settle(&lease, &[twice]).await, [Settled::Accepted]);
    let counts = world.counts("spring").await;
    assert_eq!((counts.available, counts.reserved, counts.assigned), (4, 0, 1));
}

/// An accepted id comes back with another customer or mode: rejected when it claims, refused when it settles.
pub(crate) async fn an_accepted_id_belongs_to_its_customer_and_mode<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let lease = world.lease();
    let early = claim("spring", &message("m", "bob"), Width::Customer);
    let early_binding = world.take(&lease, &early).await;
    world.send(&claim("spring", &message("m", "ada"), Width::Message)).await;
    for foreign in [message("m", "bob"), test_message("m", "ada")] {
        let claim = claim("spring", &foreign, Width::Message);
        assert_eq!(world.reserve(&world.lease(), &claim).await, Claimed::Rejected(Rejection::Conflict));
    }
    assert_eq!(world.settle(&lease, &[kept(&[(&early, &early_binding)])]).await, [Settled::Refused]);
    assert_eq!(world.available("spring").await, 8);
}

/// Two customers come under one id, in one call: the first has it from then on.
pub(crate) async fn an_id_goes_to_one_customer_and_mode_of_a_call<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    for (n, (first, second)) in
        [(message("a", "ada"), message("a", "bob")), (test_message("b", "ada"), message("b", "ada"))]
            .into_iter()
            .enumerate()
    {
        let claims = [&first, &second].map(|message| claim("spring", message, Width::Message));
        let lease = world.lease();
        let [one, other] = world.store.reserve(&lease, &claims).await.unwrap().map_bound();
        let messages = [kept(&[(&claims[0], &one)]), kept(&[(&claims[1], &other)])];
        assert_eq!(world.settle(&lease, &messages).await, [Settled::Accepted, Settled::Refused]);
        assert_eq!(world.settle(&world.lease(), &messages).await, [Settled::Accepted, Settled::Refused]);
        assert_eq!(world.available("spring").await, 8 - n as u64);
    }
}

/// What is reserved under an id binds it to nobody: it goes to whom it is accepted for, with a code of its own or without.
pub(crate) async fn a_reserved_id_goes_to_the_customer_accepted_first<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    world.pool("summer", PoolSettings::default()).await;
    world.import("summer", &numbered("SU", 9)).await;
    for (id, shows_a_code) in [("a", true), ("b", false)] {
        let lease = world.lease();
        let late = claim("spring", &message(id, "bob"), Width::Message);
        let binding = world.take(&lease, &late).await;
        let first = claim("summer", &message(id, "ada"), Width::Message);
        if shows_a_code {
            world.send(&first).await;
        } else {
            let plain = Kept { message: first.message.clone(), shown: vec![] };
            assert_eq!(world.settle(&world.lease(), &[plain]).await, [Settled::Accepted]);
        }
        assert_eq!(world.settle(&lease, &[kept(&[(&late, &binding)])]).await, [Settled::Refused]);
        assert_eq!(world.available("spring").await, 9);
    }
}

/// A message that is refused leaves its id free.
pub(crate) async fn a_refused_id_belongs_to_nobody<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let early = claim("spring", &message("m", "ada"), Width::Message);
    let wrong = Kept { message: early.message.clone(), shown: vec![show(&early, &code("S-XXXXX"))] };
    assert_eq!(world.settle(&world.lease(), &[wrong]).await, [Settled::Refused]);
    world.send(&claim("spring", &message("m", "bob"), Width::Message)).await;
}

/// An e-mail and an SMS under one id share their codes.
pub(crate) async fn an_id_is_not_bound_to_its_channel<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let mail = world.send(&claim("spring", &message("m", "ada"), Width::Message)).await;
    let text = Arc::new(MessageIdentity { channel: Channel::Sms, ..identity("m", "ada") });
    let sms = world.send(&claim("spring", &text, Width::Message)).await;
    assert!(same_voucher(&mail, &sms));
    assert_eq!(world.record(&mail.voucher.code).await.channel, Some(Channel::Email));
}

/// A code that expired before the message was done is not delivered.
pub(crate) async fn an_expired_code_is_not_kept<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let quick = PoolSettings { valid_for: Some(Duration::from_secs(10)), ..PoolSettings::default() };
    world.set("spring", quick).await;
    let lease = world.lease();
    let binding = world.take(&lease, &one(1)).await;
    world.fixture.pass(Duration::from_millis(10_100)).await;
    assert_eq!(world.settle(&lease, &[kept(&[(&one(1), &binding)])]).await, [Settled::Refused]);
    assert_eq!(world.available("spring").await, 5);
}

/// A code of a pool that does not exist is no code.
pub(crate) async fn an_unknown_pool_is_not_kept<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let unknown = claim("autumn", &message("m", "ada"), Width::Message);
    let kept = Kept { message: unknown.message.clone(), shown: vec![show(&unknown, &code("X"))] };
    assert_eq!(world.settle(&world.lease(), &[kept]).await, [Settled::Refused]);
}

/// The usual id of a message names its customer: a store may know it by that, and must know it as well as any other.
pub(crate) async fn a_usual_id_belongs_to_its_customer<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let own = claim("spring", &message("c/ada", "ada"), Width::Message);
    let sent = world.send(&own).await;
    let foreign = claim("spring", &message("c/ada", "bob"), Width::Message);
    assert_eq!(world.reserve(&world.lease(), &foreign).await, Claimed::Rejected(Rejection::Conflict));
    assert_eq!(world.settle(&world.lease(), &[kept(&[(&foreign, &sent)])]).await, [Settled::Refused]);
    assert_eq!(world.settle(&world.lease(), &[kept(&[(&own, &sent)])]).await, [Settled::Accepted]);
    assert!(same_voucher(&world.take(&world.lease(), &own).await, &sent));
    let record = world.record(&sent.voucher.code).await;
    assert_eq!(record.message_id, Some(MessageId::new("c/ada").unwrap()));
    let elsewhere = world.send(&claim("spring", &message_of("d", "c/bob", "bob"), Width::Message)).await;
    let record = world.record(&elsewhere.voucher.code).await;
    assert_eq!((record.message_id, record.campaign_id), (MessageId::new("c/bob").ok(), CampaignId::new("d").ok()));
}

/// A message of a usual id that no voucher speaks of: it shows none, or one that another message took.
pub(crate) async fn a_usual_id_without_a_code_of_its_own_is_known<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let first = claim("spring", &message("c/ada", "ada"), Width::Customer);
    let shared = world.send(&first).await;
    let lease = world.lease();
    let second = claim("spring", &message("d/ada", "ada"), Width::Customer);
    assert!(same_voucher(&world.take(&lease, &second).await, &shared));
    let plain = Kept { message: message("e/ada", "ada"), shown: vec![] };
    let answers = world.settle(&lease, &[kept(&[(&second, &shared)]), plain]).await;
    assert_eq!(answers, [Settled::Accepted, Settled::Accepted]);
    for id in ["d/ada", "e/ada"] {
        let foreign = claim("spring", &message(id, "bob"), Width::Message);
        assert_eq!(world.reserve(&world.lease(), &foreign).await, Claimed::Rejected(Rejection::Conflict));
    }
}

/// A test send under the id of an accepted live message is a conflict, and does not take its id from it.
pub(crate) async fn a_usual_id_belongs_to_its_mode<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    world.pool("summer", PoolSettings::default()).await;
    world.import("summer", &numbered("SU", 9)).await;
    let own = claim("spring", &message("c/ada", "ada"), Width::Message);
    let sent = world.send(&own).await;
    for pool in ["spring", "summer"] {
        let test = claim(pool, &test_message("c/ada", "ada"), Width::Message);
        assert_eq!(world.reserve(&world.lease(), &test).await, Claimed::Rejected(Rejection::Conflict), "{pool}");
    }
    let plain = Kept { message: test_message("c/ada", "ada"), shown: vec![] };
    assert_eq!(world.settle(&world.lease(), &[plain]).await, [Settled::Refused]);
    assert!(same_voucher(&world.take(&world.lease(), &own).await, &sent));
}

/// Two copies of a message settle at once, one of them with a code that it does not hold: the id stays with the other.
pub(crate) async fn a_refused_copy_takes_no_id_from_an_accepted_one<F: Fixture>() {
    let world = World::<F>::with_codes(100).await;
    let other = world.fixture.another().await;
    for n in 0..40 {
        let (claim, copy) = (one(n), world.lease());
        let binding = world.take(&world.lease(), &claim).await;
        let right = [kept(&[(&claim, &binding)])];
        let wrong = [Kept { shown: vec![show(&claim, &code("WRONG"))], ..right[0].clone() }];
        let lease = world.lease();
        let (refused, accepted) = tokio::join!(other.settle(&copy, &wrong), world.store.settle(&lease, &right));
        assert_eq!((refused.unwrap()[0], accepted.unwrap()[0]), (Settled::Refused, Settled::Accepted));
        let released = world.store.release_message(&claim.message.message_id).await.unwrap();
        assert_eq!(released, ReleasedMessage { released: 1, kept: 0 });
    }
}
