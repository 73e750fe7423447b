//! Chunks: codes that came into a pool together and end together. The registry names the chunk of a code, and so its pool.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use redis::Value;

use super::RedisStore;
use super::pool::timestamp;
use super::reply::{self, strange};
use super::script::{Call, FORGET_CHUNKS, NUMBER_CHUNKS};
use crate::error::Result;
use crate::voucher::{ImportId, PoolName};

/// How many chunks one call speaks of.
const PORTION: usize = 500;

/// Where the codes of a chunk belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The pool that they came in by.
    pub(super) pool: PoolName,
    /// When they end; the pool may end earlier.
    pub(super) expires_at: Option<Timestamp>,
    /// The import that brought them.
    pub(super) import: ImportId,
}

impl Origin {
    fn read(entry: &str) -> Result<Origin> {
        let mut parts = entry.split('\n');
        let mut part = || parts.next().ok_or_else(strange);
        let pool = PoolName::new(part()?).map_err(|_| strange())?;
        let expires_at = match part()? {
            "" => None,
            ends => Some(timestamp(ends.parse().map_err(|_| strange())?)?),
        };
        Ok(Origin { pool, expires_at, import: ImportId::new(part()?).map_err(|_| strange())? })
    }
}

/// When the codes of a chunk end in milliseconds, as scripts and keys have it.
pub(super) fn written_end(expires_at: Option<Timestamp>) -> String {
    expires_at.map(|end| end.as_millisecond().to_string()).unwrap_or_default()
}

/// The chunks of one pool.
pub(super) struct PoolChunks {
    /// Each of them.
    pub(super) origins: BTreeMap<u64, Origin>,
    /// Ranges of numbers that hold all of them, and besides them only numbers that no pool has.
    pub(super) ranges: Vec<(u64, u64)>,
}

impl RedisStore {
    /// Gives chunks of `pool` that an import brings, and that end at these times, their numbers.
    pub(super) async fn number_chunks(
        &self,
        pool: &PoolName,
        import: &ImportId,
        ends: &[Option<Timestamp>],
    ) -> Result<Vec<u64>> {
        let mut numbers = Vec::with_capacity(ends.len());
        for ends in ends.chunks(PORTION) {
            let mut call = Call::new(&NUMBER_CHUNKS, vec![self.keys.chunks(), self.keys.numbers()]).kept();
            call.push(pool.as_str());
            call.push(import.as_str());
            ends.iter().for_each(|ends| call.push(written_end(*ends)));
            let (_, rest) = reply::status(self.link.run(&call).await?)?;
            let last = reply::number(rest.first())?;
            numbers.extend(last + 1 - ends.len() as u64..=last);
        }
        Ok(numbers)
    }

    /// Forgets chunks. Codes that are registered for them can be registered for others.
    pub(super) async fn forget_chunks(&self, numbers: &[u64]) -> Result<()> {
        for numbers in numbers.chunks(PORTION) {
            let mut call = Call::new(&FORGET_CHUNKS, vec![self.keys.chunks()]).kept();
            numbers.iter().for_each(|number| call.push_number(number));
            self.link.run(&call).await?;
        }
        Ok(())
    }

    /// Where the codes of these chunks belong. A chunk that is missing from the answer is forgotten.
    pub(super) async fn origins(&self, numbers: &[u64]) -> Result<HashMap<u64, Origin>> {
        let mut origins = HashMap::new();
        for numbers in numbers.chunks(PORTION) {
            let mut query = redis::cmd("HMGET");
            query.arg(self.keys.chunks()).arg(numbers);
            let entries = reply::list(self.link.query(&query).await?)?;
            for (number, entry) in numbers.iter().zip(entries) {
                if entry != Value::Nil {
                    origins.insert(*number, Origin::read(&reply::text(entry)?)?);
                }
            }
        }
        Ok(origins)
    }

    /// All chunks of a pool.
    pub(super) async fn chunks_of(&self, pool: &PoolName) -> Result<PoolChunks> {
        let mut query = redis::cmd("HGETALL");
        query.arg(self.keys.chunks());
        let mut all = BTreeMap::new();
        for entry in reply::list(self.link.query(&query).await?)?.chunks_exact(2) {
            all.insert(reply::number(entry.first())?, Origin::read(&reply::text(entry[1].clone())?)?);
        }
        let (mut ranges, mut is_open): (Vec<(u64, u64)>, bool) = (Vec::new(), false);
        for (number, origin) in &all {
            let is_own = origin.pool == *pool;
            match ranges.last_mut() {
                Some(range) if is_own && is_open => range.1 = *number,
                _ if is_own => ranges.push((*number, *number)),
                _ => {}
            }
            is_open = is_own;
        }
        all.retain(|_, origin| origin.pool == *pool);
        Ok(PoolChunks { origins: all, ranges })
    }
}
