//! TO BE REPLACED: ports that this store does not have yet.

use async_trait::async_trait;

use super::RedisStore;
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Assignments, Claim, Claimed, Code, CustomerId, Lease, PoolName, Voucher};

pub(super) fn missing<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Refused, "this store cannot do that yet"))
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
