//! Registering codes.
//!
//! Buckets are read outside of any script, where that is cheap, and their codes are compared here. What is decided is decided
//! by the script: it takes our word that a bucket has none of the codes only if nothing has changed in the shard since, and
//! looks by itself otherwise.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use redis::Value;

use super::RedisStore;
use super::address::Spot;
use super::bucket;
use super::chunk::Origin;
use super::registry::{PORTION, Place, by_bucket, by_shard, wanted};
use super::reply::{self, strange};
use super::script::{Call, REGISTER};
use crate::error::Result;

/// In how many shards codes are registered at once.
const SHARDS_AT_ONCE: usize = 4;

/// What tells the script that a bucket had none of the codes, and that it may have some.
const NEW: u8 = b'+';
const DOUBTFUL: u8 = b'?';

/// A code that is to be registered.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    code: &'a str,
    spot: Spot,
    chunk: u64,
}

impl<'a> Entry<'a> {
    pub(super) fn new(code: &'a str, chunk: u64) -> Entry<'a> {
        Entry { code, spot: Spot::of(code), chunk }
    }
}

/// What was seen of the buckets of some codes.
struct View {
    /// How many buckets the shard had, and its version.
    buckets: u64,
    version: u64,
    /// [`NEW`] or [`DOUBTFUL`] for each bucket.
    signs: Vec<u8>,
}

impl View {
    /// Adds to a call what was seen, if the call is about the same buckets.
    fn push(&self, call: &mut Call, buckets: u64) {
        call.push_number(self.version);
        call.push(if self.buckets == buckets { self.signs.as_slice() } else { b"" });
    }
}

impl RedisStore {
    /// Registers codes, and says for each which chunk it is registered for now: its own, or that of an earlier import, whose
    /// origin is told.
    pub(super) async fn register(&self, entries: &[Entry<'_>]) -> Result<(Vec<u64>, HashMap<u64, Origin>)> {
        let mut chunks: Vec<u64> = entries.iter().map(|entry| entry.chunk).collect();
        let mut open: Vec<usize> = (0..entries.len()).collect();
        let (mut origins, mut forgotten) = (HashMap::new(), HashSet::new());
        while !open.is_empty() {
            for (place, chunk) in self.register_once(entries, &open, &forgotten).await? {
                chunks[place] = chunk;
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
    async fn register_once(
        &self,
        entries: &[Entry<'_>],
        open: &[usize],
        forgotten: &HashSet<u64>,
    ) -> Result<Vec<(usize, u64)>> {
        let shards = by_shard(open.iter().map(|place| (*place, entries[*place].spot)));
        let calls: Vec<_> =
            shards.iter().map(|(shard, places)| self.register_in(*shard, places, entries, forgotten)).collect();
        // Not all at once: each holds buckets that it has read.
        let others: Vec<_> = stream::iter(calls).buffer_unordered(SHARDS_AT_ONCE).try_collect().await?;
        Ok(others.concat())
    }

    async fn register_in(
        &self,
        shard: u8,
        places: &[Place],
        entries: &[Entry<'_>],
        forgotten: &HashSet<u64>,
    ) -> Result<Vec<(usize, u64)>> {
        let mut others = Vec::new();
        for portion in places.chunks(PORTION) {
            let view = self.view(shard, portion, entries).await?;
            let step: u32 = rand::random_range(1..=u32::MAX);
            let answer = self.call_shard(shard, &REGISTER, true, |keys, buckets, call| {
                call.push_number(wanted(places.len() as u64));
                call.push_number(portion.len());
                call.push_number(step);
                view.push(call, buckets);
                call.push_number(forgotten.len());
                forgotten.iter().for_each(|chunk| call.push(bucket::mark(*chunk)));
                for group in by_bucket(portion, buckets) {
                    call.keys.push(keys.codes(group[0].1.bucket(buckets)));
                    call.push(packed(group.iter().map(|(place, _)| &entries[*place])));
                }
            });
            let answer = answer.await?;
            let (buckets, codes) = (reply::number(answer.first())?, reply::number(answer.get(1))?);
            let groups: Vec<&[Place]> = by_bucket(portion, buckets).collect();
            for other in answer.get(2..).unwrap_or_default().chunks_exact(2) {
                let group = usize::try_from(reply::number(other.first())?).ok().and_then(|group| groups.get(group));
                others.extend(foreign(group.ok_or_else(strange)?, &reply::bytes(other[1].clone())?)?);
            }
            self.grow_shard(shard, wanted(codes)).await?;
        }
        Ok(others)
    }

    /// Looks whether the buckets of some codes have any of them.
    async fn view(&self, shard: u8, places: &[Place], entries: &[Entry<'_>]) -> Result<View> {
        loop {
            let buckets = self.sizes.of(shard);
            let groups: Vec<&[Place]> = by_bucket(places, buckets).collect();
            let read = groups.iter().map(|group| group[0].1.bucket(buckets));
            let Some(reading) = self.view_buckets(shard, buckets, read).await? else { continue };
            let signs = groups.into_iter().zip(reading.buckets).map(|(group, texts)| sign(texts, group, entries));
            return Ok(View { buckets, version: reading.version, signs: signs.collect::<Result<_>>()? });
        }
    }
}

/// Whether a bucket has none of the codes of a group. One that is a part of another code is in doubt, too.
fn sign(texts: Value, group: &[Place], entries: &[Entry<'_>]) -> Result<u8> {
    let text = String::from_utf8(bucket::joined(texts)?).map_err(|_| strange())?;
    let may_have = group.iter().any(|(place, _)| text.contains(entries[*place].code));
    Ok(if may_have { DOUBTFUL } else { NEW })
}

/// Codes of one bucket as they stand in it.
fn packed<'a>(entries: impl Iterator<Item = &'a Entry<'a>>) -> Vec<u8> {
    let mut packed = Vec::new();
    for entry in entries {
        packed.extend_from_slice(entry.code.as_bytes());
        packed.extend_from_slice(&bucket::mark(entry.chunk));
    }
    packed
}

/// Reads which codes of a bucket are registered for other chunks: the mark of each, if there is one, and a comma.
fn foreign(group: &[Place], marks: &[u8]) -> Result<Vec<(usize, u64)>> {
    let marks = group.iter().zip(marks.split(|byte| *byte == b','));
    let others = marks.filter(|(_, mark)| !mark.is_empty());
    others.map(|((place, _), mark)| Ok((*place, bucket::chunk(mark)?))).collect()
}
