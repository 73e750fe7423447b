//! Registering codes.
//!
//! Buckets are read outside of any script, where that is cheap, and their codes are compared here. What is decided is decided
//! by the script: it takes our word that a bucket has none of the codes only if nothing has changed in the shard since, and
//! looks by itself otherwise.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use redis::Value;
use tokio::task::{JoinError, JoinSet};

use super::RedisStore;
use super::address::Spot;
use super::bucket;
use super::chunk::Origin;
use super::registry::{PORTION, Place, by_bucket, by_shard, wanted};
use super::reply::{self, strange};
use super::script::{Call, REGISTER};
use crate::error::{Error, ErrorKind, Result};

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

/// Codes of one shard that are to be registered.
struct Batch {
    shard: u8,
    places: Vec<Place>,
    /// The codes in the order of their places, as they will stand in their buckets.
    packed: Vec<u8>,
    /// Where each begins in it, and where the last one ends.
    bounds: Vec<usize>,
}

impl Batch {
    fn new(shard: u8, places: Vec<Place>, entries: &[Entry<'_>]) -> Batch {
        let (mut packed, mut bounds) = (Vec::with_capacity(16 * places.len()), Vec::with_capacity(1 + places.len()));
        let (mut chunk, mut mark) = (0, bucket::mark(0));
        for (place, _) in &places {
            let entry = &entries[*place];
            if entry.chunk != chunk {
                (chunk, mark) = (entry.chunk, bucket::mark(entry.chunk));
            }
            bounds.push(packed.len());
            packed.extend_from_slice(entry.code.as_bytes());
            packed.extend_from_slice(&mark);
        }
        bounds.push(packed.len());
        Batch { shard, places, packed, bounds }
    }

    /// What each call registers.
    fn portions(&self) -> impl Iterator<Item = Portion<'_>> {
        let bounds = (0..).step_by(PORTION).map(|first| &self.bounds[first..]);
        let portions = self.places.chunks(PORTION).zip(bounds);
        portions.map(|(places, bounds)| Portion { places, packed: &self.packed, bounds })
    }
}

/// A part of a batch that one call registers.
struct Portion<'a> {
    places: &'a [Place],
    packed: &'a [u8],
    bounds: &'a [usize],
}

impl<'a> Portion<'a> {
    /// The codes of each bucket in a space of `buckets`: which one it is, and how they will stand there.
    fn by_bucket(&self, buckets: u64) -> impl Iterator<Item = (u64, &'a [u8])> {
        let (packed, bounds, mut next) = (self.packed, self.bounds, 0);
        by_bucket(self.places, buckets).map(move |group| {
            let first = next;
            next += group.len();
            (group[0].1.bucket(buckets), &packed[bounds[first]..bounds[next]])
        })
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
        let (mut origins, mut forgotten) = (HashMap::new(), Arc::new(HashSet::new()));
        while !open.is_empty() {
            for (place, chunk) in self.register_once(entries, &open, &forgotten).await? {
                chunks[place] = chunk;
            }
            let is_foreign = |place: &usize| chunks[*place] != entries[*place].chunk;
            let others: HashSet<u64> =
                open.iter().filter(|place| is_foreign(place)).map(|place| chunks[*place]).collect();
            let unknown: Vec<u64> = others.into_iter().filter(|chunk| !origins.contains_key(chunk)).collect();
            let known = self.origins(&unknown).await?;
            Arc::make_mut(&mut forgotten).extend(unknown.into_iter().filter(|chunk| !known.contains_key(chunk)));
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
        forgotten: &Arc<HashSet<u64>>,
    ) -> Result<Vec<(usize, u64)>> {
        // Tasks, so that codes are compared on any core while the server reads and writes. They end with this call.
        let (mut tasks, mut others) = (JoinSet::new(), Vec::new());
        for (shard, places) in by_shard(open.iter().map(|place| (*place, entries[*place].spot))) {
            // Not all at once: each holds buckets that it has read.
            if tasks.len() == SHARDS_AT_ONCE
                && let Some(ended) = tasks.join_next().await
            {
                others.extend(joined(ended)?);
            }
            let (store, batch) = (self.clone(), Batch::new(shard, places, entries));
            let forgotten = Arc::clone(forgotten);
            tasks.spawn(async move { store.register_batch(&batch, &forgotten).await });
        }
        while let Some(ended) = tasks.join_next().await {
            others.extend(joined(ended)?);
        }
        Ok(others)
    }

    async fn register_batch(&self, batch: &Batch, forgotten: &HashSet<u64>) -> Result<Vec<(usize, u64)>> {
        let mut others = Vec::new();
        for portion in batch.portions() {
            let view = self.view(batch.shard, &portion).await?;
            let step: u32 = rand::random_range(1..=u32::MAX);
            let answer = self.call_shard(batch.shard, &REGISTER, true, |keys, buckets, call| {
                call.push_number(wanted(batch.places.len() as u64));
                call.push_number(portion.places.len());
                call.push_number(step);
                view.push(call, buckets);
                call.push_number(forgotten.len());
                forgotten.iter().for_each(|chunk| call.push(bucket::mark(*chunk)));
                for (bucket, packed) in portion.by_bucket(buckets) {
                    call.keys.push(keys.codes(bucket));
                    call.push(packed);
                }
            });
            let answer = answer.await?;
            let (buckets, codes) = (reply::number(answer.first())?, reply::number(answer.get(1))?);
            let groups: Vec<&[Place]> = by_bucket(portion.places, buckets).collect();
            for other in answer.get(2..).unwrap_or_default().chunks_exact(2) {
                let group = usize::try_from(reply::number(other.first())?).ok().and_then(|group| groups.get(group));
                others.extend(foreign(group.ok_or_else(strange)?, &reply::bytes(other[1].clone())?)?);
            }
            self.grow_shard(batch.shard, wanted(codes)).await?;
        }
        Ok(others)
    }

    /// Looks whether the buckets of some codes have any of them.
    async fn view(&self, shard: u8, portion: &Portion<'_>) -> Result<View> {
        loop {
            let buckets = self.sizes.of(shard);
            let read = portion.by_bucket(buckets).map(|(bucket, _)| bucket);
            let Some(reading) = self.view_buckets(shard, buckets, read).await? else { continue };
            let signs = portion.by_bucket(buckets).zip(reading.buckets).map(|((_, packed), texts)| sign(texts, packed));
            return Ok(View { buckets, version: reading.version, signs: signs.collect::<Result<_>>()? });
        }
    }
}

fn joined<T>(ended: Result<Result<T>, JoinError>) -> Result<T> {
    ended.map_err(|error| Error::new(ErrorKind::Io, "an import ended unexpectedly").with_source(error))?
}

/// Whether a bucket has none of the codes. One that is a part of another code is in doubt, too.
fn sign(texts: Value, packed: &[u8]) -> Result<u8> {
    let text = String::from_utf8(bucket::joined(texts)?).map_err(|_| strange())?;
    for entry in bucket::codes(packed) {
        if text.contains(entry?.0) {
            return Ok(DOUBTFUL);
        }
    }
    Ok(NEW)
}

/// Reads which codes of a bucket are registered for other chunks: the mark of each, if there is one, and a comma.
fn foreign(group: &[Place], marks: &[u8]) -> Result<Vec<(usize, u64)>> {
    let marks = group.iter().zip(marks.split(|byte| *byte == b','));
    let others = marks.filter(|(_, mark)| !mark.is_empty());
    others.map(|((place, _), mark)| Ok((*place, bucket::chunk(mark)?))).collect()
}
