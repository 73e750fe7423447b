//! TO BE REPLACED: ports that this store does not have yet.

use async_trait::async_trait;
use jiff::Timestamp;

use super::RedisStore;
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{
    Assignments, Claim, Claimed, Code, CustomerId, EventId, Journal, JournalEntry, JournalPosition, JournalSize, Lease,
    PoolName, Redemption, RedemptionResult, Redemptions, RolledBack, Voided, Voucher,
};

pub(super) fn missing<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Refused, "this store cannot do that yet"))
}

#[async_trait]
impl Redemptions for RedisStore {
    async fn redeem(&self, _: &[Redemption]) -> Result<Vec<RedemptionResult>> {
        missing()
    }

    async fn redemptions(&self, _: &[(Code, EventId)]) -> Result<Vec<Option<RedemptionResult>>> {
        missing()
    }

    async fn roll_back(&self, _: &Code, _: &EventId) -> Result<RolledBack> {
        missing()
    }

    async fn void(&self, _: &[Code]) -> Result<Vec<Voided>> {
        missing()
    }
}

#[async_trait]
impl Assignments for RedisStore {
    async fn reserve_matching(
        &self,
        _: &Lease,
        _: &[Claim],
        _: &(dyn for<'v> Fn(&'v Voucher) -> bool + Send + Sync),
    ) -> Result<Vec<Claimed>> {
        missing()
    }

    async fn make_current(&self, _: &PoolName, _: &[(CustomerId, Code)]) -> Result<()> {
        missing()
    }
}

#[async_trait]
impl Journal for RedisStore {
    async fn journal(&self, _: &PoolName, _: Option<&JournalPosition>, _: usize) -> Result<Vec<JournalEntry>> {
        missing()
    }

    async fn history(&self, _: &Code) -> Result<Vec<JournalEntry>> {
        missing()
    }

    async fn trim_journal(&self, _: &PoolName, _: Timestamp) -> Result<u64> {
        missing()
    }

    async fn journal_size(&self, _: &PoolName) -> Result<JournalSize> {
        missing()
    }
}
