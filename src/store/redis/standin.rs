use super::RedisStore;
use crate::error::Result;
use crate::voucher::*;
pub(super) struct Home {
    pub(super) pool: PoolName,
    pub(super) expires_at: Option<jiff::Timestamp>,
}
impl RedisStore {
    pub(super) async fn homes(&self, _c: &[Code]) -> Result<Vec<Option<Home>>> {
        Ok(vec![])
    }
    pub(super) async fn pool_names(&self) -> Result<Vec<PoolName>> {
        Ok(vec![])
    }
    pub(super) async fn grow(&self, _p: &PoolName, _n: u64) -> Result<()> {
        Ok(())
    }
}
