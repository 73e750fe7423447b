//! Growing the registry of codes.
//!
//! The scripts cannot hash as fast as we do, so a bucket is read, split here, and written as two. Whether it is still as
//! it was read, the script can tell by the shard's version.

use super::RedisStore;
use super::address::{Spot, split_from};
use super::bucket;
use super::registry::Reading;
use super::reply;
use super::script::SPLIT_CODES;
use crate::error::Result;

/// How many buckets are split at once.
const AT_ONCE: u64 = 32;

impl RedisStore {
    /// Gives a shard of the registry at least `goal` buckets for its codes.
    pub(super) async fn grow_shard(&self, shard: u8, goal: u64) -> Result<()> {
        loop {
            let buckets = self.sizes.of(shard);
            if buckets >= goal {
                return Ok(());
            }
            self.split_some(shard, buckets, goal).await?;
        }
    }

    /// Splits the next few buckets of a shard that is believed to have so many.
    async fn split_some(&self, shard: u8, buckets: u64, goal: u64) -> Result<()> {
        // A bucket that is new itself must be written before it can be split.
        let last = goal.min(buckets + AT_ONCE).min(2 << buckets.max(1).ilog2());
        let read = self.view_buckets(shard, buckets, (buckets..last).map(split_from)).await?;
        let Some(Reading { version, buckets: read }) = read else { return Ok(()) };
        let mut parts = Vec::new();
        for (new, texts) in (buckets..last).zip(read) {
            let moves = |code: &str| Spot::of(code).bucket(new + 1) == new;
            parts.push(bucket::split(&bucket::joined(texts)?, moves)?);
        }
        let split = self.try_shard(shard, buckets, &SPLIT_CODES, true, |keys, buckets, call| {
            call.push_number(version);
            for (new, (kept, moved)) in (buckets..last).zip(&parts) {
                call.keys.extend([keys.codes(split_from(new)), keys.codes(new)]);
                call.push(kept.as_slice());
                call.push(moved.as_slice());
            }
        });
        if let Some(split) = split.await? {
            self.sizes.note(shard, reply::number(split.first())?);
        }
        Ok(())
    }
}
