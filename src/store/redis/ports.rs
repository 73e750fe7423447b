//! The ports of the domain, and where each operation is done.

use async_trait::async_trait;
use jiff::Timestamp;

use super::RedisStore;
use crate::error::Result;
use crate::voucher::{
    Assignments, Binding, CampaignId, Catalogue, Claim, Claimed, Claims, Code, Count, CustomerId, Desk, EventId,
    Finding, Forgotten, ImportId, Imported, Journal, JournalEntry, JournalPosition, JournalSize, Kept, Lease, LimitUse,
    Lookup, LowStock, MessageId, NewVoucher, PoolName, PoolSettings, PoolStatus, Redemption, RedemptionResult,
    Redemptions, ReleasedMessage, RolledBack, Settled, Stock, Store, Undone, Voided, Voucher, VoucherRecord,
};

#[async_trait]
impl Claims for RedisStore {
    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        self.reserve_all(lease, claims).await
    }

    async fn settle(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>> {
        self.settle_all(lease, kept).await
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        self.counts_of(pools).await
    }
}

#[async_trait]
impl Lookup for RedisStore {
    async fn bindings(&self, claims: &[Claim]) -> Result<Vec<Option<Binding>>> {
        self.bindings_of(claims).await
    }

    async fn voucher(&self, code: &Code) -> Result<Option<VoucherRecord>> {
        self.voucher_of(code).await
    }

    async fn pools_of(&self, codes: &[Code]) -> Result<Vec<Option<PoolName>>> {
        self.pools_with(codes).await
    }

    async fn customers(&self, customers: &[CustomerId]) -> Result<Vec<Vec<VoucherRecord>>> {
        self.vouchers_of(customers).await
    }

    async fn vouchers(&self, pool: &PoolName, after: Option<&Code>, limit: usize) -> Result<Vec<VoucherRecord>> {
        let codes = self.codes_behind(pool, after, limit).await?;
        Ok(self.records(pool, &codes).await?.into_iter().flatten().collect())
    }

    async fn pools(&self) -> Result<Vec<PoolStatus>> {
        self.all_pools().await
    }

    async fn pool(&self, name: &PoolName) -> Result<Option<PoolStatus>> {
        self.status_of(name).await
    }

    async fn limit_use(
        &self,
        pool: &PoolName,
        campaign: Option<&CampaignId>,
        customers: &[CustomerId],
    ) -> Result<Option<LimitUse>> {
        self.use_of_limits(pool, campaign, customers).await
    }

    async fn catalogue(&self) -> Result<Catalogue> {
        self.cards().await
    }
}

#[async_trait]
impl Stock for RedisStore {
    async fn create_pool(&self, name: &PoolName, settings: &PoolSettings) -> Result<()> {
        self.make_pool(name, settings).await
    }

    async fn set_pool(&self, name: &PoolName, settings: &PoolSettings) -> Result<()> {
        self.change_pool(name, settings).await
    }

    async fn undo_import(&self, pool: &PoolName, import: &ImportId) -> Result<Undone> {
        self.undo(pool, import).await
    }

    async fn low_stock(&self, pools: &[PoolName]) -> Result<Vec<LowStock>> {
        self.fallen(pools).await
    }

    async fn delete_pool(&self, name: &PoolName, archived: bool) -> Result<()> {
        self.remove_pool(name, archived).await
    }

    async fn import_as(&self, pool: &PoolName, import: &ImportId, vouchers: &[NewVoucher]) -> Result<Vec<Imported>> {
        self.import_vouchers(pool, import, vouchers).await
    }

    fn portion(&self) -> usize {
        super::import::PORTION
    }
}

#[async_trait]
impl Desk for RedisStore {
    async fn release_message(&self, message: &MessageId) -> Result<ReleasedMessage> {
        self.release(message).await
    }

    async fn forget(&self, customer: &CustomerId) -> Result<Forgotten> {
        self.forget_customer(customer).await
    }

    async fn reconcile(&self, pool: &PoolName) -> Result<Vec<Finding>> {
        self.compare(pool).await
    }

    async fn reclaim_tests(&self) -> Result<u64> {
        self.reclaim().await
    }
}

#[async_trait]
impl Redemptions for RedisStore {
    async fn redeem(&self, redemptions: &[Redemption]) -> Result<Vec<RedemptionResult>> {
        self.redeem_all(redemptions).await
    }

    async fn redemptions(&self, asked: &[(Code, EventId)]) -> Result<Vec<Option<RedemptionResult>>> {
        self.redemptions_of(asked).await
    }

    async fn roll_back(&self, code: &Code, event: &EventId) -> Result<RolledBack> {
        self.take_back(code, event).await
    }

    async fn void(&self, codes: &[Code]) -> Result<Vec<Voided>> {
        self.void_all(codes).await
    }
}

#[async_trait]
impl Journal for RedisStore {
    async fn journal(
        &self,
        pool: &PoolName,
        after: Option<&JournalPosition>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        self.entries_behind(pool, after, limit).await
    }

    async fn given_since(&self, pool: &PoolName, since: Timestamp) -> Result<u64> {
        self.given(pool, since).await
    }

    async fn history(&self, code: &Code) -> Result<Vec<JournalEntry>> {
        self.past_of(code).await
    }

    async fn trim_journal(&self, pool: &PoolName, before: Timestamp) -> Result<u64> {
        self.trim(pool, before).await
    }

    async fn journal_size(&self, pool: &PoolName) -> Result<JournalSize> {
        self.size_of_journal(pool).await
    }
}

#[async_trait]
impl Assignments for RedisStore {
    async fn reserve_matching(
        &self,
        lease: &Lease,
        claims: &[Claim],
        matching: &(dyn for<'v> Fn(&'v Voucher) -> bool + Send + Sync),
    ) -> Result<Vec<Claimed>> {
        self.reserve_some(lease, claims, matching).await
    }

    async fn make_current(&self, pool: &PoolName, holders: &[(CustomerId, Code)]) -> Result<()> {
        self.make_all_current(pool, holders).await
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn examine(&self) -> Result<Vec<Finding>> {
        self.findings().await
    }

    async fn readiness(&self) -> Result<Vec<Finding>> {
        self.obstacles().await
    }
}
