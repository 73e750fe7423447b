//! The ports. What does not take vouchers from a pool is the inner store's.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{GeneratingStore, Matching, check};
use crate::error::Result;
use crate::voucher::{
    Assignments, Binding, CampaignId, Catalogue, Claim, Claimed, Claims, Code, Count, CustomerId, Desk, EventId,
    Finding, Forgotten, ImportId, Imported, Journal, JournalEntry, JournalPosition, JournalSize, Kept, Lease, LimitUse,
    Lookup, LowStock, MessageId, NewVoucher, PoolName, PoolSettings, PoolStatus, Redemption, RedemptionResult,
    Redemptions, ReleasedMessage, RolledBack, Settled, Stock, Store, Undone, Voided, VoucherRecord,
};

#[async_trait]
impl Claims for GeneratingStore {
    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        self.answers(lease, claims, None).await
    }

    async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>> {
        self.inner.settle(lease, kept).await
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        self.inner.counts(pools).await
    }
}

#[async_trait]
impl Assignments for GeneratingStore {
    async fn reserve_matching(&self, lease: &Lease, claims: &[Claim], matching: Matching<'_>) -> Result<Vec<Claimed>> {
        self.answers(lease, claims, Some(matching)).await
    }

    async fn make_current(&self, pool: &PoolName, holders: &[(CustomerId, Code)]) -> Result<()> {
        self.inner.make_current(pool, holders).await
    }
}

#[async_trait]
impl Stock for GeneratingStore {
    async fn create_pool(&self, name: &PoolName, settings: &PoolSettings) -> Result<()> {
        check(name, settings)?;
        self.inner.create_pool(name, settings).await
    }

    async fn set_pool(&self, name: &PoolName, settings: &PoolSettings) -> Result<()> {
        check(name, settings)?;
        self.inner.set_pool(name, settings).await
    }

    async fn delete_pool(&self, name: &PoolName, archived: bool) -> Result<()> {
        self.inner.delete_pool(name, archived).await
    }

    async fn import_as(&self, pool: &PoolName, import: &ImportId, vouchers: &[NewVoucher]) -> Result<Vec<Imported>> {
        self.inner.import_as(pool, import, vouchers).await
    }

    async fn undo_import(&self, pool: &PoolName, import: &ImportId) -> Result<Undone> {
        self.inner.undo_import(pool, import).await
    }

    async fn low_stock(&self, pools: &[PoolName]) -> Result<Vec<LowStock>> {
        self.inner.low_stock(pools).await
    }

    fn portion(&self) -> usize {
        self.inner.portion()
    }
}

#[async_trait]
impl Lookup for GeneratingStore {
    async fn bindings(&self, claims: &[Claim]) -> Result<Vec<Option<Binding>>> {
        self.inner.bindings(claims).await
    }

    async fn voucher(&self, code: &Code) -> Result<Option<VoucherRecord>> {
        self.inner.voucher(code).await
    }

    async fn pools_of(&self, codes: &[Code]) -> Result<Vec<Option<PoolName>>> {
        self.inner.pools_of(codes).await
    }

    async fn customers(&self, customers: &[CustomerId]) -> Result<Vec<Vec<VoucherRecord>>> {
        self.inner.customers(customers).await
    }

    async fn vouchers(&self, pool: &PoolName, after: Option<&Code>, limit: usize) -> Result<Vec<VoucherRecord>> {
        self.inner.vouchers(pool, after, limit).await
    }

    async fn pools(&self) -> Result<Vec<PoolStatus>> {
        self.inner.pools().await
    }

    async fn pool(&self, name: &PoolName) -> Result<Option<PoolStatus>> {
        self.inner.pool(name).await
    }

    async fn limit_use(
        &self,
        pool: &PoolName,
        campaign: Option<&CampaignId>,
        customers: &[CustomerId],
    ) -> Result<Option<LimitUse>> {
        self.inner.limit_use(pool, campaign, customers).await
    }

    async fn catalogue(&self) -> Result<Catalogue> {
        self.inner.catalogue().await
    }
}

#[async_trait]
impl Desk for GeneratingStore {
    async fn release_message(&self, message: &MessageId) -> Result<ReleasedMessage> {
        self.inner.release_message(message).await
    }

    async fn reclaim_tests(&self) -> Result<u64> {
        self.inner.reclaim_tests().await
    }

    async fn forget(&self, customer: &CustomerId) -> Result<Forgotten> {
        self.inner.forget(customer).await
    }

    async fn reconcile(&self, pool: &PoolName) -> Result<Vec<Finding>> {
        self.inner.reconcile(pool).await
    }
}

#[async_trait]
impl Redemptions for GeneratingStore {
    async fn redeem(&self, redemptions: &[Redemption]) -> Result<Vec<RedemptionResult>> {
        self.inner.redeem(redemptions).await
    }

    async fn redemptions(&self, asked: &[(Code, EventId)]) -> Result<Vec<Option<RedemptionResult>>> {
        self.inner.redemptions(asked).await
    }

    async fn roll_back(&self, code: &Code, event: &EventId) -> Result<RolledBack> {
        self.inner.roll_back(code, event).await
    }

    async fn void(&self, codes: &[Code]) -> Result<Vec<Voided>> {
        self.inner.void(codes).await
    }
}

#[async_trait]
impl Journal for GeneratingStore {
    async fn journal(
        &self,
        pool: &PoolName,
        after: Option<&JournalPosition>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        self.inner.journal(pool, after, limit).await
    }

    async fn given_since(&self, pool: &PoolName, since: Timestamp) -> Result<u64> {
        self.inner.given_since(pool, since).await
    }

    async fn history(&self, code: &Code) -> Result<Vec<JournalEntry>> {
        self.inner.history(code).await
    }

    async fn trim_journal(&self, pool: &PoolName, before: Timestamp) -> Result<u64> {
        self.inner.trim_journal(pool, before).await
    }

    async fn journal_size(&self, pool: &PoolName) -> Result<JournalSize> {
        self.inner.journal_size(pool).await
    }
}

#[async_trait]
impl Store for GeneratingStore {
    async fn examine(&self) -> Result<Vec<Finding>> {
        self.inner.examine().await
    }

    async fn readiness(&self) -> Result<Vec<Finding>> {
        self.inner.readiness().await
    }
}
