//! Deleting a pool.
//!
//! A mark in the pool's header makes it vanish for all other scripts; then everything goes, piece by piece, and the header
//! last. Interrupted anywhere, deleting again goes on.

use redis::Value;

use super::RedisStore;
use super::keys::PoolKeys;
use super::reply::{self, strange};
use super::script::{CLOSE_POOL, Call, REMOVE_KEYS, REOPEN_POOL, UNLIST_POOL};
use crate::error::{Error, Result};
use crate::store::refusal;
use crate::voucher::PoolName;

/// How many keys one call removes.
const PORTION: usize = 500;

/// The header of a pool that is to be deleted.
struct Header {
    number: u64,
    buckets: u64,
    is_closed: bool,
}

impl RedisStore {
    /// `Stock::delete_pool`.
    pub(super) async fn remove_pool(&self, name: &PoolName, archived: bool) -> Result<()> {
        let mut header = self.header(name).await?.ok_or_else(|| refusal::no_such_pool(name))?;
        if !header.is_closed {
            self.close_pool(name, archived).await?;
            // Nothing splits the pool's buckets from here on.
            header = self.header(name).await?.ok_or_else(|| refusal::no_such_pool(name))?;
        }
        let chunks = self.chunks_of(name).await?;
        self.unregister(&chunks).await?;
        let keys = self.keys.pool(name);
        self.remove_keys(&keys, header.number, contents(&keys, header.buckets)).await?;
        self.forget_chunks(&chunks.origins.into_keys().collect::<Vec<_>>()).await?;
        let mut unlist = Call::new(&UNLIST_POOL, vec![self.keys.pools()]).kept();
        unlist.push(name.as_str());
        unlist.push_number(header.number);
        self.link.run(&unlist).await?;
        self.remove_keys(&keys, header.number, std::iter::once(keys.pool())).await
    }

    async fn header(&self, name: &PoolName) -> Result<Option<Header>> {
        let mut query = redis::cmd("HMGET");
        query.arg(self.keys.pool(name).pool()).arg(&["number", "buckets", "deleting"]);
        let [number, buckets, deleting] =
            reply::list(self.link.query(&query).await?)?.try_into().map_err(|_| strange())?;
        if number == Value::Nil {
            return Ok(None);
        }
        let buckets = if buckets == Value::Nil { 1 } else { reply::number(Some(&buckets))? };
        Ok(Some(Header { number: reply::number(Some(&number))?, buckets, is_closed: deleting != Value::Nil }))
    }

    /// Marks a pool as one that is being removed, unless it is in use.
    async fn close_pool(&self, name: &PoolName, archived: bool) -> Result<()> {
        self.check_no_overflow(name).await?;
        let closed = self.call_pool(name, &CLOSE_POOL, true, |_, call| call.push(if archived { "1" } else { "0" }));
        // Closed already: the answer of the first call was lost.
        let Some(closed) = closed.await? else { return Ok(()) };
        match reply::text(closed.into_iter().next().ok_or_else(strange)?)?.as_str() {
            "closed" => {}
            "reserved" => return Err(refusal::is_reserved(name)),
            "assigned" => return Err(refusal::is_assigned(name)),
            _ => return Err(strange()),
        }
        // A pool may have been told to overflow into this one while it was being closed.
        match self.check_no_overflow(name).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.reopen(name, error).await?),
        }
    }

    async fn check_no_overflow(&self, name: &PoolName) -> Result<()> {
        let pools = self.all_pools().await?;
        match pools.iter().any(|pool| pool.settings.overflow.as_ref() == Some(name)) {
            true => Err(refusal::is_overflow(name)),
            false => Ok(()),
        }
    }

    /// Takes the mark off again; gives back why.
    async fn reopen(&self, name: &PoolName, error: Error) -> Result<Error> {
        if let Some(header) = self.header(name).await? {
            let mut call = Call::new(&REOPEN_POOL, vec![self.keys.pool(name).pool()]).kept();
            call.push_number(header.number);
            self.link.run(&call).await?;
        }
        Ok(error)
    }

    async fn remove_keys(&self, keys: &PoolKeys, number: u64, names: impl Iterator<Item = String>) -> Result<()> {
        let mut names = names.peekable();
        while names.peek().is_some() {
            let mut call = Call::new(&REMOVE_KEYS, vec![keys.pool()]).kept();
            call.keys.extend(names.by_ref().take(PORTION));
            call.push_number(number);
            self.link.run(&call).await?;
        }
        Ok(())
    }
}

/// All keys of a pool but its header.
fn contents(keys: &PoolKeys, buckets: u64) -> impl Iterator<Item = String> {
    let header = keys.pool();
    let fixed = keys.fixed().into_iter().filter(move |key| *key != header);
    fixed
        .chain(std::iter::once(keys.names()))
        .chain((0..buckets).flat_map(|bucket| [keys.keys(bucket), keys.codes(bucket)]))
}
