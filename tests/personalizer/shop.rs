//! A store with pools, and messages to personalise.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tearoff::campaign::{Outcome, Personalizer, Reason, RenderThreads};
use tearoff::render::{Attributes, Limits, Message, Purpose, Renderer, Template};
use tearoff::store::SqliteStore;
use tearoff::voucher::{
    Channel, Claim, Claimed, Claims, Code, CustomerId, Lease, Lookup, MessageId, MessageIdentity, Mode, NewVoucher,
    PoolCounts, PoolName, PoolSettings, Stock, Width,
};

use crate::canary::listen;

pub(crate) struct Shop {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) threads: Arc<RenderThreads>,
}

impl Shop {
    pub(crate) async fn with(pools: &[(&str, usize)]) -> Shop {
        listen();
        let store = Arc::new(SqliteStore::in_memory("default").unwrap());
        let shop = Shop { store, threads: Arc::new(RenderThreads::start(NonZeroUsize::new(2).unwrap()).unwrap()) };
        for (pool, codes) in pools {
            shop.store.create_pool(&name(pool), &PoolSettings::default()).await.unwrap();
            shop.import(pool, 0..*codes).await;
        }
        shop
    }

    pub(crate) async fn import(&self, pool: &str, numbers: std::ops::Range<usize>) {
        let code = |number| Code::new(format!("{pool}-{number}")).unwrap();
        let vouchers: Vec<_> = numbers
            .map(|number| NewVoucher { code: code(number), expires_at: None, metadata: Default::default() })
            .collect();
        self.store.import(&name(pool), &vouchers).await.unwrap();
    }

    pub(crate) fn personalizer(&self, template: Template) -> Personalizer {
        Personalizer::new(Arc::new(template), self.store.clone(), self.store.clone(), self.threads.clone())
    }

    pub(crate) async fn send(&self, template: &str, customers: &[&str]) -> Vec<Outcome> {
        self.personalizer(sms(template)).personalize(customers.iter().map(|id| message(id)).collect()).await.unwrap()
    }

    pub(crate) async fn counts(&self, pool: &str) -> PoolCounts {
        self.store.pool(&name(pool)).await.unwrap().unwrap().counts
    }
}

/// A reservation of somebody else who then never settles.
pub(crate) async fn hold(shop: &Shop, customer: &str, time: Duration) -> Lease {
    let lease = Lease::new(time);
    let message = Arc::new(MessageIdentity {
        message_id: MessageId::new(format!("held/{customer}")).unwrap(),
        customer_id: CustomerId::new(customer).unwrap(),
        campaign_id: None,
        channel: Channel::Sms,
        mode: Mode::Live,
    });
    let claims = [Claim { pool: name("p"), width: Width::Message, message }];
    assert!(matches!(shop.store.reserve(&lease, &claims).await.unwrap()[..], [Claimed::Bound(_)]));
    lease
}

pub(crate) fn name(pool: &str) -> PoolName {
    PoolName::new(pool).unwrap()
}

pub(crate) fn sms(source: &str) -> Template {
    Renderer::new(Limits::default()).compile("test", Channel::Sms, [("body.txt", source)]).unwrap()
}

pub(crate) fn message(customer: &str) -> Message {
    message_for(customer, Channel::Sms, Purpose::Live)
}

pub(crate) fn message_for(customer: &str, channel: Channel, purpose: Purpose) -> Message {
    let customer = Attributes::from_json(&format!(r#"{{"id": "{customer}"}}"#)).unwrap();
    let campaign = Attributes::from_json(r#"{"id": "spring"}"#).unwrap();
    Message::new(None, (channel, purpose), customer, campaign, Attributes::default()).unwrap()
}

pub(crate) fn text(outcome: &Outcome) -> &str {
    &outcome.result.as_ref().expect("a rendered message").parts[0].1
}

pub(crate) fn reason(outcome: &Outcome) -> Reason {
    outcome.shortfall().expect("a message that is not rendered").reason
}

pub(crate) fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("c{number}")).collect()
}

pub(crate) fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}
