//! Look-ups: what is known, without changing it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tearoff::ErrorKind;
use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

/// A look-up neither takes nor tags: an unbound claim stays so, a reservation still runs out with its own lease.
pub(crate) async fn looking_up_bindings_changes_nothing<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let assigned = world.send(&one(1)).await;
    let reserved = world.take(&world.lease(), &one(2)).await;
    let unknown = claim("autumn", &message("m", "c"), Width::Message);
    let found = world.store.bindings(&[one(1), one(2), one(3), unknown]).await.unwrap();
    assert!(found[0].as_ref().is_some_and(|found| same_voucher(found, &assigned) && !found.reserved));
    assert!(found[1].as_ref().is_some_and(|found| same_voucher(found, &reserved) && found.reserved));
    assert_eq!(found[2..], [None, None]);
    assert_eq!(world.available("spring").await, 1);
}

/// What goes back as soon as anybody comes is nobody's already.
pub(crate) async fn reservations_of_ran_out_leases_look_unbound<F: Fixture>() {
    let world = World::<F>::with_codes(3).await;
    let binding = world.take(&world.lease(), &one(1)).await;
    world.outlast_leases().await;
    assert_eq!(world.store.bindings(&[one(1)]).await.unwrap(), [None]);
    let record = world.record(&binding.voucher.code).await;
    assert_eq!((record.state, record.customer_id, record.assigned_at), (State::Available, None, None));
    let customer = CustomerId::new("c1").unwrap();
    assert_eq!(world.store.customers(&[customer]).await.unwrap(), [vec![]]);
}

/// A voucher by its code, through its life.
pub(crate) async fn a_voucher_is_known_in_every_state<F: Fixture>() {
    let world = World::<F>::with_codes(1).await;
    let code_text = code("S-00000");
    assert_eq!(world.store.voucher(&code("NONE")).await.unwrap(), None);
    let fresh = world.record(&code_text).await;
    assert_eq!((fresh.state, fresh.pool, fresh.message_id), (State::Available, pool("spring"), None));
    let lease = world.lease();
    let sms = Arc::new(MessageIdentity { channel: Channel::Sms, ..identity("m", "ada") });
    let claim = claim("spring", &sms, Width::Message);
    let binding = world.take(&lease, &claim).await;
    assert_eq!(world.record(&code_text).await.state, State::Reserved);
    world.settle(&lease, &[kept(&[(&claim, &binding)])]).await;
    let record = world.record(&code_text).await;
    let expected = VoucherRecord {
        code: code_text.clone(),
        pool: pool("spring"),
        state: State::Assigned,
        customer_id: Some(sms.customer_id.clone()),
        campaign_id: sms.campaign_id.clone(),
        message_id: Some(sms.message_id.clone()),
        channel: Some(Channel::Sms),
        mode: Some(Mode::Live),
        assigned_at: Some(binding.assigned_at),
        expires_at: None,
        redeemed_at: None,
        metadata: Metadata::new(),
    };
    assert_eq!(record, expected);
    world.import_until("spring", "SHORT", world.in_seconds(30)).await;
    world.fixture.pass(Duration::from_millis(30_100)).await;
    assert_eq!(world.record(&code("SHORT")).await.state, State::Expired);
}

/// What customers hold, each in their own list, in the order in which they got it.
pub(crate) async fn a_customer_sees_their_vouchers_oldest_first<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let mut codes = Vec::new();
    for id in ["m1", "m2", "m3"] {
        codes.push(world.send(&claim("spring", &message(id, "ada"), Width::Message)).await.voucher.code);
        world.fixture.pass(Duration::from_millis(5)).await;
    }
    let reserved = claim("spring", &message("m4", "ada"), Width::Message);
    codes.push(world.take(&world.lease(), &reserved).await.voucher.code);
    world.send(&one(7)).await;
    let customers = ["nobody", "ada", "c7"].map(|id| CustomerId::new(id).unwrap());
    let lists = world.store.customers(&customers).await.unwrap();
    assert_eq!(lists.iter().map(Vec::len).collect::<Vec<_>>(), [0, 4, 1]);
    assert_eq!(lists[1].iter().map(|record| record.code.clone()).collect::<Vec<_>>(), codes);
    assert_eq!(lists[1][3].state, State::Reserved);
}

/// Page after page: every voucher once, in the same order each time.
pub(crate) async fn the_vouchers_of_a_pool_come_page_by_page<F: Fixture>() {
    let world = World::<F>::with_codes(250).await;
    world.pool("autumn", PoolSettings::default()).await;
    world.import("autumn", &numbered("A", 20)).await;
    world.send(&one(1)).await;
    let listing = world.listing("spring").await;
    let mut codes: Vec<_> = listing.iter().map(|record| record.code.as_str().to_owned()).collect();
    assert_eq!(codes, world.listing("spring").await.iter().map(|record| record.code.as_str()).collect::<Vec<_>>());
    codes.sort();
    assert_eq!(codes, numbered("S", 250));
    assert_eq!(world.store.vouchers(&pool("spring"), None, 7).await.unwrap(), listing[..7]);
    assert_eq!(world.store.vouchers(&pool("winter"), None, 7).await.unwrap_err().kind(), ErrorKind::NotFound);
    let elsewhere = world.store.vouchers(&pool("spring"), Some(&code("A-00001")), 7).await;
    assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::NotFound);
}

/// Counts of pools, in order, after each step; `None` for a pool that does not exist.
pub(crate) async fn counts_follow_every_step<F: Fixture>() {
    let world = World::<F>::with_codes(10).await;
    let lease = world.lease();
    let [a, _] = world.store.reserve(&lease, &[one(1), one(2)]).await.unwrap().map_bound();
    let counts = world.store.counts(&[pool("none"), pool("spring")]).await.unwrap();
    assert_eq!(counts, [None, Some(Count { available: 8, total: 10 })]);
    world.settle(&lease, &[kept(&[(&one(1), &a)])]).await;
    world.import_until("spring", "SHORT", world.in_seconds(30)).await;
    let expected = PoolCounts { total: 11, available: 10, assigned: 1, ..PoolCounts::default() };
    assert_eq!(world.counts("spring").await, expected);
    world.fixture.pass(Duration::from_millis(30_100)).await;
    assert_eq!(world.counts("spring").await, PoolCounts { available: 9, expired: 1, ..expected });
    let over = PoolSettings { expires_at: Some(world.fixture.now()), ..PoolSettings::default() };
    world.set("spring", over).await;
    assert_eq!(world.counts("spring").await, PoolCounts { available: 0, expired: 10, ..expected });
    assert_eq!(world.store.counts(&[pool("spring")]).await.unwrap(), [Some(Count { available: 0, total: 11 })]);
}

/// What a dead sender had reserved is counted as available: it is there for whoever comes.
pub(crate) async fn counts_take_no_notice_of_ran_out_leases<F: Fixture>() {
    let world = World::<F>::with_codes(10).await;
    world.store.reserve(&world.lease(), &[one(1), one(2)]).await.unwrap();
    assert_eq!(world.counts("spring").await.reserved, 2);
    world.outlast_leases().await;
    let expected = PoolCounts { total: 10, available: 10, ..PoolCounts::default() };
    assert_eq!(world.counts("spring").await, expected);
    world.store.reserve(&world.lease(), &[]).await.unwrap();
    assert_eq!(world.counts("spring").await, expected);
}

/// All pools by name, each with what was set.
pub(crate) async fn pools_come_by_name_with_their_settings<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    let settings = PoolSettings {
        valid_for: Some(Duration::from_secs(86_400 * 30)),
        expires_at: Some(world.in_seconds(1_000_000)),
        limits: Limits {
            per_customer: Some(1),
            per_campaign: Some(20),
            total: Some(300),
            per_period: Some("40/week".parse().unwrap()),
        },
        fallback: Some(code("ALL10")),
        overflow: Some(pool("spring")),
        preview_code: Some(Code::new("XXXX").unwrap()),
        paused: true,
        eligible: Some("customer.vip".into()),
        floor: 5,
        low_stock: "10,100".parse().unwrap(),
        pattern: None,
        redemption: RedemptionRules { rule: Some("order.total >= 50".into()), by_others: ByOthers::Flag },
    };
    world.pool("autumn", settings.clone()).await;
    let making = PoolSettings { pattern: Some(r"SUM-\####[AB]".parse().unwrap()), ..PoolSettings::default() };
    world.pool("summer", making.clone()).await;
    let pools = world.store.pools().await.unwrap();
    assert_eq!(
        pools.iter().map(|status| status.name.clone()).collect::<Vec<_>>(),
        [pool("autumn"), pool("spring"), pool("summer")]
    );
    assert_eq!(pools[2].settings, making);
    assert_eq!((&pools[0].settings, pools[1].counts.total), (&settings, 2));
    assert_eq!(world.store.pool(&pool("autumn")).await.unwrap().as_ref(), Some(&pools[0]));
    assert_eq!(world.store.pool(&pool("winter")).await.unwrap(), None);
}

/// A preview learns what messages will say of a voucher, and no code.
pub(crate) async fn a_catalogue_knows_everything_but_codes<F: Fixture>() {
    let world = World::<F>::with_codes(0).await;
    let preview_code = Some(Code::new("YOUR-CODE").unwrap());
    world.pool("empty", PoolSettings { preview_code, ..PoolSettings::default() }).await;
    let metadata = json!({"value": 10}).as_object().unwrap().clone();
    let expires_at = Some(world.in_seconds(3600));
    let secret = NewVoucher { code: code("SECRET"), expires_at, metadata: metadata.clone() };
    world.store.import(&pool("spring"), &[secret]).await.unwrap();
    let catalogue = world.store.catalogue().await.unwrap();
    let card = &catalogue[&pool("spring")];
    assert_eq!(
        (card.preview_code.as_str(), &*card.metadata, card.expires_at),
        ("spring-preview", &metadata, expires_at)
    );
    assert_eq!(card.count, Count { available: 1, total: 1 });
    assert_eq!(catalogue[&pool("empty")].preview_code.as_str(), "YOUR-CODE");
    assert!(!format!("{catalogue:?}").contains("SECRET"));
    assert_eq!(world.available("spring").await, 1);
}

/// A store in use passes its own examination.
pub(crate) async fn an_examined_store_is_sound<F: Fixture>() {
    let world = World::<F>::with_codes(5).await;
    world.send(&one(1)).await;
    world.take(&world.lease(), &one(2)).await;
    let findings = world.store.examine().await.unwrap();
    assert!(!findings.is_empty() && findings.iter().all(|finding| finding.ok), "{findings:?}");
}

/// What expired while it was the customer's is told even when the code that replaced it is given back.
pub(crate) async fn an_expired_voucher_outlives_a_release_of_its_successor<F: Fixture>() {
    let world = World::<F>::with_codes(2).await;
    world
        .set("spring", PoolSettings { valid_for: Some(std::time::Duration::from_secs(1)), ..PoolSettings::default() })
        .await;
    let expired = world.send(&one(1)).await;
    world.fixture.pass(std::time::Duration::from_secs(2)).await;
    world.set("spring", PoolSettings::default()).await;
    world.send(&one(1)).await;
    assert_eq!(world.store.release_message(&one(1).message.message_id).await.unwrap().released, 1);
    let had = world.store.customers(&[one(1).message.customer_id.clone()]).await.unwrap().remove(0);
    let had: Vec<_> = had.into_iter().map(|record| (record.code, record.state)).collect();
    assert_eq!(had, [(expired.voucher.code, State::Expired)]);
}
