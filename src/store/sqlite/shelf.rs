//! The vouchers of a pool that can be taken, in the order in which they are.

use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::{Row, params};

use super::binding::metadata;
use super::fault::{Outcome, stored};
use super::pool::Pool;
use super::session::Session;
use crate::voucher::{Code, Metadata};

/// A voucher that can be taken.
#[derive(Debug)]
pub(super) struct Available {
    pub(super) id: i64,
    pub(super) code: Code,
    pub(super) expires_at: Option<i64>,
    pub(super) metadata: Arc<Metadata>,
}

impl Available {
    fn read(row: &Row<'_>) -> Outcome<Available> {
        let json: Option<String> = row.get(3)?;
        Ok(Available {
            id: row.get(0)?,
            code: stored(Code::new(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?))?,
            expires_at: row.get(2)?,
            metadata: Arc::new(metadata(json.as_deref())?),
        })
    }
}

/// A place on the shelf: the expiry and the id of a voucher.
pub(super) type Place = (Option<i64>, i64);

/// The first `limit` vouchers of a pool that can be taken: the earliest expiry first, then the order of the import.
pub(super) fn first(session: &Session<'_>, pool: &Pool, limit: usize) -> Outcome<VecDeque<Available>> {
    behind(session, pool, None, limit)
}

/// Those that come behind a place.
pub(super) fn behind(
    session: &Session<'_>,
    pool: &Pool,
    after: Option<Place>,
    limit: usize,
) -> Outcome<VecDeque<Available>> {
    let mut shelf = VecDeque::new();
    if pool.is_expired(session) {
        return Ok(shelf);
    }
    let (ending, lasting) = match after {
        None => (Some((session.now, i64::MAX)), 0),
        Some((Some(end), id)) => (Some((end.max(session.now), id)), 0),
        Some((None, id)) => (None, id),
    };
    if let Some((end, id)) = ending {
        fetch(session, pool, "(expires_at, id) > (?2, ?3) ORDER BY expires_at, id", (end, id), limit, &mut shelf)?;
    }
    fetch(session, pool, "expires_at IS NULL AND ?2 = ?2 AND id > ?3 ORDER BY id", (0, lasting), limit, &mut shelf)?;
    Ok(shelf)
}

/// How many vouchers of a pool can be taken, by its tally.
pub(super) fn count(session: &Session<'_>, pool: &Pool) -> Outcome<u64> {
    if pool.is_expired(session) {
        return Ok(0);
    }
    tallied(session, pool, "state = 'available'")
}

/// How many vouchers of a pool can be taken or are reserved, by its tally.
pub(super) fn count_left(session: &Session<'_>, pool: &Pool) -> Outcome<u64> {
    let reserved = tallied(session, pool, "state = 'reserved'")?;
    Ok(count(session, pool)? + reserved)
}

fn tallied(session: &Session<'_>, pool: &Pool, state: &str) -> Outcome<u64> {
    let sql =
        format!("SELECT ifnull(sum(vouchers), 0) FROM pool_tally WHERE pool_id = ?1 AND expires_at > ?2 AND {state}");
    let mut statement = session.connection.prepare_cached(&sql)?;
    let sum = statement.query_row([pool.id, session.now], |row| row.get::<_, i64>(0))?;
    Ok(sum.unsigned_abs())
}

fn fetch(
    session: &Session<'_>,
    pool: &Pool,
    rest: &str,
    (end, id): (i64, i64),
    limit: usize,
    shelf: &mut VecDeque<Available>,
) -> Outcome<()> {
    let sql = format!(
        "SELECT id, code, expires_at, metadata FROM voucher
         WHERE pool_id = ?1 AND binding_id IS NULL AND void_at IS NULL AND {rest} LIMIT ?4"
    );
    let missing = limit.saturating_sub(shelf.len());
    if missing > 0 {
        let mut statement = session.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![pool.id, end, id, i64::try_from(missing).unwrap_or(i64::MAX)])?;
        while let Some(row) = rows.next()? {
            shelf.push_back(Available::read(row)?);
        }
    }
    Ok(())
}

/// Whether a voucher of the pool can still be taken.
pub(super) fn has(session: &Session<'_>, pool: &Pool, voucher: &Available) -> Outcome<bool> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM voucher WHERE id = ?1 AND pool_id = ?2 AND binding_id IS NULL AND void_at IS NULL
        AND ifnull(expires_at > ?3, 1))";
    let mut statement = session.connection.prepare_cached(sql)?;
    let row = params![voucher.id, pool.id, session.now];
    Ok(!pool.is_expired(session) && statement.query_row(row, |row| row.get(0))?)
}
