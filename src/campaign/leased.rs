//! Claims under a lease, which is renewed for as long as somebody holds on to it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::attempt::Answers;
use super::rules::{Rule, Rules};
use crate::error::Result;
use crate::voucher::{
    Binding, Claim, Claimed, Claims, Count, CustomerId, Kept, Lease, Lookup, PoolName, Settled, VoucherRecord,
};

/// A lease of one attempt: everything that the attempt claims is reserved under it.
///
/// Dropped without being settled, it is no longer renewed, and what it reserved goes back when it runs out.
pub(super) struct Leased {
    claims: Arc<dyn Claims>,
    lookup: Arc<dyn Lookup>,
    rules: Arc<Rules>,
    lease: Lease,
    /// There is nothing to renew or to settle until something was claimed.
    renewal: Mutex<Option<Renewal>>,
}

impl Leased {
    pub(super) fn new(claims: Arc<dyn Claims>, lookup: Arc<dyn Lookup>, rules: Arc<Rules>, time: Duration) -> Leased {
        Leased { claims, lookup, rules, lease: Lease::new(time), renewal: Mutex::default() }
    }

    /// Ends the lease: the messages that are kept, if the store accepts them, and nothing else.
    pub(super) async fn settle(self, kept: &[Kept]) -> Result<Vec<Settled>> {
        let claimed = self.renewal.into_inner().unwrap_or_else(PoisonError::into_inner).is_some();
        if claimed { self.claims.settle(&self.lease, kept).await } else { Ok(Vec::new()) }
    }
}

#[async_trait]
impl Answers for Leased {
    async fn claims(&self, claims: &[Claim]) -> Result<Vec<Claimed>> {
        let begun = || Renewal::start(Arc::clone(&self.claims), self.lease.clone());
        self.renewal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(begun);
        self.claims.reserve(&self.lease, claims).await
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        self.claims.counts(pools).await
    }

    async fn customers(&self, customers: &[CustomerId]) -> Result<Vec<Vec<VoucherRecord>>> {
        self.lookup.customers(customers).await
    }

    async fn bindings(&self, claims: &[Claim]) -> Result<Vec<Option<Binding>>> {
        self.lookup.bindings(claims).await
    }

    async fn rule(&self, pool: &PoolName) -> Result<Option<Arc<Rule>>> {
        Ok(self.rules.of(pool).await?.rule.clone())
    }
}

/// Renews a lease at half time, for as long as it is kept.
struct Renewal(JoinHandle<()>);

impl Renewal {
    fn start(claims: Arc<dyn Claims>, lease: Lease) -> Renewal {
        Renewal(tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease.time / 2).await;
                // A renewal that fails is tried again at the next half time; settling checks what really holds.
                let _ = claims.reserve(&lease, &[]).await;
            }
        }))
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.abort();
    }
}
