//! The ports of the domain, and where each operation is done.

use async_trait::async_trait;

use super::RedisStore;
use crate::error::Result;
use crate::voucher::{
    Binding, Catalogue, Claim, Claimed, Claims, Code, Count, CustomerId, Desk, Finding, Imported, Kept, Lease, Lookup,
    MessageId, NewVoucher, PoolName, PoolSettings, PoolStatus, ReleasedMessage, Settled, Stock, Store, VoucherRecord,
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
        _: &PoolName,
        _: Option<&crate::voucher::CampaignId>,
        _: &[CustomerId],
    ) -> Result<Option<crate::voucher::LimitUse>> {
        super::missing::missing()
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

    async fn undo_import(&self, _: &PoolName, _: &crate::voucher::ImportId) -> Result<crate::voucher::Undone> {
        super::missing::missing()
    }

    async fn low_stock(&self, _: &[PoolName]) -> Result<Vec<crate::voucher::LowStock>> {
        Ok(Vec::new())
    }

    async fn delete_pool(&self, name: &PoolName, archived: bool) -> Result<()> {
        self.remove_pool(name, archived).await
    }

    async fn import_as(
        &self,
        pool: &PoolName,
        _: &crate::voucher::ImportId,
        vouchers: &[NewVoucher],
    ) -> Result<Vec<Imported>> {
        self.import_vouchers(pool, vouchers).await
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

    async fn forget(&self, _: &crate::voucher::CustomerId) -> Result<crate::voucher::Forgotten> {
        super::missing::missing()
    }

    async fn reconcile(&self, _: &crate::voucher::PoolName) -> Result<Vec<crate::voucher::Finding>> {
        super::missing::missing()
    }

    async fn reclaim_tests(&self) -> Result<u64> {
        self.reclaim().await
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn examine(&self) -> Result<Vec<Finding>> {
        self.findings().await
    }
}
