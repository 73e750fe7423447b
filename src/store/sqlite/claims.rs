//! The render path.

use async_trait::async_trait;

use super::fault::Outcome;
use super::reserve::reserve;
use super::session::Session;
use super::settle::settle;
use super::writer::Durability;
use super::{SqliteStore, lookup};
use crate::error::Result;
use crate::voucher::{Claim, Claimed, Claims, Count, Kept, Lease, PoolName, Settled};

#[async_trait]
impl Claims for SqliteStore {
    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        let (lease, claims) = (lease.clone(), claims.to_vec());
        self.write(Durability::Reserved, move |session| reserve(session, &lease, &claims)).await
    }

    async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>> {
        let (lease, kept) = (lease.clone(), kept.to_vec());
        // What only gives back need not reach the disk: a lease that comes back with the power goes back again.
        let durability = if kept.is_empty() { Durability::Reserved } else { Durability::Kept };
        self.write(durability, move |session| settle(session, &lease, &kept)).await
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        let pools = pools.to_vec();
        self.read(move |session| pools.iter().map(|name| count(session, name)).collect()).await
    }
}

fn count(session: &Session<'_>, name: &PoolName) -> Outcome<Option<Count>> {
    let status = lookup::status_by_name(session, name)?;
    Ok(status.map(|status| Count { available: status.counts.available, total: status.counts.total }))
}
