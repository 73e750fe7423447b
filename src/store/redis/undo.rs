//! Undoing imports.

use std::collections::HashSet;

use jiff::Timestamp;
use redis::Value;

use super::RedisStore;
use super::pool::timestamp;
use super::reply::{self, strange};
use super::stock::{Lot, Pick, Place, Walk};
use crate::error::Result;
use crate::store::refusal;
use crate::voucher::{Code, ImportId, PoolName, Undone};

/// What a pool knows of an import.
pub(super) struct Brought {
    /// When it began.
    pub(super) at: Timestamp,
    /// How many codes it has brought.
    pub(super) codes: u64,
}

impl RedisStore {
    /// `Stock::undo_import`.
    pub(super) async fn undo(&self, pool: &PoolName, import: &ImportId) -> Result<Undone> {
        // What is on its way would come in later.
        self.import_vouchers(pool, import, &[]).await?;
        let brought = self.brought_by(pool, import).await?.ok_or_else(|| refusal::no_such_import(pool, import))?;
        let mut chunks = self.chunks_of(pool).await?.origins;
        chunks.retain(|_, origin| origin.import == *import);
        let chunks: HashSet<u64> = chunks.into_keys().collect();
        let (mut voided, mut walk) = (0, Walk::new());
        while let Some(lots) = self.step(pool, &mut walk).await? {
            let picks = self.picks_of(lots, &chunks).await?;
            voided += self.withdraw(pool, &picks, Some(import)).await?.len() as u64;
        }
        Ok(Undone { voided, kept: brought.codes.saturating_sub(voided) })
    }

    /// What a pool knows of an import; nothing if it has had no such one.
    pub(super) async fn brought_by(&self, pool: &PoolName, import: &ImportId) -> Result<Option<Brought>> {
        let mut query = redis::cmd("HGET");
        query.arg(self.keys.pool(pool).imports()).arg(import.as_str());
        match self.link.query(&query).await? {
            Value::Nil => Ok(None),
            written => {
                let written = reply::text(written)?;
                let (at, codes) = written.split_once(' ').ok_or_else(strange)?;
                let number = |text: &str| text.parse().map_err(|_| strange());
                Ok(Some(Brought { at: timestamp(number(at)?)?, codes: codes.parse().map_err(|_| strange())? }))
            }
        }
    }

    /// The codes of some chunks that lie in some lots.
    async fn picks_of(&self, lots: Vec<Lot>, chunks: &HashSet<u64>) -> Result<Vec<Pick>> {
        let mut picks = Vec::with_capacity(lots.len());
        for lot in lots {
            picks.push(Pick { codes: lot.codes()?, lot });
        }
        // The first code speaks for its blob.
        let first: Vec<Code> = picks.iter().filter_map(|pick| pick.codes.first().cloned()).collect();
        let mut found = self.registered(&first).await?.into_iter();
        picks.retain(|pick| {
            !pick.codes.is_empty() && found.next().flatten().is_some_and(|chunk| chunks.contains(&chunk))
        });
        debug_assert!(picks.iter().all(|pick| pick.lot.place == Place::Shelf || pick.codes.len() == 1));
        Ok(picks)
    }
}
