//! Assignments outside of messages, and what a customer's current voucher is.

use serde_json::json;
use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

/// The step `node` of a workflow for a customer.
fn step(node: &str, customer: &str) -> Claim {
    claim("spring", &message(&format!("assign:{node}:{customer}"), customer), Width::Message)
}

/// What a message shows of the customer for good.
fn current(id: &str, customer: &str) -> Claim {
    claim("spring", &message(id, customer), Width::Customer)
}

fn customer(id: &str) -> CustomerId {
    CustomerId::new(id).unwrap()
}

/// The pool `spring` of 600 vouchers of which every third is worth 10.
async fn assorted<F: Fixture>() -> World<F> {
    let world = World::<F>::with_codes(0).await;
    let metadata = |n: usize| json!({"value": if n.is_multiple_of(3) { 10 } else { 5 }}).as_object().unwrap().clone();
    let new = |n: usize| NewVoucher { metadata: metadata(n), ..voucher(&format!("S-{n:05}"), None) };
    let vouchers: Vec<_> = (0..600).map(new).collect();
    world.store.import(&pool("spring"), &vouchers).await.unwrap();
    world
}

fn is_worth_ten(voucher: &Voucher) -> bool {
    voucher.metadata.get("value") == Some(&json!(10))
}

fn is_anything(_: &Voucher) -> bool {
    true
}

async fn assign<F: Fixture>(world: &World<F>, claims: &[Claim]) -> Vec<Binding> {
    let lease = world.lease();
    let answers = world.store.reserve_matching(&lease, claims, &is_anything).await.unwrap();
    let bindings: Vec<_> = answers.into_iter().map(bound).collect();
    let messages: Vec<_> = claims.iter().zip(&bindings).map(|(claim, binding)| kept(&[(claim, binding)])).collect();
    assert!(world.settle(&lease, &messages).await.iter().all(|settled| *settled == Settled::Accepted));
    let holders: Vec<_> = claims
        .iter()
        .zip(&bindings)
        .map(|(claim, binding)| (claim.message.customer_id.clone(), binding.voucher.code.clone()))
        .collect();
    world.store.make_current(&pool("spring"), &holders).await.unwrap();
    bindings
}

/// Only vouchers that match are taken, wherever they lie, each once; what is bound is served whatever it matches.
pub(crate) async fn only_matching_vouchers_are_taken<F: Fixture>() {
    let world = assorted::<F>().await;
    let claims: Vec<_> = (0..201).map(|n| step("a", &format!("c{n}"))).collect();
    let lease = world.lease();
    let answers = world.store.reserve_matching(&lease, &claims, &is_worth_ten).await.unwrap();
    let mut codes: Vec<_> = Vec::new();
    for answer in &answers[..200] {
        let binding = bound(answer.clone());
        assert!(is_worth_ten(&binding.voucher) && binding.reserved && binding.source == Source::Pool);
        codes.push(binding.voucher.code);
    }
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), 200);
    assert_eq!(answers[200], Claimed::Refused(Refusal::PoolEmpty));
    let other = world.store.reserve_matching(&world.lease(), &[step("b", "c0")], &is_worth_ten).await.unwrap();
    assert_eq!(other, [Claimed::Contended(Refusal::PoolEmpty)]);
    assert_eq!(world.counts("spring").await.reserved, 200);
    let again = world.store.reserve_matching(&lease, &claims[..2], &|_| false).await.unwrap();
    assert_eq!(again, answers[..2]);
    world.release(&lease).await;
    assert_eq!(world.available("spring").await, 600);
}

/// All else is as for any claim: retired ids, pauses, limits, equal keys, pools that are not there, and what dead senders held.
pub(crate) async fn a_matching_claim_is_a_claim<F: Fixture>() {
    let world = assorted::<F>().await;
    let ask =
        async |claims: &[Claim]| world.store.reserve_matching(&world.lease(), claims, &is_worth_ten).await.unwrap();
    let unknown = Claim { pool: pool("none"), ..step("a", "ada") };
    assert_eq!(ask(&[unknown]).await, [Claimed::Refused(Refusal::UnknownPool)]);
    assert_eq!(ask(&[]).await, []);
    let twice = ask(&[step("a", "ada"), step("a", "ada")]).await;
    assert_eq!(twice[0], twice[1]);
    world.store.release_message(&step("a", "ada").message.message_id).await.unwrap();
    assert_eq!(ask(&[step("a", "ada")]).await, [Claimed::Rejected(Rejection::Released)]);
    world.set("spring", PoolSettings { paused: true, ..PoolSettings::default() }).await;
    assert_eq!(ask(&[step("a", "bob")]).await, [Claimed::Refused(Refusal::PoolPaused)]);
    let limits = Limits { total: Some(1), ..Limits::default() };
    world.set("spring", PoolSettings { limits, ..PoolSettings::default() }).await;
    let answers = ask(&[step("a", "bob"), step("a", "cy")]).await;
    assert_eq!(answers[1], Claimed::Refused(Refusal::LimitReached));
    world.outlast_leases().await;
    world.set("spring", PoolSettings::default()).await;
    let claims: Vec<_> = (0..200).map(|n| step("b", &format!("c{n}"))).collect();
    assert!(ask(&claims).await.into_iter().all(|answer| matches!(answer, Claimed::Bound(_))));
}

/// A pool that has none that matches is empty, whatever its overflow pool and its fallback code could give.
pub(crate) async fn a_matching_claim_takes_from_its_own_pool_only<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let (overflow, fallback) = (Some(pool("spring")), Some(code("ALL10")));
    world.pool("vip", PoolSettings { overflow, fallback, ..PoolSettings::default() }).await;
    let vip = Claim { pool: pool("vip"), ..step("a", "ada") };
    let answers = world.store.reserve_matching(&world.lease(), &[vip], &is_anything).await.unwrap();
    assert_eq!(answers, [Claimed::Refused(Refusal::PoolEmpty)]);
}

/// Matching claims and others take from one pool at once: no code goes twice, and all that match are found.
pub(crate) async fn matching_claims_share_a_pool_with_others<F: Fixture>() {
    let world = assorted::<F>().await;
    let other = world.fixture.another().await;
    let mut codes = Vec::new();
    for n in 0..10 {
        let matching: Vec<_> = (0..10).map(|i| step("a", &format!("a{n}-{i}"))).collect();
        let any: Vec<_> = (0..20).map(|i| one(100 * n + i)).collect();
        let (lease, leases) = (world.lease(), world.lease());
        let (ten, rest) =
            tokio::join!(world.store.reserve_matching(&lease, &matching, &is_worth_ten), other.reserve(&leases, &any));
        codes.extend(ten.unwrap().into_iter().chain(rest.unwrap()).map(|answer| bound(answer).voucher.code));
    }
    let count = codes.len();
    codes.sort();
    codes.dedup();
    assert_eq!((count, codes.len(), world.available("spring").await), (300, 300, 300));
}

/// What a step assigned is what the customer has from then on; the next step's takes its place; a repeated step changes nothing.
pub(crate) async fn the_latest_step_is_current<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let first = assign(&world, &[step("a", "ada"), step("a", "bob")]).await;
    for (n, name) in ["ada", "bob"].into_iter().enumerate() {
        let shown = world.send(&current(&format!("m{n}"), name)).await;
        assert!(same_voucher(&shown, &first[n]) && !shown.reserved);
    }
    world.fixture.pass(std::time::Duration::from_millis(5)).await;
    let second = assign(&world, &[step("b", "ada")]).await;
    assert_ne!(second[0].voucher.code, first[0].voucher.code);
    let again = assign(&world, &[step("a", "ada")]).await;
    assert!(same_voucher(&again[0], &first[0]));
    assert!(same_voucher(&world.take(&world.lease(), &current("m9", "ada")).await, &second[0]));
    assert!(same_voucher(&world.take(&world.lease(), &current("m8", "bob")).await, &first[1]));
    let history = world.store.customers(&[customer("ada")]).await.unwrap().remove(0);
    let states: Vec<_> = history.into_iter().map(|record| (record.code, record.state)).collect();
    let both = [&first[0], &second[0]].map(|binding| (binding.voucher.code.clone(), State::Assigned));
    assert_eq!(states, both);
    assert_eq!(world.counts("spring").await.assigned, 3);
    assert!(world.is_sound("spring").await);
}

/// What a message gave the customer for good is their current one until a step assigns one.
pub(crate) async fn a_step_takes_the_place_of_a_messages_voucher<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let limits = Limits { per_customer: Some(2), ..Limits::default() };
    world.set("spring", PoolSettings { limits, ..PoolSettings::default() }).await;
    let before = world.send(&current("m1", "ada")).await;
    world.fixture.pass(std::time::Duration::from_millis(5)).await;
    let assigned = assign(&world, &[step("a", "ada")]).await;
    assert_ne!(assigned[0].voucher.code, before.voucher.code);
    assert!(same_voucher(&world.take(&world.lease(), &current("m2", "ada")).await, &assigned[0]));
    assert_eq!(world.record(&before.voucher.code).await.state, State::Assigned);
    assert_eq!(world.reserve(&world.lease(), &step("b", "ada")).await, Claimed::Refused(Refusal::LimitReached));
    assert!(world.is_sound("spring").await);
}

/// A current voucher that was taken later than what a step assigned stays.
pub(crate) async fn a_later_voucher_stays_current<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let assigned = world.send(&step("a", "ada")).await;
    world.fixture.pass(std::time::Duration::from_millis(5)).await;
    let later = world.send(&current("m1", "ada")).await;
    let holders = [(customer("ada"), assigned.voucher.code.clone())];
    world.store.make_current(&pool("spring"), &holders).await.unwrap();
    assert!(same_voucher(&world.take(&world.lease(), &current("m2", "ada")).await, &later));
    assert!(same_voucher(&world.take(&world.lease(), &step("a", "ada")).await, &assigned));
}

/// What is not assigned to the customer, or is over, becomes nobody's current one.
pub(crate) async fn only_what_is_held_becomes_current<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let bobs = world.send(&step("a", "bob")).await.voucher.code;
    let ended = world.send(&step("a", "ada")).await.voucher.code;
    let test = world.send(&claim("spring", &test_message("t", "ada"), Width::Message)).await.voucher.code;
    let reserved = world.take(&world.lease(), &step("b", "ada")).await.voucher.code;
    world.store.void(std::slice::from_ref(&ended)).await.unwrap();
    let free = world.listing("spring").await.into_iter().find(|record| record.state == State::Available).unwrap().code;
    let holders = [bobs, ended, test, reserved, free, code("NONE")].map(|code| (customer("ada"), code));
    world.store.make_current(&pool("spring"), &holders).await.unwrap();
    assert_eq!(world.store.bindings(&[current("m", "ada"), current("m", "bob")]).await.unwrap(), [None, None]);
    assert!(world.is_sound("spring").await);
}

/// A current voucher that expires or is ended is replaced for the customer, and under its step.
pub(crate) async fn a_current_voucher_that_is_over_is_replaced<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let old = assign(&world, &[step("a", "ada")]).await.remove(0).voucher.code;
    world.store.void(std::slice::from_ref(&old)).await.unwrap();
    assert_eq!(world.store.bindings(&[current("m", "ada"), step("a", "ada")]).await.unwrap(), [None, None]);
    let by_message = world.send(&current("m", "ada")).await.voucher.code;
    assert_ne!(by_message, old);
    world.fixture.pass(std::time::Duration::from_millis(5)).await;
    let by_step = assign(&world, &[step("a", "ada")]).await.remove(0).voucher.code;
    assert!(by_step != old && by_step != by_message);
    assert_eq!(world.take(&world.lease(), &current("m2", "ada")).await.voucher.code, by_step);
    assert!(world.is_sound("spring").await);
}

/// The customer has the current voucher whatever becomes of the step that assigned it: other messages may have shown it.
pub(crate) async fn a_released_step_leaves_the_current_voucher<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let assigned = assign(&world, &[step("a", "ada")]).await.remove(0);
    let released = world.store.release_message(&step("a", "ada").message.message_id).await.unwrap();
    assert_eq!(released, ReleasedMessage { released: 0, kept: 1 });
    assert!(same_voucher(&world.take(&world.lease(), &current("m", "ada")).await, &assigned));
    assert_eq!(world.reserve(&world.lease(), &step("a", "ada")).await, Claimed::Rejected(Rejection::Released));
    world.fixture.pass(std::time::Duration::from_millis(5)).await;
    assign(&world, &[step("b", "ada")]).await;
    assert_eq!(world.counts("spring").await.assigned, 2);
}

/// Other messages may have shown what was current once, so a release of its step does not give it back.
pub(crate) async fn a_released_step_leaves_what_was_current<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let first = assign(&world, &[step("a", "ada")]).await.remove(0);
    assert!(same_voucher(&world.send(&current("m", "ada")).await, &first));
    world.fixture.pass(std::time::Duration::from_millis(5)).await;
    assign(&world, &[step("b", "ada")]).await;
    let released = world.store.release_message(&step("a", "ada").message.message_id).await.unwrap();
    assert_eq!(released, ReleasedMessage { released: 0, kept: 1 });
    assert_eq!(world.record(&first.voucher.code).await.customer_id, Some(customer("ada")));
}

/// What was used becomes nobody's current voucher, and what has given way does again once the one after it is over.
pub(crate) async fn only_a_usable_voucher_becomes_current<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let first = assign(&world, &[step("a", "ada")]).await.remove(0);
    world.fixture.pass(std::time::Duration::from_millis(5)).await;
    let second = assign(&world, &[step("b", "ada")]).await.remove(0);
    world.fixture.pass(std::time::Duration::from_millis(5)).await;
    let used = world.send(&step("c", "ada")).await.voucher.code;
    world.redeem(&used, "e").await;
    world.store.make_current(&pool("spring"), &[(customer("ada"), used)]).await.unwrap();
    assert!(same_voucher(&world.take(&world.lease(), &current("m", "ada")).await, &second));
    world.store.void(&[second.voucher.code]).await.unwrap();
    let holders = [(customer("ada"), first.voucher.code.clone())];
    for _ in 0..2 {
        world.store.make_current(&pool("spring"), &holders).await.unwrap();
        assert!(same_voucher(&world.take(&world.lease(), &current("m", "ada")).await, &first));
    }
    assert!(world.is_sound("spring").await);
}

/// A message under way that shows an earlier voucher of the customer for good renders anew, with the step's.
pub(crate) async fn a_step_takes_the_place_of_what_is_only_reserved<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let lease = world.lease();
    let reserved = world.take(&lease, &current("m", "ada")).await;
    world.fixture.pass(std::time::Duration::from_millis(5)).await;
    let assigned = assign(&world, &[step("a", "ada")]).await.remove(0);
    let settled = world.settle(&lease, &[kept(&[(&current("m", "ada"), &reserved)])]).await;
    assert_eq!(settled, [Settled::Refused]);
    assert!(same_voucher(&world.send(&current("m", "ada")).await, &assigned));
    assert_eq!(world.available("spring").await, 8);
    assert!(world.is_sound("spring").await);
}
