//! What happened, as rows: writing them with the step that they tell of, reading and trimming them.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Params, Row, params};

use super::fault::{Fault, Outcome, stored};
use super::session::{Session, milliseconds, optional_timestamp, timestamp};
use super::writer::Durability;
use super::{SqliteStore, pool};
use crate::error::{Error, ErrorKind, Result};
use crate::store::refusal;
use crate::voucher::{
    Change, Code, CustomerId, EventId, ImportId, Journal, JournalEntry, JournalPosition, JournalSize, MessageId,
    PoolName,
};

/// Who and what a step is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct About {
    pub(super) message: Option<String>,
    pub(super) customer: Option<String>,
    pub(super) event: Option<String>,
    pub(super) import: Option<String>,
    pub(super) flagged: bool,
}

/// A row of the journal that is being made.
#[derive(Debug)]
pub(super) struct Step {
    pool: i64,
    change: Change,
    about: About,
    vouchers: usize,
    codes: String,
}

/// How many codes a row holds at most.
const CODES: usize = 10_000;

impl Step {
    pub(super) fn new(pool: i64, change: Change, about: About, code: &str) -> Step {
        Step { pool, change, about, vouchers: 1, codes: code.to_owned() }
    }

    pub(super) fn imported(pool: i64, import: &str, vouchers: usize) -> Step {
        let about = About { import: Some(import.to_owned()), ..About::default() };
        Step { pool, change: Change::Imported, about, vouchers, codes: String::new() }
    }

    /// Whether one more voucher belongs to it.
    pub(super) fn is_open_for(&self, pool: i64, change: Change, about: &About) -> bool {
        (self.pool, self.change) == (pool, change) && self.about == *about && self.vouchers < CODES
    }

    pub(super) fn add(&mut self, code: &str) {
        self.vouchers += 1;
        self.codes.push('\n');
        self.codes.push_str(code);
    }

    /// Writes it, and removes a few of the oldest rows of the pool if their time is over.
    pub(super) fn write(&self, session: &Session<'_>) -> Outcome<()> {
        let insert = "INSERT INTO journal
            (pool_id, happened_at, change, vouchers, message_id, customer_id, event_id, import_id, flagged, codes)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let About { message, customer, event, import, flagged } = &self.about;
        session.connection.prepare_cached(insert)?.execute(params![
            self.pool,
            session.now,
            self.change.as_str(),
            i64::try_from(self.vouchers).unwrap_or(i64::MAX),
            message,
            customer,
            event,
            import,
            flagged,
            self.codes,
        ])?;
        let trim = "DELETE FROM journal WHERE id IN (SELECT id FROM
            (SELECT id, happened_at FROM journal WHERE pool_id = ?1 ORDER BY id LIMIT 4) WHERE happened_at < ?2)";
        let oldest = session.now.saturating_sub(milliseconds(session.journal_keep));
        session.connection.prepare_cached(trim)?.execute([self.pool, oldest])?;
        Ok(())
    }
}

#[async_trait]
impl Journal for SqliteStore {
    async fn journal(
        &self,
        pool: &PoolName,
        after: Option<&JournalPosition>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        let (pool, after) = (pool.clone(), after.map_or(Ok(0), id_of)?);
        self.read(move |session| {
            let rest = "journal.pool_id = ?1 AND journal.id > ?2 ORDER BY journal.id LIMIT ?3";
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            entries(session, rest, params![required(session, &pool)?, after, limit])
        })
        .await
    }

    async fn given_since(&self, pool: &PoolName, since: Timestamp) -> Result<u64> {
        let pool = pool.clone();
        self.read(move |session| {
            let sql = "SELECT ifnull(sum(iif(change = 'assigned', vouchers, -vouchers)), 0) FROM journal
                WHERE pool_id = ?1 AND happened_at >= ?2 AND change IN ('assigned', 'released')";
            let row = [required(session, &pool)?, since.as_millisecond()];
            let given: i64 = session.connection.query_row(sql, row, |row| row.get(0))?;
            Ok(u64::try_from(given).unwrap_or_default())
        })
        .await
    }

    async fn history(&self, code: &Code) -> Result<Vec<JournalEntry>> {
        let code = code.clone();
        self.read(move |session| history(session, &code)).await
    }

    async fn trim_journal(&self, pool: &PoolName, before: Timestamp) -> Result<u64> {
        let pool = pool.clone();
        self.write(Durability::Kept, move |session| {
            let sql = "DELETE FROM journal WHERE pool_id = ?1 AND happened_at < ?2";
            let row = [required(session, &pool)?, before.as_millisecond()];
            Ok(session.connection.execute(sql, row)? as u64)
        })
        .await
    }

    async fn journal_size(&self, pool: &PoolName) -> Result<JournalSize> {
        let pool = pool.clone();
        self.read(move |session| size(session, required(session, &pool)?)).await
    }
}

fn required(session: &Session<'_>, name: &PoolName) -> Outcome<i64> {
    pool::id(session, name)?.ok_or_else(|| refusal::no_such_pool(name).into())
}

/// The row that a position lies behind.
fn id_of(position: &JournalPosition) -> Result<i64> {
    position.0.parse().map_err(|_| {
        Error::new(ErrorKind::InvalidInput, "the position to go on behind is none of this store's journal")
            .with_help("start again from the beginning")
    })
}

fn size(session: &Session<'_>, pool: i64) -> Outcome<JournalSize> {
    let sql = "SELECT count(*), min(happened_at) FROM journal WHERE pool_id = ?1";
    let (entries, oldest): (i64, _) =
        session.connection.query_row(sql, [pool], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(JournalSize { entries: entries.unsigned_abs(), oldest: optional_timestamp(oldest)? })
}

/// What is known of one voucher's past.
fn history(session: &Session<'_>, code: &Code) -> Outcome<Vec<JournalEntry>> {
    let sql = "SELECT voucher.pool_id, pool.name, import.imported_at, import.name FROM voucher
        JOIN pool ON pool.id = voucher.pool_id
        JOIN import ON import.id = (SELECT id FROM import WHERE first_voucher <= voucher.id
            ORDER BY first_voucher DESC LIMIT 1)
        WHERE voucher.project_id = ?1 AND voucher.code = ?2";
    let row = params![session.project, code.as_str()];
    let find = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, imported(row, code)));
    let imported = session.connection.query_row(sql, row, find).optional()?;
    let Some((pool, imported)) = imported else { return Ok(Vec::new()) };
    let feed = "\n";
    let told = "journal.pool_id = ?1 AND instr(?3 || journal.codes || ?3, ?3 || ?2 || ?3) > 0 ORDER BY journal.id";
    let mut history: Vec<JournalEntry> = vec![imported?];
    history.extend(entries(session, told, params![pool, code.as_str(), feed])?);
    for entry in &mut history {
        (entry.count, entry.codes) = (1, vec![code.clone()]);
    }
    Ok(history)
}

/// The import of a voucher, told from the import itself: it comes before everything that the journal has of it.
fn imported(row: &Row<'_>, code: &Code) -> Outcome<JournalEntry> {
    Ok(JournalEntry {
        position: JournalPosition("0".into()),
        at: timestamp(row.get(2)?)?,
        pool: stored(PoolName::new(row.get::<_, String>(1)?))?,
        change: Change::Imported,
        count: 1,
        codes: vec![code.clone()],
        message_id: None,
        customer_id: None,
        event_id: None,
        import_id: Some(stored(ImportId::new(row.get::<_, String>(3)?))?),
        flagged: false,
    })
}

fn entries(session: &Session<'_>, rest: &str, parameters: impl Params) -> Outcome<Vec<JournalEntry>> {
    let sql = format!(
        "SELECT journal.id, journal.happened_at, pool.name, journal.change, journal.vouchers, journal.codes,
            journal.message_id, journal.customer_id, journal.event_id, journal.import_id, journal.flagged
         FROM journal JOIN pool ON pool.id = journal.pool_id WHERE {rest}"
    );
    let mut statement = session.connection.prepare_cached(&sql)?;
    let mut rows = statement.query(parameters)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

fn entry(row: &Row<'_>) -> Outcome<JournalEntry> {
    let codes: String = row.get(5)?;
    let codes = codes.split('\n').filter(|code| !code.is_empty()).map(Code::new).collect::<Result<_>>();
    Ok(JournalEntry {
        position: JournalPosition(row.get::<_, i64>(0)?.to_string()),
        at: timestamp(row.get(1)?)?,
        pool: stored(PoolName::new(row.get::<_, String>(2)?))?,
        change: stored(change(&row.get::<_, String>(3)?))?,
        count: row.get::<_, i64>(4)?.unsigned_abs(),
        codes: stored(codes)?,
        message_id: id(row, 6, MessageId::new)?,
        customer_id: id(row, 7, CustomerId::new)?,
        event_id: id(row, 8, EventId::new)?,
        import_id: id(row, 9, ImportId::new)?,
        flagged: row.get(10)?,
    })
}

fn id<T>(row: &Row<'_>, column: usize, read: impl FnOnce(String) -> Result<T>) -> Outcome<Option<T>> {
    row.get::<_, Option<String>>(column)?.map(|text| stored(read(text))).transpose()
}

fn change(name: &str) -> Result<Change, Fault> {
    use Change::{Assigned, Imported, Redeemed, Released, RolledBack, Voided};
    let all = [Imported, Assigned, Released, Redeemed, RolledBack, Voided];
    all.into_iter().find(|change| change.as_str() == name).ok_or(rusqlite::Error::QueryReturnedNoRows.into())
}
