//! Customers who want to be forgotten, and numbers that have to add up.

use tearoff::ErrorKind;
use tearoff::voucher::*;

use crate::fixture::Fixture;
use crate::world::*;

fn ada() -> CustomerId {
    CustomerId::new("ada").unwrap()
}

fn of_ada(id: &str, width: Width) -> Claim {
    claim("spring", &message(id, "ada"), width)
}

/// Nobody knows any more who got the vouchers. The codes stay spent, and everything else stays as it was.
pub(crate) async fn a_forgotten_customer_is_nowhere<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let limits = Limits { total: Some(5), ..Limits::default() };
    world.set("spring", PoolSettings { limits, ..PoolSettings::default() }).await;
    let widths = [Width::Message, Width::Campaign, Width::Customer];
    let mut codes = Vec::new();
    for (n, width) in widths.into_iter().enumerate() {
        codes.push(world.send(&of_ada(&format!("a{n}"), width)).await.voucher.code);
    }
    world.redeem(&codes[0], "order").await;
    let bobs = world.send(&one(1)).await.voucher.code;
    let before = world.counts("spring").await;
    assert_eq!(world.store.forget(&ada()).await.unwrap(), Forgotten { vouchers: 3 });
    assert_eq!(world.store.forget(&ada()).await.unwrap(), Forgotten { vouchers: 0 });
    assert_eq!(world.store.customers(&[ada()]).await.unwrap(), [vec![]]);
    assert_eq!(world.counts("spring").await, before);
    for (code, state) in codes.iter().zip([State::Redeemed, State::Assigned, State::Assigned]) {
        let record = world.record(code).await;
        assert_eq!((record.state, record.customer_id, record.message_id), (state, None, None));
        assert_eq!(record.campaign_id.as_ref().map(CampaignId::as_str), Some("c"));
        assert!(record.assigned_at.is_some());
    }
    assert_eq!(world.record(&bobs).await.customer_id, one(1).message.customer_id.clone().into());
    for (n, width) in widths.into_iter().enumerate() {
        let again = world.reserve(&world.lease(), &of_ada(&format!("a{n}"), width)).await;
        assert_eq!(again, Claimed::Rejected(Rejection::Released));
    }
    let use_of = world.store.limit_use(&pool("spring"), None, &[ada()]).await.unwrap().unwrap();
    assert_eq!((use_of.total, use_of.of_customers), (4, vec![0]));
    assert!(world.is_sound("spring").await);
}

/// A forgotten customer who comes back is a new one: with new messages they get new vouchers.
pub(crate) async fn a_forgotten_customer_may_come_back<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let old = world.send(&of_ada("m1", Width::Customer)).await.voucher.code;
    world.store.forget(&ada()).await.unwrap();
    assert_eq!(world.store.bindings(&[of_ada("m2", Width::Customer)]).await.unwrap(), [None]);
    let new = world.send(&of_ada("m2", Width::Customer)).await.voucher.code;
    assert_ne!(old, new);
    assert_eq!(world.store.customers(&[ada()]).await.unwrap()[0].len(), 1);
    assert_eq!(world.store.forget(&ada()).await.unwrap(), Forgotten { vouchers: 1 });
}

/// Messages without a code of their own are retired with the rest, and a late sender is refused.
pub(crate) async fn messages_of_the_forgotten_are_retired<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let plain = Kept { message: message("plain", "ada"), shown: vec![] };
    world.settle(&world.lease(), std::slice::from_ref(&plain)).await;
    let usual = claim("spring", &message("c/ada", "ada"), Width::Message);
    let sent = world.send(&usual).await;
    world.store.forget(&ada()).await.unwrap();
    assert_eq!(world.settle(&world.lease(), &[plain]).await, [Settled::Refused]);
    assert_eq!(world.settle(&world.lease(), &[kept(&[(&usual, &sent)])]).await, [Settled::Refused]);
    let foreign = claim("spring", &message("plain", "bob"), Width::Message);
    for late in [&of_ada("plain", Width::Message), &usual, &foreign] {
        assert_eq!(world.reserve(&world.lease(), late).await, Claimed::Rejected(Rejection::Released));
    }
    world.send(&one(1)).await;
}

/// What the customer did stands in the journal without them; what others did stays theirs.
pub(crate) async fn the_journal_forgets_too<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let own = world.send(&of_ada("m1", Width::Message)).await.voucher.code;
    let used = Redemption { customer_id: Some(ada()), holder: Some(ada()), ..redemption(&own, "order") };
    world.store.redeem(&[used]).await.unwrap();
    world.send(&of_ada("m2", Width::Message)).await;
    world.store.release_message(&MessageId::new("m2").unwrap()).await.unwrap();
    world.send(&one(7)).await;
    world.store.release_message(&one(7).message.message_id).await.unwrap();
    world.store.forget(&ada()).await.unwrap();
    let entries = world.store.journal(&pool("spring"), None, 100).await.unwrap();
    let is_adas = |entry: &&JournalEntry| {
        entry.customer_id == Some(ada()) || entry.message_id.as_ref().is_some_and(|id| id.as_str() == "m2")
    };
    assert_eq!(entries.iter().filter(is_adas).count(), 0);
    let changes = entries.iter().filter(|entry| entry.change == Change::Released);
    let customers: Vec<_> = changes.map(|entry| entry.customer_id.clone()).collect();
    assert_eq!(customers, [None, Some(one(7).message.customer_id.clone())]);
    assert_eq!(world.redeem(&own, "order").await, RedemptionResult::Redeemed);
}

/// A forgotten customer's voucher can still be used, by whoever has the code.
pub(crate) async fn the_voucher_of_a_forgotten_customer_can_be_used<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let code = world.send(&of_ada("m1", Width::Message)).await.voucher.code;
    world.store.forget(&ada()).await.unwrap();
    let for_ada = Redemption { holder: Some(ada()), ..redemption(&code, "e") };
    assert_eq!(world.store.redeem(&[for_ada]).await.unwrap(), [RedemptionResult::Moved]);
    assert_eq!(world.store.redeem(&[redemption(&code, "e")]).await.unwrap(), [RedemptionResult::Redeemed]);
}

/// While a message for the customer is under way, they cannot be forgotten; once it is dead, they can.
pub(crate) async fn a_customer_whose_message_is_under_way_is_not_forgotten<F: Fixture>() {
    let world = World::<F>::with_codes(9).await;
    let sent = world.send(&of_ada("m1", Width::Message)).await.voucher.code;
    let lease = world.lease();
    world.take(&lease, &of_ada("m2", Width::Message)).await;
    let error = world.store.forget(&ada()).await.unwrap_err();
    assert_eq!((error.kind(), error.help().is_some()), (ErrorKind::Refused, true));
    assert!(!error.to_string().contains("ada"));
    assert_eq!(world.record(&sent).await.customer_id, Some(ada()));
    world.outlast_leases().await;
    assert_eq!(world.store.forget(&ada()).await.unwrap(), Forgotten { vouchers: 1 });
    let unknown = CustomerId::new("nobody").unwrap();
    assert_eq!(world.store.forget(&unknown).await.unwrap(), Forgotten::default());
}

/// A store that was used in every way has numbers that add up, and says which it has looked at.
pub(crate) async fn the_numbers_add_up<F: Fixture>() {
    let world = World::<F>::with_codes(30).await;
    world.pool("vip", PoolSettings { overflow: Some(pool("spring")), ..PoolSettings::default() }).await;
    world.import_until("spring", "SHORT", world.in_seconds(20)).await;
    for n in 0..6 {
        world.send(&one(n)).await;
        world.send(&claim("vip", &message(&format!("v{n}"), "ada"), Width::Message)).await;
    }
    for n in 0..3 {
        let code = world.store.bindings(&[one(n)]).await.unwrap()[0].clone().unwrap().voucher.code;
        world.redeem(&code, "e").await;
    }
    let code = world.store.bindings(&[one(4)]).await.unwrap()[0].clone().unwrap().voucher.code;
    world.store.void(&[code]).await.unwrap();
    world.store.release_message(&MessageId::new("m5").unwrap()).await.unwrap();
    world.send(&claim("spring", &test_message("t", "ada"), Width::Customer)).await;
    world.take(&world.lease(), &one(9)).await;
    world.fixture.pass(std::time::Duration::from_secs(25)).await;
    for name in ["spring", "vip"] {
        let findings = world.store.reconcile(&pool(name)).await.unwrap();
        let checks: std::collections::HashSet<_> = findings.iter().map(|finding| finding.check.clone()).collect();
        assert!(checks.len() > 3 && checks.len() == findings.len());
        assert!(world.is_sound(name).await);
    }
    world.store.delete_pool(&pool("vip"), true).await.unwrap();
    assert!(world.is_sound("spring").await);
    let error = world.store.reconcile(&pool("vip")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
