//! The claims of a store, counted and timed.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use super::Metrics;
use crate::error::Result;
use crate::voucher::{Claim, Claimed, Claims, Count, Kept, Lease, PoolName, Settled};

/// What messages ask of a store. Whoever renders takes it in place of the store, so that the numbers tell of it.
pub(super) struct Measured {
    claims: Arc<dyn Claims>,
    metrics: Arc<Metrics>,
}

impl Measured {
    pub(super) fn new(claims: Arc<dyn Claims>, metrics: Arc<Metrics>) -> Measured {
        Measured { claims, metrics }
    }

    async fn measure<T>(&self, call: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let began = Instant::now();
        let result = work.await;
        self.metrics.store_called(call, began.elapsed());
        result.inspect_err(|error| self.metrics.store_failed(error))
    }
}

#[async_trait]
impl Claims for Measured {
    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        let answers = self.measure("reserve", self.claims.reserve(lease, claims)).await;
        answers.inspect(|answers| self.metrics.claimed(answers))
    }

    async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>> {
        self.measure("settle", self.claims.settle(lease, kept)).await
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        self.measure("counts", self.claims.counts(pools)).await
    }
}

impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Measured(…)")
    }
}
