//! Growing the space of a pool's bindings.

use super::RedisStore;
use super::address::split_from;
use super::reply;
use super::script::SPLIT;
use crate::error::Result;
use crate::voucher::PoolName;

/// How many buckets one call may split off, so that it moves a few hundred things at most.
pub(super) fn steps(buckets: u64, entries: u64) -> u64 {
    (500 * buckets / entries.max(1)).clamp(1, 64)
}

impl RedisStore {
    /// Gives a pool at least `to` buckets for its bindings.
    pub(super) async fn grow(&self, pool: &PoolName, to: u64) -> Result<()> {
        let (mut buckets, mut entries) = (self.buckets.of(pool), u64::MAX);
        while buckets < to {
            let grown = self.call_pool(pool, &SPLIT, true, |space, call| {
                for new in space.buckets..to.min(space.buckets + steps(space.buckets, entries)) {
                    let from = split_from(new);
                    let keys = &space.keys;
                    call.keys.extend([keys.keys(from), keys.keys(new), keys.codes(from), keys.codes(new)]);
                }
            });
            let Some(grown) = grown.await? else { return Ok(()) };
            (buckets, entries) = (reply::number(grown.first())?, reply::number(grown.get(1))?);
            self.buckets.note(pool, buckets);
        }
        Ok(())
    }
}
