//! The registry of a project's codes: which chunk, and so which pool, each code is in.
//!
//! It lies in shards by the code's hash, so that a code is once in the project whatever nodes its pools are on. A code that is
//! registered for a chunk that is forgotten is as good as not registered.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use futures_util::future::try_join_all;
use redis::{Pipeline, Value};

use super::RedisStore;
use super::address::{SHARDS, Spot};
use super::bucket;
use super::chunk::{Origin, PoolChunks};
use super::keys::ShardKeys;
use super::reply::{self, strange};
use super::script::{Call, FIND_CODES, Script, UNREGISTER};
use crate::error::Result;
use crate::voucher::{Code, PoolName};

/// How many codes a bucket has on average.
const LOAD: u64 = 96;

/// How many codes one call speaks of.
pub(super) const PORTION: usize = 2_000;

/// How many buckets one call reads whole.
const BUCKETS_AT_ONCE: u64 = 8;

/// In how many buckets the shards were seen to keep their codes. Only a guess: a script tells when it is wrong.
#[derive(Debug, Default)]
pub(super) struct Sizes(Mutex<HashMap<u8, u64>>);

impl Sizes {
    pub(super) fn of(&self, shard: u8) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&shard).copied().unwrap_or(1)
    }

    pub(super) fn note(&self, shard: u8, buckets: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(shard, buckets);
    }
}

/// Buckets as they were when their shard had a version.
pub(super) struct Reading {
    pub(super) version: u64,
    /// The texts of each.
    pub(super) buckets: Vec<Value>,
}

/// How many buckets a shard of so many codes is to have.
pub(super) fn wanted(codes: u64) -> u64 {
    (codes / LOAD).max(1)
}

/// The places of codes by shard; in a shard, those of one bucket stand together whatever its size.
pub(super) fn by_shard(spots: impl Iterator<Item = Place>) -> Vec<(u8, Vec<Place>)> {
    let mut shards: Vec<_> = (0..SHARDS).map(|shard| (shard, Vec::new())).collect();
    for (place, spot) in spots {
        shards[usize::from(spot.shard())].1.push((place, spot));
    }
    shards.retain(|(_, places)| !places.is_empty());
    for (_, places) in &mut shards {
        places.sort_unstable_by_key(|(_, spot)| spot.order());
    }
    shards
}

/// A code's place among those that are asked for, and where the registry keeps it.
pub(super) type Place = (usize, Spot);

/// The places of each bucket in a space of `buckets`.
pub(super) fn by_bucket(places: &[Place], buckets: u64) -> impl Iterator<Item = &[Place]> {
    places.chunk_by(move |(_, one), (_, other)| one.bucket(buckets) == other.bucket(buckets))
}

impl RedisStore {
    /// Calls a script of a shard, with the keys and arguments that `fill` adds; asks it again when the shard has grown meanwhile.
    pub(super) async fn call_shard(
        &self,
        shard: u8,
        script: &'static Script,
        kept: bool,
        fill: impl Fn(&ShardKeys, u64, &mut Call) + Send + Sync,
    ) -> Result<Vec<Value>> {
        loop {
            let answer = self.try_shard(shard, self.sizes.of(shard), script, kept, &fill).await?;
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    /// Calls a script of a shard that is believed to have so many buckets; `None` if the shard is not as the caller believes.
    pub(super) async fn try_shard(
        &self,
        shard: u8,
        buckets: u64,
        script: &'static Script,
        kept: bool,
        fill: impl Fn(&ShardKeys, u64, &mut Call) + Send + Sync,
    ) -> Result<Option<Vec<Value>>> {
        let keys = self.keys.shard(shard);
        let mut call = Call::new(script, vec![keys.shard()]);
        call.kept = kept;
        call.push_number(buckets);
        fill(&keys, buckets, &mut call);
        let (status, rest) = reply::status(self.link.run(&call).await?)?;
        match status.as_str() {
            "OK" => Ok(Some(rest)),
            "RESIZED" => {
                self.sizes.note(shard, reply::number(rest.first())?);
                Ok(None)
            }
            _ => Err(strange()),
        }
    }

    /// Reads buckets of a shard that is believed to have so many; `None` if it has not.
    ///
    /// It is no script, in which reading costs much more, so it is one that must tell whether the shard still has the version
    /// that is read before the first bucket.
    pub(super) async fn view_buckets(
        &self,
        shard: u8,
        believed: u64,
        buckets: impl Iterator<Item = u64>,
    ) -> Result<Option<Reading>> {
        let keys = self.keys.shard(shard);
        let mut commands = Pipeline::new();
        commands.cmd("HMGET").arg(keys.shard()).arg(&["codes_buckets", "codes_version"]);
        for bucket in buckets {
            commands.cmd("LRANGE").arg(keys.codes(bucket)).arg(0).arg(-1);
        }
        let mut answers = self.link.query_all(&commands).await?.into_iter();
        let [size, version] = reply::list(answers.next().ok_or_else(strange)?)?.try_into().map_err(|_| strange())?;
        let number = |value: Value, or| if value == Value::Nil { Ok(or) } else { reply::number(Some(&value)) };
        let size = number(size, 1)?;
        if size != believed {
            self.sizes.note(shard, size);
            return Ok(None);
        }
        Ok(Some(Reading { version: number(version, 0)?, buckets: answers.collect() }))
    }

    /// The chunk that each code is registered for, forgotten or not.
    pub(super) async fn registered(&self, codes: &[Code]) -> Result<Vec<Option<u64>>> {
        let shards = by_shard(codes.iter().map(|code| Spot::of(code.as_str())).enumerate());
        let found = try_join_all(shards.iter().map(|(shard, places)| self.find_in(*shard, places, codes))).await?;
        let mut chunks = vec![None; codes.len()];
        for (place, chunk) in found.into_iter().flatten() {
            chunks[place] = Some(chunk);
        }
        Ok(chunks)
    }

    async fn find_in(&self, shard: u8, places: &[Place], codes: &[Code]) -> Result<Vec<(usize, u64)>> {
        let mut found = Vec::new();
        for portion in places.chunks(PORTION) {
            let chunks = self.call_shard(shard, &FIND_CODES, false, |keys, buckets, call| {
                for group in by_bucket(portion, buckets) {
                    call.keys.push(keys.codes(group[0].1.bucket(buckets)));
                    call.push_number(group.len());
                    group.iter().for_each(|(place, _)| call.push(codes[*place].as_str()));
                }
            });
            for ((place, _), mark) in portion.iter().zip(chunks.await?) {
                let mark = reply::bytes(mark)?;
                if !mark.is_empty() {
                    found.push((*place, bucket::chunk(&mark)?));
                }
            }
        }
        Ok(found)
    }

    /// Where each code belongs; `None` where the project does not have it. A code of an import that is not finished is told too.
    pub(super) async fn origins_of(&self, codes: &[Code]) -> Result<Vec<Option<Origin>>> {
        let chunks = self.registered(codes).await?;
        let distinct: HashSet<u64> = chunks.iter().flatten().copied().collect();
        let origins = self.origins(&distinct.into_iter().collect::<Vec<_>>()).await?;
        Ok(chunks.into_iter().map(|chunk| origins.get(&chunk?).cloned()).collect())
    }

    /// `Lookup::pools_of`.
    pub(super) async fn pools_with(&self, codes: &[Code]) -> Result<Vec<Option<PoolName>>> {
        let origins = self.origins_of(codes).await?;
        Ok(origins.into_iter().map(|origin| origin.map(|origin| origin.pool)).collect())
    }

    /// Takes every code of these chunks out of the registry.
    pub(super) async fn unregister(&self, chunks: &PoolChunks) -> Result<()> {
        try_join_all((0..SHARDS).map(|shard| self.unregister_in(shard, &chunks.ranges))).await.map(drop)
    }

    async fn unregister_in(&self, shard: u8, ranges: &[(u64, u64)]) -> Result<()> {
        let keys = self.keys.shard(shard);
        let (mut next, mut buckets) = (0, 1);
        // What a split moves meanwhile goes into a bucket behind all others, which is still to come.
        while next < buckets {
            let mut call = Call::new(&UNREGISTER, vec![keys.shard()]).kept();
            call.keys.extend((next..next + BUCKETS_AT_ONCE).map(|bucket| keys.codes(bucket)));
            for (first, last) in ranges {
                call.push_number(first);
                call.push_number(last);
            }
            let (_, rest) = reply::status(self.link.run(&call).await?)?;
            buckets = reply::number(rest.first())?;
            next += BUCKETS_AT_ONCE;
        }
        Ok(())
    }
}
