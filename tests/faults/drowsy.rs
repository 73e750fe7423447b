//! A sender that falls asleep between reserving and settling, for longer than its leases last.

use std::sync::Arc;

use async_trait::async_trait;
use rand::RngExt;
use tearoff::Result;
use tearoff::voucher::{Claim, Claimed, Claims, Count, Kept, Lease, PoolName, Settled, Store};

use crate::load::{LEASE, Load};
use crate::servers::Server;

/// A store in the hands of a sender that sleeps before so many of a hundred settling calls, and renews no lease.
pub(crate) struct Drowsy {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) share: u32,
}

#[async_trait]
impl Claims for Drowsy {
    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        if claims.is_empty() && self.share > 0 {
            return Ok(Vec::new());
        }
        self.store.reserve(lease, claims).await
    }

    async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>> {
        if rand::rng().random_range(0..100) < self.share {
            tokio::time::sleep(LEASE + LEASE / 2).await;
        }
        self.store.settle(lease, kept).await
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        self.store.counts(pools).await
    }
}

/// Meanwhile others get its codes. Fails on a build that accepts what is settled without comparing it with what is bound.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_wakes_up_late_shows_nothing_that_is_somebody_elses() {
    let server = Server::start();
    let load = Load { codes: 300, messages: 600, unrest: 0, drowsy: 30, ..Load::on(server.url()) };
    load.start().await.check().await;
}
