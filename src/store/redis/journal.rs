//! The journal: a stream for each pool, and beside it whom its entries name.

use std::collections::HashMap;

use jiff::Timestamp;
use redis::Value;

use super::RedisStore;
use super::pool::timestamp;
use super::reply::{self, strange};
use super::script::TRIM;
use crate::error::{Error, ErrorKind, Result};
use crate::store::refusal;
use crate::voucher::{
    Change, Code, CustomerId, EventId, ImportId, JournalEntry, JournalPosition, JournalSize, MessageId, PoolName,
};

/// How many entries are read at once: each may have as many codes as one call assigns.
pub(super) const PORTION: usize = 100;

const CHANGES: [Change; 6] =
    [Change::Imported, Change::Assigned, Change::Released, Change::Redeemed, Change::RolledBack, Change::Voided];

/// Whom an entry names.
#[derive(Default)]
struct Named {
    customer: Option<CustomerId>,
    message: Option<MessageId>,
    event: Option<EventId>,
}

impl Named {
    /// Reads the lines behind an entry's id.
    fn read<'a>(mut lines: impl Iterator<Item = &'a str>) -> Result<Named> {
        let mut next = || lines.next().map(|line| Some(line).filter(|line| !line.is_empty())).ok_or_else(strange);
        Ok(Named {
            customer: next()?.map(CustomerId::new).transpose().map_err(|_| strange())?,
            message: next()?.map(MessageId::new).transpose().map_err(|_| strange())?,
            event: next()?.map(EventId::new).transpose().map_err(|_| strange())?,
        })
    }
}

impl RedisStore {
    /// `Journal::journal`.
    pub(super) async fn entries_behind(
        &self,
        pool: &PoolName,
        after: Option<&JournalPosition>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        self.check_pool(pool).await?;
        let mut after = after.map(checked).transpose()?;
        let mut entries: Vec<JournalEntry> = Vec::new();
        while entries.len() < limit {
            let page = self.journal_page(pool, after.as_ref(), PORTION.min(limit - entries.len())).await?;
            if page.is_empty() {
                break;
            }
            after = page.last().map(|entry| entry.position.clone());
            entries.extend(page);
        }
        Ok(entries)
    }

    /// The next few entries; none at the end.
    pub(super) async fn journal_page(
        &self,
        pool: &PoolName,
        after: Option<&JournalPosition>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        let mut query = redis::cmd("XRANGE");
        query.arg(self.keys.pool(pool).journal());
        query.arg(after.map_or_else(|| "-".to_owned(), |JournalPosition(id)| format!("({id}")));
        query.arg("+").arg("COUNT").arg(limit);
        let read = reply::list(self.link.query(&query).await?)?.into_iter();
        let mut entries = read.map(|entry| read_entry(pool, entry)).collect::<Result<Vec<_>>>()?;
        self.name(pool, &mut entries).await?;
        Ok(entries)
    }

    /// Adds whom entries name.
    async fn name(&self, pool: &PoolName, entries: &mut [JournalEntry]) -> Result<()> {
        let is_named =
            |entry: &&JournalEntry| matches!(entry.change, Change::Released | Change::Redeemed | Change::RolledBack);
        let mut named = entries.iter().filter(is_named);
        let Some(first) = named.next() else { return Ok(()) };
        let last = named.next_back().unwrap_or(first);
        let mut query = redis::cmd("ZRANGEBYSCORE");
        query.arg(self.keys.pool(pool).names()).arg(time(&first.position)).arg(time(&last.position));
        let mut names = HashMap::new();
        for line in reply::list(self.link.query(&query).await?)? {
            let line = reply::text(line)?;
            let mut lines = line.split('\n');
            let id = lines.next().ok_or_else(strange)?.to_owned();
            names.insert(JournalPosition(id), Named::read(lines)?);
        }
        for entry in entries {
            let Named { customer, message, event } = names.remove(&entry.position).unwrap_or_default();
            (entry.customer_id, entry.message_id, entry.event_id) = (customer, message, event);
        }
        Ok(())
    }

    /// `Journal::given_since`.
    pub(super) async fn given(&self, pool: &PoolName, since: Timestamp) -> Result<u64> {
        self.check_pool(pool).await?;
        // An id begins with its moment: behind the last one before.
        let mut after = JournalPosition(format!("{}-{}", since.as_millisecond().max(1) - 1, u64::MAX));
        let (mut given, mut returned) = (0, 0);
        loop {
            let page = self.journal_page(pool, Some(&after), PORTION).await?;
            let Some(last) = page.last() else { return Ok(u64::saturating_sub(given, returned)) };
            after = last.position.clone();
            for JournalEntry { change, count, .. } in &page {
                match change {
                    Change::Assigned => given += count,
                    Change::Released => returned += count,
                    _ => {}
                }
            }
        }
    }

    /// `Journal::trim_journal`.
    pub(super) async fn trim(&self, pool: &PoolName, before: Timestamp) -> Result<u64> {
        let trimmed = self.call_pool(pool, &TRIM, true, |space, call| {
            call.keys.push(space.keys.names());
            call.push_number(before.as_millisecond().max(0));
        });
        reply::number(trimmed.await?.ok_or_else(|| refusal::no_such_pool(pool))?.first())
    }

    /// `Journal::journal_size`.
    pub(super) async fn size_of_journal(&self, pool: &PoolName) -> Result<JournalSize> {
        self.check_pool(pool).await?;
        let journal = self.keys.pool(pool).journal();
        let mut commands = redis::Pipeline::new();
        commands.cmd("XLEN").arg(&journal);
        commands.cmd("XRANGE").arg(&journal).arg("-").arg("+").arg("COUNT").arg(1);
        let [entries, first] = self.link.query_all(&commands).await?.try_into().map_err(|_| strange())?;
        let first = reply::list(first)?.into_iter().next().map(|entry| read_entry(pool, entry)).transpose()?;
        Ok(JournalSize { entries: reply::number(Some(&entries))?, oldest: first.map(|entry| entry.at) })
    }

    async fn check_pool(&self, pool: &PoolName) -> Result<()> {
        self.status_of(pool).await?.map(drop).ok_or_else(|| refusal::no_such_pool(pool))
    }
}

/// Reads an entry of the stream: its id, and its fields with their values, of which the first says what happened to which codes.
fn read_entry(pool: &PoolName, entry: Value) -> Result<JournalEntry> {
    let [id, fields] = reply::list(entry)?.try_into().map_err(|_| strange())?;
    let position = JournalPosition(reply::text(id)?);
    let fields = reply::list(fields)?.into_iter().map(reply::text).collect::<Result<Vec<_>>>()?;
    let [change, codes, more @ ..] = fields.as_slice() else { return Err(strange()) };
    let codes = codes.lines().map(Code::new).collect::<Result<Vec<_>>>().map_err(|_| strange())?;
    let value = |name: &str| more.chunks_exact(2).find(|pair| pair[0] == name).map(|pair| pair[1].as_str());
    let count = value("count").map(|count| count.parse().map_err(|_| strange())).transpose()?;
    Ok(JournalEntry {
        at: timestamp(time(&position))?,
        position,
        pool: pool.clone(),
        change: CHANGES.into_iter().find(|known| known.as_str() == change).ok_or_else(strange)?,
        count: count.unwrap_or(codes.len() as u64),
        codes,
        message_id: None,
        customer_id: None,
        event_id: None,
        import_id: value("import").map(ImportId::new).transpose().map_err(|_| strange())?,
        flagged: value("flagged").is_some(),
    })
}

/// When the entry before a position was written, in ms; a position is an id of the stream.
fn time(JournalPosition(id): &JournalPosition) -> i64 {
    id.split_once('-').and_then(|(time, _)| time.parse().ok()).unwrap_or_default()
}

fn checked(position: &JournalPosition) -> Result<JournalPosition> {
    let is_number = |text: &str| text.parse::<u64>().is_ok_and(|number| number.to_string() == text);
    match position.0.split_once('-') {
        Some((time, number)) if is_number(time) && is_number(number) => Ok(position.clone()),
        _ => Err(Error::new(ErrorKind::InvalidInput, "that is no position in the journal of this store")
            .with_help("start again without a position, or go on behind one that this store gave")),
    }
}
