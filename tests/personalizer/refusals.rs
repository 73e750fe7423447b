//! What a refusal of the store means to the rest of the batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tearoff::Result;
use tearoff::campaign::{Outcome, Personalizer, Reason, Status};
use tearoff::render::{Attributes, Message, Purpose};
use tearoff::store::SqliteStore;
use tearoff::voucher::{
    Channel, Claim, Claimed, Claims, Count, Kept, Lease, Limits, MessageId, PoolName, PoolSettings, Settled, Stock,
};

use super::shop::*;

/// A store that sweeps the lease of the first message before it is settled, and whose pool `b` is then paused.
struct SweptOnce {
    store: Arc<SqliteStore>,
    swept: AtomicBool,
}

#[async_trait]
impl Claims for SweptOnce {
    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        self.store.reserve(lease, claims).await
    }

    async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>> {
        if !self.swept.swap(true, Ordering::SeqCst) {
            self.store.settle(lease, &[]).await?;
            let settings = PoolSettings { paused: true, ..PoolSettings::default() };
            self.store.set_pool(&name("b"), &settings).await?;
        }
        self.store.settle(lease, kept).await
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        self.store.counts(pools).await
    }
}

#[tokio::test]
async fn what_a_refused_message_gives_back_is_offered_to_those_behind_it() {
    let shop = Shop::with(&[("a", 1), ("b", 5)]).await;
    let store = Arc::new(SweptOnce { store: shop.store.clone(), swept: AtomicBool::new(false) });
    let template =
        "{{ vouchers.a.assign_available() }}{% if customer.id == 'c0' %}{{ vouchers.b.assign_available() }}{% endif %}";
    let personalizer = Personalizer::new(Arc::new(sms(template)), store, shop.store.clone(), shop.threads.clone());
    let messages = ["c0", "c1", "c2"].map(message).to_vec();
    let outcomes = personalizer.personalize(messages).await.unwrap();
    assert_eq!(reason(&outcomes[0]), Reason::PoolPaused);
    assert_eq!(outcomes[1].status(), Status::Rendered, "'pool_empty' beside a free code");
    assert_eq!(reason(&outcomes[2]), Reason::PoolEmpty);
}

/// A message of `customer` under an id of its own.
fn of(customer: &str, id: &str) -> Message {
    let Message { customer, campaign, .. } = message(customer);
    let context = Attributes::from_json(&format!(r#"{{"fails": {}}}"#, id.starts_with("bad"))).unwrap();
    Message::new(Some(MessageId::new(id).unwrap()), (Channel::Sms, Purpose::Live), customer, campaign, context).unwrap()
}

async fn limited(limits: Limits, codes: usize) -> Shop {
    let shop = Shop::with(&[("p", codes)]).await;
    shop.store.set_pool(&name("p"), &PoolSettings { limits, ..PoolSettings::default() }).await.unwrap();
    shop
}

async fn statuses(shop: &Shop, claim: &str, messages: Vec<Message>) -> Vec<&'static str> {
    let template = format!("{{{{ {claim} }}}}{{% if fails %}}{{{{ 1 // 0 }}}}{{% endif %}}");
    let outcomes = shop.personalizer(sms(&template)).personalize(messages).await.unwrap();
    let status = |outcome: &Outcome| outcome.shortfall().map_or("rendered", |shortfall| shortfall.reason.as_str());
    outcomes.iter().map(status).collect()
}

#[tokio::test]
async fn what_a_failed_message_counted_for_a_limit_counts_no_more() {
    let messages =
        || vec![of("c1", "bad1"), of("c1", "a"), of("c1", "b"), of("c2", "bad2"), of("c2", "c"), of("c3", "d")];
    let own = "vouchers.p.assign_available()";
    let (error, limit) = ("template_error", "limit_reached");
    let shop = limited(Limits { per_customer: Some(1), ..Limits::default() }, 9).await;
    let expected = [error, "rendered", limit, error, "rendered", "rendered"];
    assert_eq!(statuses(&shop, own, messages()).await, expected);
    let again = [limit, "rendered", limit, limit, "rendered", "rendered"];
    assert_eq!(statuses(&shop, own, messages()).await, again, "what is bound is served whatever the limits say");
    for limits in
        [Limits { total: Some(2), ..Limits::default() }, Limits { per_campaign: Some(2), ..Limits::default() }]
    {
        let shop = limited(limits, 9).await;
        assert_eq!(statuses(&shop, own, messages()).await, [error, "rendered", "rendered", limit, limit, limit]);
        let counts = shop.counts("p").await;
        assert_eq!((counts.assigned, counts.reserved), (2, 0));
    }
}

#[tokio::test]
async fn a_wide_code_stays_with_the_message_that_did_not_fail() {
    let messages = || vec![of("c1", "bad1"), of("c1", "a"), of("c2", "b"), of("c1", "bad3"), of("c3", "c")];
    for claim in ["vouchers.p.assign_available(per='customer')", "vouchers.p.assign_available(per='campaign')"] {
        let shop = limited(Limits::default(), 2).await;
        let expected = ["template_error", "rendered", "rendered", "template_error", "pool_empty"];
        assert_eq!(statuses(&shop, claim, messages()).await, expected);
        assert_eq!((shop.counts("p").await.assigned, shop.counts("p").await.reserved), (2, 0));
    }
}
