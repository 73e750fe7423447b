//! Claims: who gets which voucher.

use std::collections::HashSet;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use tearoff::ErrorKind;
use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

/// Rendered again, any number of times, before and after it is settled: the same voucher with the same times.
pub(crate) async fn a_claim_asked_again_gets_the_same_voucher<F: Fixture>() {
    let world = World::<F>::with_codes(10).await;
    world.set("spring", PoolSettings { valid_for: Some(Duration::from_secs(3600)), ..PoolSettings::default() }).await;
    let first = world.take(&world.lease(), &one(1)).await;
    assert!(first.reserved);
    world.fixture.pass(Duration::from_millis(20)).await;
    let lease = world.lease();
    let again = world.take(&lease, &one(1)).await;
    assert!(again.reserved && same_voucher(&first, &again));
    world.settle(&lease, &[kept(&[(&one(1), &again)])]).await;
    let assigned = world.take(&world.lease(), &one(1)).await;
    assert!(!assigned.reserved && same_voucher(&first, &assigned));
    assert_eq!(world.available("spring").await, 9);
}

/// Two claims of a pool with equal keys get the same voucher, in one call too.
pub(crate) async fn equal_keys_in_one_call_share_a_voucher<F: Fixture>() {
    let world = World::<F>::with_codes(10).await;
    let answers = world.store.reserve(&world.lease(), &[one(1), one(2), one(1)]).await.unwrap();
    let [first, other, again] = answers.map_bound();
    assert!(same_voucher(&first, &again) && first.voucher.code != other.voucher.code);
    assert_eq!(world.available("spring").await, 8);
}

/// The answers stand in the order of the claims, and earlier claims come first where there is not enough.
pub(crate) async fn earlier_claims_come_first<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    let answers = world.store.reserve(&world.lease(), &[one(1), one(2), one(3), one(1)]).await.unwrap();
    assert!(matches!(answers[0], Claimed::Bound(_)) && matches!(answers[1], Claimed::Bound(_)));
    assert_eq!(answers[2], Claimed::Refused(Refusal::PoolEmpty));
    assert_eq!(answers[3], answers[0]);
}

/// Every uncached call of a message has a code of its own, and keeps it.
pub(crate) async fn occurrences_get_codes_of_their_own<F: Fixture>() {
    let world = World::<F>::with_codes(10).await;
    let message = message("m", "c");
    let claims = [1, 2, 3].map(|n| claim("spring", &message, Width::Occurrence(n)));
    let [a, b, c] = world.store.reserve(&world.lease(), &claims).await.unwrap().map_bound();
    assert!(a.voucher.code != b.voucher.code && b.voucher.code != c.voucher.code && a.voucher.code != c.voucher.code);
    let again = world.take(&world.lease(), &claims[1]).await;
    assert!(same_voucher(&again, &b));
}

/// Within a message, a campaign or for a customer: one code as far as the width goes, and not further.
pub(crate) async fn a_code_is_shared_as_widely_as_its_width_says<F: Fixture>() {
    let world = World::<F>::with_codes(20).await;
    let (m1, m2) = (message_of("a", "m1", "ada"), message_of("a", "m2", "ada"));
    let (other_campaign, other_customer) = (message_of("b", "m3", "ada"), message_of("a", "m4", "bob"));
    for (width, shared_with_m2, shared_with_campaign) in
        [(Width::Message, false, false), (Width::Campaign, true, false), (Width::Customer, true, true)]
    {
        let claims = [&m1, &m2, &other_campaign, &other_customer].map(|message| claim("spring", message, width));
        let [a, b, c, d] = world.store.reserve(&world.lease(), &claims).await.unwrap().map_bound();
        assert_eq!(a.voucher.code == b.voucher.code, shared_with_m2, "{width:?}");
        assert_eq!(a.voucher.code == c.voucher.code, shared_with_campaign, "{width:?}");
        assert_ne!(a.voucher.code, d.voucher.code, "{width:?}");
    }
}

/// A claim for a whole campaign needs a campaign; the call does nothing then.
pub(crate) async fn a_claim_by_campaign_without_one_is_an_error<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let message = std::sync::Arc::new(MessageIdentity { campaign_id: None, ..identity("m", "c") });
    let claims = [one(1), claim("spring", &message, Width::Campaign)];
    let error = world.store.reserve(&world.lease(), &claims).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(world.available("spring").await, 5);
}

/// A pool does not hand its codes out in the order of the file.
pub(crate) async fn codes_come_in_random_order<F: Fixture>() {
    let world = World::<F>::with_codes(100).await;
    let claims: Vec<_> = (0..100).map(one).collect();
    let answers = world.store.reserve(&world.lease(), &claims).await.unwrap();
    let codes: Vec<_> = answers.into_iter().map(|answer| bound(answer).voucher.code).collect();
    assert!(!codes.is_sorted());
    let mut sorted: Vec<_> = codes.iter().map(|code| code.as_str().to_owned()).collect();
    sorted.sort();
    assert_eq!(sorted, numbered("S", 100));
}

/// Ids are any text: quotes, backslashes and what looks like a number or an escape are what they are.
pub(crate) async fn an_id_of_any_letters_is_found_again<F: Fixture>() {
    let world = World::<F>::with_codes(20).await;
    let ids = [
        r#"a "b" 'c'"#,
        r"a\b\u0041",
        "aA",
        "12",
        "12.0",
        "null",
        "[1]",
        "é 😀 \u{2028}\u{feff}\u{ffff}",
        "e:1:m",
        "%s ?1",
    ];
    let claims = ids.map(|id| claim("spring", &message(id, id), Width::Message));
    let lease = world.lease();
    let taken: [Binding; 10] = world.store.reserve(&lease, &claims).await.unwrap().map_bound();
    for lease in [&lease, &world.lease()] {
        let again: [Binding; 10] = world.store.reserve(lease, &claims).await.unwrap().map_bound();
        assert!(taken.iter().zip(&again).all(|(before, after)| same_voucher(before, after)));
        let messages: Vec<_> = claims.iter().zip(&again).map(|(claim, binding)| kept(&[(claim, binding)])).collect();
        assert_eq!(world.settle(lease, &messages).await, [Settled::Accepted; 10]);
    }
    assert_eq!(world.counts("spring").await.assigned, 10);
}

/// A call may take more than a store reads ahead: what it took so far is not there to be taken again.
pub(crate) async fn a_call_of_any_size_takes_no_code_twice<F: Fixture>() {
    let world = World::<F>::with_codes(3000).await;
    let claims: Vec<_> = (0..2500).map(one).collect();
    let answers = world.store.reserve(&world.lease(), &claims).await.unwrap();
    let codes: HashSet<_> = answers.into_iter().map(|answer| bound(answer).voucher.code).collect();
    assert_eq!(codes.len(), 2500);
    let counts = world.counts("spring").await;
    assert_eq!((counts.reserved, counts.available), (2500, 500));
}

/// Where codes expire one by one, those of the earliest expiry go first, and those that never expire last.
pub(crate) async fn the_earliest_expiry_comes_first<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    for (code, hours) in [("LATE", 3), ("EARLY", 1), ("MIDDLE", 2)] {
        world.import_until("spring", code, world.in_seconds(hours * 3600)).await;
    }
    let answers = world.store.reserve(&world.lease(), &[one(1), one(2), one(3), one(4)]).await.unwrap();
    let codes: Vec<_> = answers.into_iter().map(|answer| bound(answer).voucher.code.as_str().to_owned()).collect();
    assert_eq!(codes, ["EARLY", "MIDDLE", "LATE", "S-00000"]);
}

/// What has expired is passed over, whether its own time or that of its pool is over.
pub(crate) async fn an_expired_voucher_is_never_taken<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    world.import_until("spring", "OLD", world.in_seconds(30)).await;
    world.import_until("spring", "NEW", world.in_seconds(3600)).await;
    world.fixture.pass(Duration::from_millis(30_100)).await;
    assert_eq!(world.take(&world.lease(), &one(1)).await.voucher.code, code("NEW"));
    assert_eq!(world.counts("spring").await.expired, 1);
    world.import("spring", &numbered("S", 1)).await;
    let over = PoolSettings { expires_at: Some(world.fixture.now()), ..PoolSettings::default() };
    world.set("spring", over).await;
    let lease = world.lease();
    world.reserve(&lease, &one(1)).await;
    assert_eq!(world.reserve(&lease, &one(2)).await, Claimed::Refused(Refusal::PoolEmpty));
}

/// A binding ends with its code, its pool or `valid_for`, whichever is first; later settings do not move it.
pub(crate) async fn validity_is_the_earliest_end_and_fixed_when_taken<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let (hour, day) = (Duration::from_secs(3600), world.in_seconds(86_400));
    world.set("spring", PoolSettings { valid_for: Some(hour), expires_at: Some(day), ..PoolSettings::default() }).await;
    let by_use = world.take(&world.lease(), &one(1)).await;
    assert_eq!(by_use.voucher.expires_at, Some(by_use.assigned_at + SignedDuration::from_hours(1)));
    world.set("spring", PoolSettings { expires_at: Some(day), ..PoolSettings::default() }).await;
    assert_eq!(world.take(&world.lease(), &one(2)).await.voucher.expires_at, Some(day));
    let soon = world.in_seconds(600);
    world.import_until("spring", "SOON", soon).await;
    assert_eq!(world.take(&world.lease(), &one(3)).await.voucher.expires_at, Some(soon));
    let again = world.take(&world.lease(), &one(1)).await;
    assert!(same_voucher(&again, &by_use));
}

/// A customer whose voucher has expired gets another under the same key; the old one stays in their history.
pub(crate) async fn an_expired_binding_is_replaced_and_stays_in_the_history<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    world.set("spring", PoolSettings { valid_for: Some(Duration::from_secs(30)), ..PoolSettings::default() }).await;
    let claim = claim("spring", &message("m", "ada"), Width::Customer);
    let old = world.send(&claim).await;
    world.fixture.pass(Duration::from_millis(30_100)).await;
    assert_eq!(world.store.bindings(std::slice::from_ref(&claim)).await.unwrap(), [None]);
    let new = world.send(&claim).await;
    assert_ne!(new.voucher.code, old.voucher.code);
    let history = world.store.customers(&[CustomerId::new("ada").unwrap()]).await.unwrap().remove(0);
    let states: Vec<_> = history.iter().map(|record| (record.code.clone(), record.state)).collect();
    assert_eq!(states, [(old.voucher.code, State::Expired), (new.voucher.code, State::Assigned)]);
    let counts = world.counts("spring").await;
    assert_eq!((counts.available, counts.assigned, counts.expired), (3, 1, 1));
}

/// The columns of the import come with the voucher, in their order.
pub(crate) async fn what_a_voucher_brings_along_comes_with_it<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    let json = json!({"value": 10, "shop": "Zürich", "nested": {"a": [1, null]}});
    let metadata = json.as_object().unwrap().clone();
    let voucher = NewVoucher { code: code("ÄÖÜ 10 %"), expires_at: None, metadata: metadata.clone() };
    world.store.import(&pool("spring"), &[voucher]).await.unwrap();
    let binding = world.send(&one(1)).await;
    assert_eq!((&*binding.voucher.metadata, binding.source, &binding.from), (&metadata, Source::Pool, &pool("spring")));
    assert_eq!(world.record(&code("ÄÖÜ 10 %")).await.metadata, metadata);
}

/// There is no such pool: final, whatever leases there are.
pub(crate) async fn an_unknown_pool_is_refused<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    world.take(&world.lease(), &one(1)).await;
    let claim = claim("sprnig", &message("m", "c"), Width::Message);
    assert_eq!(world.reserve(&world.lease(), &claim).await, Claimed::Refused(Refusal::UnknownPool));
}

/// A pause stops new claims; what is bound is served, reserved or assigned, and settles.
pub(crate) async fn a_paused_pool_serves_what_is_bound_and_nothing_new<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    let assigned = world.send(&one(1)).await;
    let lease = world.lease();
    let reserved = world.take(&lease, &one(2)).await;
    world.set("spring", PoolSettings { paused: true, ..PoolSettings::default() }).await;
    assert_eq!(world.reserve(&lease, &one(3)).await, Claimed::Refused(Refusal::PoolPaused));
    assert!(same_voucher(&world.take(&lease, &one(1)).await, &assigned));
    assert!(same_voucher(&world.take(&lease, &one(2)).await, &reserved));
    assert_eq!(world.settle(&lease, &[kept(&[(&one(2), &reserved)])]).await, [Settled::Accepted]);
    world.set("spring", PoolSettings::default()).await;
    world.take(&lease, &one(3)).await;
}

/// Empty is final when nobody else could give anything back; the asking lease's own reservations do not count.
pub(crate) async fn an_empty_pool_is_final_without_other_leases<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    let lease = world.lease();
    world.take(&lease, &one(1)).await;
    world.take(&lease, &one(2)).await;
    assert_eq!(world.reserve(&lease, &one(3)).await, Claimed::Refused(Refusal::PoolEmpty));
}

/// Empty is contended while another lease holds reservations, and becomes final or a voucher when it ends.
pub(crate) async fn an_empty_pool_is_contended_while_another_lease_holds_its_vouchers<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    let (holder, asker) = (world.lease(), world.lease());
    let first = world.take(&holder, &one(1)).await;
    world.take(&holder, &one(2)).await;
    assert_eq!(world.reserve(&asker, &one(3)).await, Claimed::Contended(Refusal::PoolEmpty));
    world.settle(&holder, &[kept(&[(&one(1), &first)])]).await;
    world.take(&asker, &one(3)).await;
    assert_eq!(world.reserve(&asker, &one(4)).await, Claimed::Refused(Refusal::PoolEmpty));
}

/// A test send may give its voucher back too.
pub(crate) async fn a_test_reservation_holds_stock<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    let test = claim("spring", &test_message("t", "tester"), Width::Message);
    let holder = world.lease();
    world.take(&holder, &test).await;
    assert_eq!(world.reserve(&world.lease(), &one(1)).await, Claimed::Contended(Refusal::PoolEmpty));
    world.release(&holder).await;
    world.take(&world.lease(), &one(1)).await;
}

/// A test message and a live message never share a binding, however wide.
pub(crate) async fn test_and_live_never_share_a_voucher<F: Fixture>() {
    let world = World::<F>::with_codes(10).await;
    for width in [Width::Message, Width::Occurrence(1), Width::Campaign, Width::Customer] {
        let claims = [claim("spring", &message("m", "c"), width), claim("spring", &test_message("m", "c"), width)];
        let [live, test] = world.store.reserve(&world.lease(), &claims).await.unwrap().map_bound();
        assert_ne!(live.voucher.code, test.voucher.code, "{width:?}");
    }
}
