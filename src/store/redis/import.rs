//! Importing codes.
//!
//! A pool and the registry lie under different hash tags, so an import goes in steps, each of which can be repeated: its
//! chunks are written down as pending under the pool, then registered, and what the registry gave to them is added to the
//! stock in the step that ends their being pending. Whatever is interrupted, the next import finishes first.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::try_join_all;
use jiff::Timestamp;
use rand::RngExt;

use super::RedisStore;
use super::address::{Hash, LOAD, Spot};
use super::chunk::{Origin, written_end};
use super::register::Entry;
use super::reply::{self, strange};
use super::script::{ADD, DESCRIBE, OPEN_IMPORT, PEND};
use super::shelf::blobs;
use crate::error::Result;
use crate::store::refusal;
use crate::voucher::{ImportId, Imported, NewVoucher, PoolName};

/// How many codes a chunk holds at most.
const CODES: usize = 40_000;

/// How long a chunk is at most, in bytes, but for its last line.
const BYTES: usize = 512 * 1024;

/// How many vouchers are best imported at once: the more, the more of them fall into one bucket of the registry.
pub(super) const PORTION: usize = 150_000;

/// How many blobs, or chunks with few codes, one call adds.
const ADDED_AT_ONCE: usize = 930;

/// How many codes are described in one call.
const DESCRIBED_AT_ONCE: usize = 450;

/// Codes on their way into a pool that end together, before they have a number.
struct Draft {
    ends: Option<Timestamp>,
    /// Their places among the vouchers of the import.
    places: Vec<usize>,
    /// A line for each: the code, and its metadata behind a tab.
    text: String,
}

/// Codes on their way into a pool: a draft with its number.
struct Chunk {
    number: u64,
    ends: Option<Timestamp>,
    import: ImportId,
    text: String,
}

impl Chunk {
    /// The codes and their metadata.
    fn lines(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.text.lines().map(|line| line.split_once('\t').map_or((line, None), |(code, json)| (code, Some(json))))
    }
}

/// Whom the registry gave the codes of some chunks: the chunk of each code, in order.
struct Registered {
    chunks: Vec<u64>,
    origins: HashMap<u64, Origin>,
}

/// What one call adds of a chunk.
struct Addition {
    number: u64,
    ends: Option<Timestamp>,
    import: ImportId,
    codes: usize,
    blobs: Vec<Vec<u8>>,
}

impl RedisStore {
    /// `Stock::import_as`. Without vouchers it finishes what earlier imports left.
    pub(super) async fn import_vouchers(
        &self,
        pool: &PoolName,
        import: &ImportId,
        vouchers: &[NewVoucher],
    ) -> Result<Vec<Imported>> {
        loop {
            let mark = format!("{:016x}", rand::rng().random::<u64>());
            let (number, pending) = self.open_import(pool, &mark).await?;
            // One by one: two of them may have the same code.
            for number in pending {
                let chunks = self.pending_chunks(pool, &[number]).await?;
                self.complete(pool, &chunks, "").await?;
            }
            if vouchers.is_empty() {
                return Ok(Vec::new());
            }
            let (places, chunks) = self.number_drafts(pool, import, drafts(vouchers)?).await?;
            if self.pend(pool, &mark, number, &chunks).await? {
                let registered = self.complete(pool, &chunks, &mark).await?;
                return Ok(answers(pool, vouchers, &places, &chunks, &registered));
            }
            // The pool was removed and made again meanwhile.
            self.forget_chunks(&chunks.iter().map(|chunk| chunk.number).collect::<Vec<_>>()).await?;
        }
    }

    /// Begins an import: the number of the pool, and the chunks that are pending.
    async fn open_import(&self, pool: &PoolName, mark: &str) -> Result<(u64, Vec<u64>)> {
        let opened = self.call_pool(pool, &OPEN_IMPORT, true, |_, call| call.push(mark)).await?;
        let [number, pending] = opened.ok_or_else(|| refusal::no_such_pool(pool))?.try_into().map_err(|_| strange())?;
        let pending = reply::list(pending)?.iter().map(|chunk| reply::number(Some(chunk))).collect::<Result<_>>()?;
        Ok((reply::number(Some(&number))?, pending))
    }

    /// Chunks that an earlier import left. One that is finished meanwhile is left out.
    async fn pending_chunks(&self, pool: &PoolName, numbers: &[u64]) -> Result<Vec<Chunk>> {
        let mut query = redis::cmd("HMGET");
        query.arg(self.keys.pool(pool).pending()).arg(numbers);
        let texts = reply::list(self.link.query(&query).await?)?;
        let mut origins = self.origins(numbers).await?;
        let mut chunks = Vec::new();
        for (number, text) in numbers.iter().zip(texts) {
            if let (Some(text), Some(origin)) = (reply::optional_bytes(text)?, origins.remove(number)) {
                let text = String::from_utf8(text).map_err(|_| strange())?;
                chunks.push(Chunk { number: *number, ends: origin.expires_at, import: origin.import, text });
            }
        }
        Ok(chunks)
    }

    async fn number_drafts(
        &self,
        pool: &PoolName,
        import: &ImportId,
        drafts: Vec<Draft>,
    ) -> Result<(Vec<Vec<usize>>, Vec<Chunk>)> {
        let ends: Vec<_> = drafts.iter().map(|draft| draft.ends).collect();
        let numbers = self.number_chunks(pool, import, &ends).await?;
        let numbered = numbers.into_iter().zip(drafts).map(|(number, Draft { ends, places, text })| {
            (places, Chunk { number, ends, import: import.clone(), text })
        });
        Ok(numbered.unzip())
    }

    /// Writes chunks down as pending, if the pool is still the one of that number.
    async fn pend(&self, pool: &PoolName, mark: &str, pool_number: u64, chunks: &[Chunk]) -> Result<bool> {
        for portion in portions(chunks, |chunk| 1 + chunk.text.len() / (BYTES / 16), 450) {
            let written = self.call_pool(pool, &PEND, true, |_, call| {
                call.push(mark);
                call.push_number(pool_number);
                for chunk in portion {
                    call.push_number(chunk.number);
                    call.push(chunk.text.as_str());
                }
            });
            let written = written.await?.ok_or_else(|| refusal::no_such_pool(pool))?;
            if reply::number(written.first())? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Registers the codes of pending chunks and adds those that are theirs; closes the import of that mark.
    async fn complete(&self, pool: &PoolName, chunks: &[Chunk], mark: &str) -> Result<Registered> {
        let entries: Vec<Entry<'_>> =
            chunks.iter().flat_map(|chunk| chunk.lines().map(|(code, _)| Entry::new(code, chunk.number))).collect();
        let (owners, origins) = self.register(&entries).await?;
        let mut additions = Vec::with_capacity(chunks.len());
        let mut rest = owners.as_slice();
        for chunk in chunks {
            let own: Vec<_> = chunk.lines().zip(rest).filter(|(_, owner)| **owner == chunk.number).collect();
            rest = &rest[chunk.lines().count()..];
            let described = own.iter().filter_map(|((code, json), _)| Some((*code, (*json)?))).collect::<Vec<_>>();
            self.describe(pool, chunk.number, &described).await?;
            let blobs = blobs(own.iter().map(|((code, _), _)| *code));
            let Chunk { number, ends, ref import, .. } = *chunk;
            additions.push(Addition { number, ends, import: import.clone(), codes: own.len(), blobs });
        }
        self.add(pool, &additions, mark).await?;
        Ok(Registered { chunks: owners, origins })
    }

    /// Writes the metadata of codes that are about to be added.
    async fn describe(&self, pool: &PoolName, chunk: u64, described: &[(&str, &str)]) -> Result<()> {
        let calls = described.chunks(DESCRIBED_AT_ONCE).map(|described| {
            self.call_pool(pool, &DESCRIBE, true, move |_, call| {
                call.push_number(chunk);
                for (code, json) in described {
                    call.push(*code);
                    call.push(*json);
                }
            })
        });
        try_join_all(calls).await.map(drop)
    }

    async fn add(&self, pool: &PoolName, additions: &[Addition], mark: &str) -> Result<()> {
        let portions = portions(additions, |addition| 1 + addition.blobs.len(), ADDED_AT_ONCE);
        let last = portions.len() - 1;
        for (n, portion) in portions.into_iter().enumerate() {
            self.add_portion(pool, portion, if n == last { mark } else { "" }).await?;
        }
        Ok(())
    }

    async fn add_portion(&self, pool: &PoolName, additions: &[Addition], mark: &str) -> Result<()> {
        let added = self.call_pool(pool, &ADD, true, |space, call| {
            call.keys.push(space.keys.imports());
            call.push(mark);
            call.push_number(LOAD);
            for Addition { number, ends, import, codes, blobs } in additions {
                call.push_number(number);
                call.push(written_end(*ends));
                call.push(import.as_str());
                call.push_number(codes);
                call.push_number(blobs.len());
                blobs.iter().for_each(|blob| call.push(blob.as_slice()));
            }
        });
        let added = added.await?.ok_or_else(|| refusal::no_such_pool(pool))?;
        let (head, done) = added.split_at_checked(3).ok_or_else(strange)?;
        let (total, buckets) = (reply::number(head.first())?, reply::number(head.get(2))?);
        self.buckets.note(pool, buckets);
        let mut empty = Vec::new();
        for (addition, done) in additions.iter().zip(done) {
            if addition.codes == 0 && reply::number(Some(done))? == 1 {
                empty.push(addition.number);
            }
        }
        self.forget_chunks(&empty).await?;
        self.grow(pool, total / LOAD).await
    }
}

/// Parts of a list of at most so much, by what each thing counts; one part at least.
fn portions<T>(things: &[T], size: impl Fn(&T) -> usize, most: usize) -> Vec<&[T]> {
    let (mut portions, mut start, mut sum) = (Vec::new(), 0, 0);
    for (n, thing) in things.iter().enumerate() {
        let size = size(thing);
        if n > start && sum + size > most {
            portions.push(&things[start..n]);
            (start, sum) = (n, 0);
        }
        sum += size;
    }
    portions.push(&things[start..]);
    portions
}

/// The vouchers as chunks: each code once, those that end together in the order of the buckets that will know whose they are.
/// So what a blob gives out is written together. Nobody can tell that order who does not know the codes, and the blobs are
/// shuffled, themselves and what is in them.
fn drafts(vouchers: &[NewVoucher]) -> Result<Vec<Draft>> {
    let mut by_end: BTreeMap<Option<i64>, Vec<usize>> = BTreeMap::new();
    for place in first_places(vouchers) {
        by_end.entry(vouchers[place].expires_at.map(Timestamp::as_millisecond)).or_default().push(place);
    }
    let mut drafts: Vec<Draft> = Vec::new();
    for mut places in by_end.into_values() {
        places.sort_by_cached_key(|place| Hash::of_code(&vouchers[*place].code).order());
        let ends = vouchers[places[0]].expires_at;
        let mut draft = Draft { ends, places: Vec::new(), text: String::new() };
        for place in places {
            if draft.places.len() == CODES || draft.text.len() >= BYTES {
                drafts.push(std::mem::replace(&mut draft, Draft { ends, places: Vec::new(), text: String::new() }));
            }
            draft.places.push(place);
            write_line(&mut draft.text, &vouchers[place])?;
        }
        drafts.push(draft);
    }
    Ok(drafts)
}

/// Where each code stands first.
fn first_places(vouchers: &[NewVoucher]) -> Vec<usize> {
    let code = |place: usize| vouchers[place].code.as_str();
    let mut places: Vec<_> = (0..vouchers.len()).map(|place| (Spot::of(code(place)), place)).collect();
    places.sort_unstable();
    let is_new = |earlier: &[(Spot, usize)], place: usize| earlier.iter().all(|(_, other)| code(*other) != code(place));
    let alike = places.chunk_by(|(one, _), (other, _)| one == other);
    alike
        .flat_map(|alike| (0..alike.len()).map(|n| (&alike[..n], alike[n].1)))
        .filter_map(|(earlier, place)| is_new(earlier, place).then_some(place))
        .collect()
}

/// Adds the line of a voucher: the code, and its metadata behind a tab.
fn write_line(text: &mut String, voucher: &NewVoucher) -> Result<()> {
    text.push_str(voucher.code.as_str());
    if !voucher.metadata.is_empty() {
        text.push('\t');
        text.push_str(&serde_json::to_string(&voucher.metadata).map_err(|error| strange().with_source(error))?);
    }
    text.push('\n');
    Ok(())
}

/// What became of each voucher.
fn answers(
    pool: &PoolName,
    vouchers: &[NewVoucher],
    places: &[Vec<usize>],
    chunks: &[Chunk],
    registered: &Registered,
) -> Vec<Imported> {
    let own = chunks.iter().zip(places).flat_map(|(chunk, places)| places.iter().map(|place| (*place, chunk.number)));
    let mut first: HashMap<&str, Imported> = HashMap::new();
    let mut answers = vec![None; vouchers.len()];
    for ((place, chunk), owner) in own.zip(&registered.chunks) {
        let answer = match registered.origins.get(owner) {
            _ if *owner == chunk => Imported::Added,
            Some(origin) if origin.pool != *pool => Imported::InOtherPool(origin.pool.clone()),
            _ => Imported::AlreadyInPool,
        };
        if answer != Imported::Added {
            first.insert(vouchers[place].code.as_str(), answer.clone());
        }
        answers[place] = Some(answer);
    }
    let again = |code| first.get(code).cloned().unwrap_or(Imported::AlreadyInPool);
    let answers = answers.into_iter().zip(vouchers);
    answers.map(|(answer, voucher)| answer.unwrap_or_else(|| again(voucher.code.as_str()))).collect()
}
