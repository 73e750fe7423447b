//! Limits: how many vouchers of a pool may be given.

use std::time::Duration;

use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

async fn limited<F: Fixture>(limits: Limits) -> World<F> {
    let world = World::with_codes(20).await;
    world.set("spring", PoolSettings { limits, ..PoolSettings::default() }).await;
    world
}

fn total(limit: u64) -> Limits {
    Limits { total: Some(limit), ..Limits::default() }
}

fn occurrence(n: u32, message: &std::sync::Arc<MessageIdentity>) -> Claim {
    claim("spring", message, Width::Occurrence(n))
}

/// Reserved and assigned vouchers count, within one call as well as over many.
pub(crate) async fn a_total_limit_counts_reserved_and_assigned<F: Fixture>() {
    let world = limited::<F>(total(3)).await;
    world.send(&one(1)).await;
    let answers = world.store.reserve(&world.lease(), &[one(2), one(3), one(4)]).await.unwrap();
    assert!(matches!(answers[1], Claimed::Bound(_)));
    assert_eq!(answers[2], Claimed::Refused(Refusal::LimitReached));
}

/// One campaign's limit leaves the next campaign alone.
pub(crate) async fn a_campaign_limit_counts_that_campaign<F: Fixture>() {
    let world = limited::<F>(Limits { per_campaign: Some(2), ..Limits::default() }).await;
    let of = |campaign: &str, n: usize| {
        claim("spring", &message_of(campaign, &format!("{campaign}{n}"), "ada"), Width::Message)
    };
    world.send(&of("a", 1)).await;
    world.send(&of("a", 2)).await;
    assert_eq!(world.reserve(&world.lease(), &of("a", 3)).await, Claimed::Refused(Refusal::LimitReached));
    world.send(&of("b", 1)).await;
    let none = std::sync::Arc::new(MessageIdentity { campaign_id: None, ..identity("n", "ada") });
    world.send(&claim("spring", &none, Width::Message)).await;
}

/// One customer's limit leaves the next customer alone.
pub(crate) async fn a_customer_limit_counts_that_customer<F: Fixture>() {
    let world = limited::<F>(Limits { per_customer: Some(2), ..Limits::default() }).await;
    let message = message("m", "ada");
    let answers = world
        .store
        .reserve(&world.lease(), &[occurrence(1, &message), occurrence(2, &message), occurrence(3, &message), one(1)])
        .await
        .unwrap();
    assert_eq!(answers[2], Claimed::Refused(Refusal::LimitReached));
    assert!(matches!(answers[3], Claimed::Bound(_)));
}

/// What is bound is served, whatever limits say.
pub(crate) async fn a_limit_never_touches_what_is_bound<F: Fixture>() {
    let world = World::<F>::with_codes(20).await;
    let binding = world.send(&one(1)).await;
    world.set("spring", PoolSettings { limits: total(0), ..PoolSettings::default() }).await;
    assert!(same_voucher(&world.take(&world.lease(), &one(1)).await, &binding));
    assert_eq!(world.reserve(&world.lease(), &one(2)).await, Claimed::Refused(Refusal::LimitReached));
}

/// A voucher that went back makes room: from a lease that ended or ran out, and from a message released by hand.
pub(crate) async fn what_is_released_no_longer_counts<F: Fixture>() {
    let world = limited::<F>(total(1)).await;
    let lease = world.lease();
    world.take(&lease, &one(1)).await;
    world.release(&lease).await;
    world.take(&world.lease(), &one(2)).await;
    world.outlast_leases().await;
    world.send(&one(3)).await;
    world.store.release_message(&MessageId::new("m3").unwrap()).await.unwrap();
    world.send(&one(4)).await;
    assert_eq!(world.reserve(&world.lease(), &one(5)).await, Claimed::Refused(Refusal::LimitReached));
}

/// An expired voucher is neither reserved, assigned nor redeemed: its customer may have another.
pub(crate) async fn what_is_expired_no_longer_counts<F: Fixture>() {
    let limits = Limits { per_customer: Some(1), per_campaign: Some(1), total: Some(1), per_period: None };
    let world = limited::<F>(limits).await;
    let short = PoolSettings { limits, valid_for: Some(Duration::from_secs(30)), ..PoolSettings::default() };
    world.set("spring", short).await;
    world.send(&one(1)).await;
    assert_eq!(world.reserve(&world.lease(), &one(2)).await, Claimed::Refused(Refusal::LimitReached));
    world.fixture.pass(Duration::from_millis(30_100)).await;
    world.send(&one(1)).await;
}

/// Test sends use no limit up.
pub(crate) async fn tests_count_for_no_limit<F: Fixture>() {
    let world =
        limited::<F>(Limits { per_customer: Some(1), per_campaign: Some(1), total: Some(1), per_period: None }).await;
    world.send(&claim("spring", &test_message("t", "c1"), Width::Message)).await;
    let holder = world.lease();
    world.take(&holder, &claim("spring", &test_message("t2", "c1"), Width::Message)).await;
    world.send(&one(1)).await;
    assert_eq!(world.reserve(&world.lease(), &one(2)).await, Claimed::Refused(Refusal::LimitReached));
}

/// Each limit is contended while a reservation of another lease counts for it, and final without.
pub(crate) async fn a_limit_is_contended_while_another_lease_counts_for_it<F: Fixture>() {
    for limits in [
        total(1),
        Limits { per_campaign: Some(1), ..Limits::default() },
        Limits { per_customer: Some(1), ..Limits::default() },
    ] {
        let world = limited::<F>(limits).await;
        let ada = message("m", "ada");
        let (holder, asker) = (world.lease(), world.lease());
        let binding = world.take(&holder, &occurrence(1, &ada)).await;
        assert_eq!(world.reserve(&holder, &occurrence(2, &ada)).await, Claimed::Refused(Refusal::LimitReached));
        assert_eq!(world.reserve(&asker, &occurrence(2, &ada)).await, Claimed::Contended(Refusal::LimitReached));
        world.settle(&holder, &[kept(&[(&occurrence(1, &ada), &binding)])]).await;
        assert_eq!(world.reserve(&asker, &occurrence(2, &ada)).await, Claimed::Refused(Refusal::LimitReached));
    }
}

/// Where two limits are reached, the one that nobody can lift decides.
pub(crate) async fn a_final_limit_wins_over_a_contended_one<F: Fixture>() {
    let world = limited::<F>(Limits { per_customer: Some(1), total: Some(2), ..Limits::default() }).await;
    let ada = message("m", "ada");
    let binding = world.take(&world.lease(), &occurrence(1, &ada)).await;
    world.settle(&world.lease(), &[kept(&[(&occurrence(1, &ada), &binding)])]).await;
    let holder = world.lease();
    world.take(&holder, &one(1)).await;
    let asker = world.lease();
    assert_eq!(world.reserve(&asker, &occurrence(2, &ada)).await, Claimed::Refused(Refusal::LimitReached));
    assert_eq!(world.reserve(&asker, &one(2)).await, Claimed::Contended(Refusal::LimitReached));
}

/// A limit belongs to the pool that the template names, wherever the voucher comes from.
pub(crate) async fn vouchers_of_other_pools_count_for_the_pool_that_was_named<F: Fixture>() {
    let world = World::<F>::with_codes(20).await;
    let overflow = Some(pool("spring"));
    world.pool("vip", PoolSettings { limits: total(2), overflow, ..PoolSettings::default() }).await;
    let vip = |n: usize| claim("vip", &message(&format!("v{n}"), "ada"), Width::Message);
    world.send(&vip(1)).await;
    world.send(&vip(2)).await;
    assert_eq!(world.reserve(&world.lease(), &vip(3)).await, Claimed::Refused(Refusal::LimitReached));
    world.set("spring", PoolSettings { limits: total(1), ..PoolSettings::default() }).await;
    world.send(&one(1)).await;
}

/// A code that one campaign reserved and another kept counts for the one that kept it.
pub(crate) async fn a_shared_code_counts_for_the_campaign_that_kept_it<F: Fixture>() {
    let world = limited::<F>(Limits { per_campaign: Some(1), ..Limits::default() }).await;
    let of = |campaign: &str, id: &str| claim("spring", &message_of(campaign, id, "ada"), Width::Customer);
    world.take(&world.lease(), &of("a", "a1")).await;
    world.send(&of("b", "b1")).await;
    let by_message = |campaign: &str, id: &str| claim("spring", &message_of(campaign, id, "bob"), Width::Message);
    world.send(&by_message("a", "a2")).await;
    assert_eq!(world.reserve(&world.lease(), &by_message("b", "b2")).await, Claimed::Refused(Refusal::LimitReached));
}

/// A customer's limit counts every message of theirs, whatever its id looks like.
pub(crate) async fn a_customer_limit_counts_messages_of_any_id<F: Fixture>() {
    let world = limited::<F>(Limits { per_customer: Some(2), ..Limits::default() }).await;
    world.send(&claim("spring", &message("c/ada", "ada"), Width::Message)).await;
    world.send(&claim("spring", &message("0190-77aa", "ada"), Width::Message)).await;
    let third = claim("spring", &message("d/ada", "ada"), Width::Message);
    assert_eq!(world.reserve(&world.lease(), &third).await, Claimed::Refused(Refusal::LimitReached));
    world.store.release_message(&MessageId::new("0190-77aa").unwrap()).await.unwrap();
    world.send(&third).await;
}

fn in_period(limit: &str) -> Limits {
    Limits { per_period: Some(limit.parse().unwrap()), ..Limits::default() }
}

/// The time until the next hour begins, by the store's clock.
fn until_next_hour<F: Fixture>(world: &World<F>) -> Duration {
    let hour = 3_600_000;
    let left = hour - world.fixture.now().as_millisecond().rem_euclid(hour);
    Duration::from_millis(left.unsigned_abs())
}

/// Goes to the beginning of an hour, so that what a test does happens within one.
async fn begin_an_hour<F: Fixture>(world: &World<F>) {
    world.fixture.pass(until_next_hour(world) + Duration::from_secs(1)).await;
}

/// In each period so many, and in the next as many again.
pub(crate) async fn a_limit_of_a_period_counts_that_period<F: Fixture>() {
    let world = limited::<F>(in_period("2/hour")).await;
    begin_an_hour(&world).await;
    let lease = world.lease();
    let answers = world.store.reserve(&lease, &[one(1), one(2), one(3)]).await.unwrap();
    assert!(matches!(answers[1], Claimed::Bound(_)));
    assert_eq!(answers[2], Claimed::Refused(Refusal::LimitReached));
    let Claimed::Bound(binding) = &answers[0] else { panic!("{answers:?}") };
    world.settle(&lease, &[kept(&[(&one(1), binding)])]).await;
    world.send(&one(2)).await;
    assert_eq!(world.reserve(&world.lease(), &one(3)).await, Claimed::Refused(Refusal::LimitReached));
    assert!(same_voucher(&world.take(&world.lease(), &one(1)).await, binding));
    begin_an_hour(&world).await;
    world.send(&one(3)).await;
    world.send(&one(4)).await;
    assert_eq!(world.reserve(&world.lease(), &one(5)).await, Claimed::Refused(Refusal::LimitReached));
}

/// A voucher counts in the period in which it was taken, whenever it is settled, and wherever the limit was set later.
pub(crate) async fn a_voucher_counts_when_it_was_taken<F: Fixture>() {
    let world = World::<F>::with_codes(20).await;
    begin_an_hour(&world).await;
    world.fixture.pass(Duration::from_secs(3600) - Duration::from_secs(20)).await;
    let lease = world.lease();
    let binding = world.take(&lease, &one(1)).await;
    world.fixture.pass(Duration::from_secs(30)).await;
    world.settle(&lease, &[kept(&[(&one(1), &binding)])]).await;
    for (limit, reached) in [("1/hour", false), ("1/month", false), ("2/hour", true)] {
        world.set("spring", PoolSettings { limits: in_period(limit), ..PoolSettings::default() }).await;
        let holder = world.lease();
        let answers = world.store.reserve(&holder, &[one(2), one(3), one(4)]).await.unwrap();
        let taken = answers.iter().filter(|answer| matches!(answer, Claimed::Bound(_))).count();
        let expected = if reached { 2 } else { usize::from(limit == "1/hour") };
        assert_eq!(taken, expected, "{limit}");
        world.release(&holder).await;
    }
}

/// What went back leaves its period too; tests and vouchers that expired count in none.
pub(crate) async fn what_is_released_leaves_its_period<F: Fixture>() {
    let limits = in_period("1/hour");
    let world = limited::<F>(limits).await;
    begin_an_hour(&world).await;
    let lease = world.lease();
    world.take(&lease, &one(1)).await;
    world.release(&lease).await;
    world.take(&world.lease(), &one(2)).await;
    world.outlast_leases().await;
    world.send(&one(3)).await;
    world.store.release_message(&MessageId::new("m3").unwrap()).await.unwrap();
    world.send(&claim("spring", &test_message("t", "ada"), Width::Message)).await;
    let short = PoolSettings { limits, valid_for: Some(Duration::from_secs(30)), ..PoolSettings::default() };
    world.set("spring", short).await;
    world.send(&one(4)).await;
    assert_eq!(world.reserve(&world.lease(), &one(5)).await, Claimed::Refused(Refusal::LimitReached));
    world.fixture.pass(Duration::from_secs(31)).await;
    world.send(&one(5)).await;
}

/// The limit of a period is contended while a reservation of this period counts for it, and not by one of the period before.
pub(crate) async fn a_limit_of_a_period_is_contended_within_it<F: Fixture>() {
    let world = limited::<F>(in_period("1/hour")).await;
    begin_an_hour(&world).await;
    let (holder, asker) = (world.lease(), world.lease());
    let binding = world.take(&holder, &one(1)).await;
    assert_eq!(world.reserve(&holder, &one(2)).await, Claimed::Refused(Refusal::LimitReached));
    assert_eq!(world.reserve(&asker, &one(2)).await, Claimed::Contended(Refusal::LimitReached));
    world.settle(&holder, &[kept(&[(&one(1), &binding)])]).await;
    assert_eq!(world.reserve(&asker, &one(2)).await, Claimed::Refused(Refusal::LimitReached));
    begin_an_hour(&world).await;
    world.fixture.pass(Duration::from_secs(3600) - Duration::from_secs(20)).await;
    let slow = world.lease();
    world.take(&slow, &one(3)).await;
    world.fixture.pass(Duration::from_secs(30)).await;
    world.send(&one(4)).await;
    assert_eq!(world.reserve(&world.lease(), &one(5)).await, Claimed::Refused(Refusal::LimitReached));
}

/// Web layers leave the last vouchers to campaigns; what they were given before is theirs.
pub(crate) async fn a_web_layer_leaves_the_floor<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    world.set("spring", PoolSettings { floor: 3, ..PoolSettings::default() }).await;
    let layer = |n: usize| {
        let message = MessageIdentity { channel: Channel::WebLayer, ..identity(&format!("w{n}"), "ada") };
        claim("spring", &std::sync::Arc::new(message), Width::Message)
    };
    let lease = world.lease();
    let answers = world.store.reserve(&lease, &[layer(1), layer(2), layer(3)]).await.unwrap();
    assert!(matches!(answers[..2], [Claimed::Bound(_), Claimed::Bound(_)]));
    assert_eq!(answers[2], Claimed::Refused(Refusal::PoolEmpty));
    assert_eq!(world.reserve(&world.lease(), &layer(3)).await, Claimed::Contended(Refusal::PoolEmpty));
    assert_eq!(world.store.reserve(&lease, &[layer(1)]).await.unwrap()[0], answers[0]);
    for n in 1..=3 {
        world.send(&one(n)).await;
    }
    assert_eq!(world.available("spring").await, 0);
    world.import("spring", &numbered("MORE", 3)).await;
    assert_eq!(world.reserve(&lease, &layer(4)).await, Claimed::Refused(Refusal::PoolEmpty));
    world.import("spring", &numbered("YET", 1)).await;
    world.take(&lease, &layer(4)).await;
}

/// Where one pool has reached its floor, a web layer takes from the next of its chain, which has a floor of its own.
pub(crate) async fn each_pool_of_a_chain_has_its_own_floor<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    world.set("spring", PoolSettings { floor: 1, ..PoolSettings::default() }).await;
    let first = PoolSettings { floor: 1, overflow: Some(pool("spring")), ..PoolSettings::default() };
    world.pool("vip", first.clone()).await;
    world.import("vip", &numbered("V", 1)).await;
    let layer = |n: usize| {
        let message = MessageIdentity { channel: Channel::WebLayer, ..identity(&format!("w{n}"), "ada") };
        claim("vip", &std::sync::Arc::new(message), Width::Message)
    };
    let lease = world.lease();
    let binding = world.take(&lease, &layer(1)).await;
    assert_eq!((binding.source, &binding.from), (Source::Overflow, &pool("spring")));
    assert_eq!(world.reserve(&lease, &layer(2)).await, Claimed::Refused(Refusal::PoolEmpty));
    world.set("vip", PoolSettings { fallback: Some(code("ALL10")), ..first }).await;
    assert_eq!(world.take(&lease, &layer(2)).await.source, Source::Fallback);
}

/// Who asks beforehand is told what counts for each limit: what is reserved and alive, and nothing that is over.
pub(crate) async fn the_use_of_limits_is_told<F: Fixture>() {
    let world = limited::<F>(in_period("9/hour")).await;
    begin_an_hour(&world).await;
    let customers = ["ada", "c2", "nobody"].map(|id| CustomerId::new(id).unwrap());
    let campaign = CampaignId::new("a").unwrap();
    let of = async |campaign: Option<&CampaignId>| {
        world.store.limit_use(&pool("spring"), campaign, &customers).await.unwrap().unwrap()
    };
    assert_eq!(of(None).await, LimitUse { of_customers: vec![0; 3], ..LimitUse::default() });
    let taken = world.send(&claim("spring", &message_of("a", "a1", "ada"), Width::Message)).await.voucher.code;
    world.redeem(&taken, "e").await;
    let ended = world.send(&claim("spring", &message_of("a", "a2", "ada"), Width::Message)).await.voucher.code;
    world.store.void(&[ended]).await.unwrap();
    world.send(&claim("spring", &test_message("t", "ada"), Width::Message)).await;
    let lease = world.lease();
    world.take(&lease, &one(2)).await;
    let expected = LimitUse { total: 2, in_period: 2, in_campaign: 1, of_customers: vec![1, 1, 0] };
    assert_eq!(of(Some(&campaign)).await, expected);
    assert_eq!(of(None).await, LimitUse { in_campaign: 0, ..expected.clone() });
    world.outlast_leases().await;
    let left = LimitUse { total: 1, in_period: 1, in_campaign: 1, of_customers: vec![1, 0, 0] };
    assert_eq!(of(Some(&campaign)).await, left);
    begin_an_hour(&world).await;
    assert_eq!(of(Some(&campaign)).await, LimitUse { in_period: 0, ..left.clone() });
    world.set("spring", PoolSettings::default()).await;
    assert_eq!(of(Some(&campaign)).await, LimitUse { in_period: 0, ..left });
    assert_eq!(world.store.limit_use(&pool("none"), None, &customers).await.unwrap(), None);
}
