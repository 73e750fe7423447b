//! The codes of a pool, page by page, in the order of the registry: by shard, then by the hash read from its end, which
//! keeps its order while the registry grows.

use std::collections::HashSet;

use jiff::Timestamp;

use super::RedisStore;
use super::address::{SHARDS, Spot, bucket_at};
use super::bucket;
use super::chunk::PoolChunks;
use super::reply::{self, strange};
use super::script::READ_CODES;
use crate::error::Result;
use crate::store::refusal;
use crate::voucher::{Code, PoolName};

/// How many buckets one call reads whole.
const AT_ONCE: usize = 8;

/// A place in the order: the shard, the order in the shard, and the code among those of the same.
type Place = (u8, u32, String);

/// A code of the pool, and when its chunk ends.
pub(super) type Listed = (Code, Option<Timestamp>);

impl RedisStore {
    /// The codes of a pool in a fixed order, at most `limit`, from behind the code `after`: the codes of `Lookup::vouchers`.
    pub(super) async fn codes_behind(
        &self,
        pool: &PoolName,
        after: Option<&Code>,
        limit: usize,
    ) -> Result<Vec<Listed>> {
        if self.status_of(pool).await?.is_none() {
            return Err(refusal::no_such_pool(pool));
        }
        let after = match after {
            Some(code) => Some(self.place_of(pool, code).await?),
            None => None,
        };
        let chunks = self.added_chunks(pool).await?;
        let (first_shard, first_order) = after.as_ref().map_or((0, 0), |(shard, order, _)| (*shard, *order));
        let mut listed = Vec::new();
        for shard in first_shard..SHARDS {
            let mut next = Some(if shard == first_shard { first_order } else { 0 });
            while let Some(order) = next.filter(|_| listed.len() < limit) {
                let (found, rest) = self.read_buckets(shard, order, &chunks).await?;
                next = rest;
                let behind = found.into_iter().filter(|(place, _)| after.as_ref().is_none_or(|after| place > after));
                listed.extend(behind.map(|(_, listed)| listed));
            }
        }
        listed.truncate(limit);
        Ok(listed)
    }

    async fn place_of(&self, pool: &PoolName, code: &Code) -> Result<Place> {
        let origin = self.origins_of(std::slice::from_ref(code)).await?.pop().flatten();
        match origin {
            Some(origin) if origin.pool == *pool => Ok(place(code)),
            _ => Err(refusal::not_in_pool()),
        }
    }

    /// The chunks of a pool without those that are pending.
    async fn added_chunks(&self, pool: &PoolName) -> Result<PoolChunks> {
        let mut query = redis::cmd("HKEYS");
        query.arg(self.keys.pool(pool).pending());
        let pending = reply::list(self.link.query(&query).await?)?;
        let pending: HashSet<u64> = pending.iter().filter_map(|field| reply::number(Some(field)).ok()).collect();
        let mut chunks = self.chunks_of(pool).await?;
        chunks.origins.retain(|number, _| !pending.contains(number));
        Ok(chunks)
    }

    /// The codes of a pool in a few buckets of a shard from `order` on, and where the next bucket begins.
    async fn read_buckets(
        &self,
        shard: u8,
        order: u32,
        chunks: &PoolChunks,
    ) -> Result<(Vec<(Place, Listed)>, Option<u32>)> {
        let answer = self.call_shard(shard, &READ_CODES, false, |keys, buckets, call| {
            call.keys.extend(buckets_from(order, buckets).map(|(bucket, _)| keys.codes(bucket)));
        });
        let answer = answer.await?;
        let buckets = reply::number(answer.first())?;
        let mut found = Vec::new();
        for texts in answer.into_iter().skip(1) {
            for entry in bucket::codes(&bucket::joined(texts)?) {
                let (code, mark) = entry?;
                if let Some(origin) = chunks.origins.get(&bucket::chunk(mark)?) {
                    let code = Code::new(code).map_err(|_| strange())?;
                    found.push((place(&code), (code, origin.expires_at)));
                }
            }
        }
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok((found, buckets_from(order, buckets).last().and_then(|(_, last)| last.checked_add(1))))
    }
}

/// The buckets that one call reads, from a place in the order on, each with the last place that it holds.
fn buckets_from(order: u32, buckets: u64) -> impl Iterator<Item = (u64, u32)> {
    let first = bucket_at(order, buckets);
    let next = move |(_, last): &(u64, u32)| last.checked_add(1).map(|next| bucket_at(next, buckets));
    std::iter::successors(Some(first), next).take(AT_ONCE)
}

fn place(code: &Code) -> Place {
    let spot = Spot::of(code.as_str());
    (spot.shard(), spot.order(), code.as_str().to_owned())
}
