//! Telling whose stock has become low.

use futures_util::future::try_join_all;

use super::RedisStore;
use super::reply::{self, strange};
use super::script::LOW_STOCK;
use crate::error::Result;
use crate::voucher::{LowStock, PoolName};

/// How many pools are asked side by side.
const AT_ONCE: usize = 64;

impl RedisStore {
    /// `Stock::low_stock`.
    pub(super) async fn fallen(&self, pools: &[PoolName]) -> Result<Vec<LowStock>> {
        let mut fallen = Vec::new();
        for pools in pools.chunks(AT_ONCE) {
            let asked = try_join_all(pools.iter().map(|pool| self.fallen_to(pool))).await?;
            fallen.extend(asked.into_iter().flatten());
        }
        Ok(fallen)
    }

    async fn fallen_to(&self, pool: &PoolName) -> Result<Option<LowStock>> {
        let mark = format!("{:016x}", rand::random::<u64>());
        let told = self.call_pool(pool, &LOW_STOCK, true, |_, call| call.push(mark.as_str()));
        let Some(told) = told.await? else { return Ok(None) };
        let [threshold, left] = told.try_into().map_err(|_| strange())?;
        match reply::optional_number(&threshold)? {
            None => Ok(None),
            Some(threshold) => Ok(Some(LowStock { pool: pool.clone(), threshold, left: reply::number(Some(&left))? })),
        }
    }
}
