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

/// The first `limit` vouchers of a pool that can be taken: the earliest expiry first, then the order of the import.
pub(super) fn first(session: &Session<'_>, pool: &Pool, limit: usize) -> Outcome<VecDeque<Available>> {
    let mut shelf = VecDeque::new();
    if !pool.is_expired(session) {
        fetch(session, pool, "expires_at > ?2 ORDER BY expires_at, id", limit, &mut shelf)?;
        fetch(session, pool, "expires_at IS NULL AND ?2 = ?2 ORDER BY id", limit, &mut shelf)?;
    }
    Ok(shelf)
}

fn fetch(session: &Session<'_>, pool: &Pool, rest: &str, limit: usize, shelf: &mut VecDeque<Available>) -> Outcome<()> {
    let sql = format!(
        "SELECT id, code, expires_at, metadata FROM voucher
         WHERE pool_id = ?1 AND binding_id IS NULL AND void_at IS NULL AND {rest} LIMIT ?3"
    );
    let missing = limit.saturating_sub(shelf.len());
    if missing > 0 {
        let mut statement = session.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![pool.id, session.now, i64::try_from(missing).unwrap_or(i64::MAX)])?;
        while let Some(row) = rows.next()? {
            shelf.push_back(Available::read(row)?);
        }
    }
    Ok(())
}
