//! The registry of a project's codes: which chunk, and so which pool, each code is in.
//!
//! It lies in shards by the code's hash, so that a code is once in the project whatever nodes its pools are on. A code that is
//! registered for a chunk that is forgotten is as good as not registered.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use futures_util::future::try_join_all;
use redis::Value;

use super::RedisStore;
use super::address::{Hash, SHARDS, split_from};
use super::chunk::{Origin, PoolChunks};
use super::grow::steps;
use super::keys::ShardKeys;
use super::reply::{self, strange};
use super::script::{Call, FIND_CODES, REGISTER, SPLIT_CODES, Script, UNREGISTER};
use crate::error::Result;
use crate::voucher::{Code, PoolName};

/// How many codes a bucket has on average.
const LOAD: u64 = 96;

/// How many codes one call speaks of.
const PORTION: usize = 900;

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

/// A code that is to be registered.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    code: &'a str,
    hash: Hash,
    chunk: u64,
}

impl<'a> Entry<'a> {
    pub(super) fn new(code: &'a str, chunk: u64) -> Entry<'a> {
        Entry { code, hash: Hash::of(code), chunk }
    }
}

/// How many buckets a shard of so many codes is to have.
fn wanted(codes: u64) -> u64 {
    (codes / LOAD).max(1)
}

/// The places of codes by shard; in a shard, those of one bucket stand together whatever its size.
fn by_shard(hashes: impl Iterator<Item = Hash>) -> Vec<(u8, Vec<(usize, Hash)>)> {
    let mut shards: Vec<_> = (0..SHARDS).map(|shard| (shard, Vec::new())).collect();
    for (place, hash) in hashes.enumerate() {
        shards[usize::from(hash.shard())].1.push((place, hash));
    }
    shards.retain(|(_, places)| !places.is_empty());
    for (_, places) in &mut shards {
        places.sort_unstable_by_key(|(_, hash)| hash.order());
    }
    shards
}

/// Adds to a call, for each bucket, its key and how many codes are in it, and what `push` writes of each code.
fn push_by_bucket(
    call: &mut Call,
    (keys, buckets): (&ShardKeys, u64),
    places: &[(usize, Hash)],
    push: impl Fn(&mut Call, usize),
) {
    for group in places.chunk_by(|(_, one), (_, other)| one.bucket(buckets) == other.bucket(buckets)) {
        call.keys.push(keys.codes(group[0].1.bucket(buckets)));
        call.push_number(group.len());
        group.iter().for_each(|(place, _)| push(call, *place));
    }
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
        let keys = self.keys.shard(shard);
        loop {
            let buckets = self.sizes.of(shard);
            let mut call = Call::new(script, vec![keys.shard()]);
            call.kept = kept;
            call.push_number(buckets);
            fill(&keys, buckets, &mut call);
            let (status, rest) = reply::status(self.link.run(&call).await?)?;
            match status.as_str() {
                "OK" => return Ok(rest),
                "RESIZED" => self.sizes.note(shard, reply::number(rest.first())?),
                _ => return Err(strange()),
            }
        }
    }

    /// Registers codes, and says for each which chunk it is registered for now: its own, or that of an earlier import, whose
    /// origin is told.
    pub(super) async fn register(&self, entries: &[Entry<'_>]) -> Result<(Vec<u64>, HashMap<u64, Origin>)> {
        let mut chunks: Vec<u64> = entries.iter().map(|entry| entry.chunk).collect();
        let mut open: Vec<usize> = (0..entries.len()).collect();
        let (mut origins, mut forgotten) = (HashMap::new(), HashSet::new());
        while !open.is_empty() {
            let asked: Vec<Entry<'_>> = open.iter().map(|place| entries[*place]).collect();
            for (place, chunk) in self.register_once(&asked, &forgotten).await? {
                chunks[open[place]] = chunk;
            }
            let is_foreign = |place: &usize| chunks[*place] != entries[*place].chunk;
            let others: HashSet<u64> =
                open.iter().filter(|place| is_foreign(place)).map(|place| chunks[*place]).collect();
            let unknown: Vec<u64> = others.into_iter().filter(|chunk| !origins.contains_key(chunk)).collect();
            let known = self.origins(&unknown).await?;
            forgotten.extend(unknown.into_iter().filter(|chunk| !known.contains_key(chunk)));
            origins.extend(known);
            open.retain(|place| forgotten.contains(&chunks[*place]));
            open.iter().for_each(|place| chunks[*place] = entries[*place].chunk);
        }
        Ok((chunks, origins))
    }

    /// Registers codes that are not registered, or for a forgotten chunk; answers the places of the others and their chunks.
    async fn register_once(&self, entries: &[Entry<'_>], forgotten: &HashSet<u64>) -> Result<Vec<(usize, u64)>> {
        let shards = by_shard(entries.iter().map(|entry| entry.hash));
        let calls = shards.iter().map(|(shard, places)| self.register_in(*shard, places, entries, forgotten));
        Ok(try_join_all(calls).await?.concat())
    }

    async fn register_in(
        &self,
        shard: u8,
        places: &[(usize, Hash)],
        entries: &[Entry<'_>],
        forgotten: &HashSet<u64>,
    ) -> Result<Vec<(usize, u64)>> {
        let mut others = Vec::new();
        for portion in places.chunks(PORTION) {
            let answer = self.call_shard(shard, &REGISTER, true, |keys, buckets, call| {
                call.push_number(wanted(places.len() as u64));
                call.push_number(forgotten.len());
                forgotten.iter().for_each(|chunk| call.push_number(chunk));
                push_by_bucket(call, (keys, buckets), portion, |call, place| {
                    call.push(entries[place].code);
                    call.push_number(entries[place].chunk);
                });
            });
            let answer = answer.await?;
            for other in answer.get(2..).unwrap_or_default().chunks_exact(2) {
                let place = usize::try_from(reply::number(other.first())?).map_err(|_| strange())?;
                let (place, _) = portion.get(place).ok_or_else(strange)?;
                others.push((*place, reply::number(other.get(1))?));
            }
            self.grow_shard(shard, reply::number(answer.first())?, reply::number(answer.get(1))?).await?;
        }
        Ok(others)
    }

    /// Gives a shard of so many codes as many buckets as it is to have.
    async fn grow_shard(&self, shard: u8, mut buckets: u64, codes: u64) -> Result<()> {
        let goal = wanted(codes);
        while buckets < goal {
            let answer = self.call_shard(shard, &SPLIT_CODES, true, |keys, buckets, call| {
                for new in buckets..goal.min(buckets + steps(buckets, codes)) {
                    call.keys.push(keys.codes(split_from(new)));
                    call.keys.push(keys.codes(new));
                }
            });
            buckets = reply::number(answer.await?.first())?;
            self.sizes.note(shard, buckets);
        }
        Ok(())
    }

    /// The chunk that each code is registered for, forgotten or not.
    async fn registered(&self, codes: &[Code]) -> Result<Vec<Option<u64>>> {
        let shards = by_shard(codes.iter().map(Hash::of_code));
        let found = try_join_all(shards.iter().map(|(shard, places)| self.find_in(*shard, places, codes))).await?;
        let mut chunks = vec![None; codes.len()];
        for (place, chunk) in found.into_iter().flatten() {
            chunks[place] = Some(chunk);
        }
        Ok(chunks)
    }

    async fn find_in(&self, shard: u8, places: &[(usize, Hash)], codes: &[Code]) -> Result<Vec<(usize, u64)>> {
        let mut found = Vec::new();
        for portion in places.chunks(PORTION) {
            let chunks = self.call_shard(shard, &FIND_CODES, false, |keys, buckets, call| {
                push_by_bucket(call, (keys, buckets), portion, |call, place| call.push(codes[place].as_str()));
            });
            for ((place, _), chunk) in portion.iter().zip(chunks.await?) {
                if !reply::text(chunk.clone())?.is_empty() {
                    found.push((*place, reply::number(Some(&chunk))?));
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
            push_ranges(&mut call, ranges);
            let (_, rest) = reply::status(self.link.run(&call).await?)?;
            buckets = reply::number(rest.first())?;
            next += BUCKETS_AT_ONCE;
        }
        Ok(())
    }
}

/// Adds ranges of chunk numbers to a call.
pub(super) fn push_ranges(call: &mut Call, ranges: &[(u64, u64)]) {
    for (first, last) in ranges {
        call.push_number(first);
        call.push_number(last);
    }
}
