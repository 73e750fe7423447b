//! Batches that are on their way while the store fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tearoff::campaign::{Personalizer, Pipeline, Reason, Status};
use tearoff::store::SqliteStore;
use tearoff::voucher::{Claim, Claimed, Claims, Count, Kept, Lease, PoolName, Settled};
use tearoff::{Error, ErrorKind, Result};
use tokio::sync::Semaphore;

use super::shop::*;

/// A store at which the customer `first` comes last, and which then fails to take back what somebody holds, once.
struct Grasping {
    store: Arc<SqliteStore>,
    others_have_reserved: Semaphore,
    fails: AtomicBool,
}

#[async_trait]
impl Claims for Grasping {
    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        let is_first = claims.iter().any(|claim| claim.message.customer_id.as_str() == "first");
        if is_first {
            self.others_have_reserved.acquire().await.unwrap().forget();
        }
        let claimed = self.store.reserve(lease, claims).await;
        self.others_have_reserved.add_permits(1);
        claimed
    }

    async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>> {
        if kept.is_empty() && self.fails.swap(false, Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::StoreUnavailable, "the store is away"));
        }
        self.store.settle(lease, kept).await
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        self.store.counts(pools).await
    }
}

#[tokio::test]
async fn a_batch_that_cannot_give_back_what_it_holds_ends_with_an_error_and_not_without_outcomes() {
    let shop = Shop::with(&[("p", 1)]).await;
    let (others_have_reserved, fails) = (Semaphore::new(0), AtomicBool::new(true));
    let claims = Arc::new(Grasping { store: shop.store.clone(), others_have_reserved, fails });
    let template = Arc::new(sms("{{ vouchers.p.assign_available() }}"));
    let personalizer = Personalizer::new(template, claims, shop.store.clone(), shop.threads.clone());
    let mut pipeline = Pipeline::new();
    for customer in ["first", "second"] {
        pipeline.add(&personalizer, vec![message(customer)], customer);
    }
    for _ in 0..2 {
        assert_eq!(pipeline.next().await.unwrap_err().kind(), ErrorKind::StoreUnavailable);
    }
    assert!(pipeline.next().await.unwrap().is_none());

    // Asked again, both have their outcomes: what one still holds is its own.
    for customer in ["second", "first"] {
        pipeline.add(&personalizer, vec![message(customer)], customer);
        let landed = pipeline.next().await.unwrap().unwrap();
        match (landed.cargo, &landed.outcomes[..]) {
            ("second", [outcome]) => assert_eq!(outcome.status(), Status::Rendered),
            ("first", [outcome]) => assert_eq!(reason(outcome), Reason::PoolEmpty),
            (customer, outcomes) => panic!("{customer}: {outcomes:?}"),
        }
    }
}
