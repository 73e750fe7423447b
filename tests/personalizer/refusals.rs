//! What a refusal of the store means to the rest of the batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tearoff::Result;
use tearoff::campaign::{Personalizer, Reason, Status};
use tearoff::store::SqliteStore;
use tearoff::voucher::{Claim, Claimed, Claims, Count, Kept, Lease, PoolName, PoolSettings, Settled, Stock};

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
