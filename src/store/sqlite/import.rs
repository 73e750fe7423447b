//! Vouchers that come into a pool, and imports that are taken back.

use std::collections::HashSet;

use jiff::Timestamp;
use rand::seq::SliceRandom;
use rusqlite::{Statement, params};

use super::fault::{Outcome, stored};
use super::journal::About;
use super::pool::{self, Pool};
use super::session::Session;
use super::{lease, low_stock};
use crate::store::refusal;
use crate::voucher::{Change, ImportId, Imported, NewVoucher, PoolName, State, Undone};

/// Adds vouchers to a pool, as a part of an import.
pub(super) fn import(
    session: &Session<'_>,
    pool: &PoolName,
    import: &ImportId,
    vouchers: &[NewVoucher],
) -> Outcome<Vec<Imported>> {
    let id = pool::id(session, pool)?.ok_or_else(|| refusal::no_such_pool(pool))?;
    let mut answers = vec![Imported::AlreadyInPool; vouchers.len()];
    let mut codes = HashSet::with_capacity(vouchers.len());
    let (mut once, again): (Vec<_>, Vec<_>) =
        (0..vouchers.len()).partition(|place| codes.insert(&vouchers[*place].code));
    once.shuffle(&mut rand::rng());
    let mut insert = session.connection.prepare_cached(INSERT)?;
    let mut added = 0;
    for place in once {
        answers[place] = match add(session, &mut insert, id, &vouchers[place])? {
            true => Imported::Added,
            false => known(session, id, &vouchers[place])?,
        };
        added += usize::from(answers[place] == Imported::Added);
    }
    for place in again {
        answers[place] = known(session, id, &vouchers[place])?;
    }
    if added > 0 {
        // Nobody else inserts meanwhile, so that the new ones have neighbouring ids.
        remember(session, id, import, added)?;
        low_stock::watch_again(session, pool)?;
    }
    Ok(answers)
}

fn remember(session: &Session<'_>, pool: i64, import: &ImportId, added: usize) -> Outcome<()> {
    let last = "SELECT max(id) FROM voucher";
    let last: i64 = session.connection.prepare_cached(last)?.query_row([], |row| row.get(0))?;
    let first = last + 1 - i64::try_from(added).unwrap_or(i64::MAX);
    let sql =
        "INSERT INTO import (pool_id, name, imported_at, first_voucher, last_voucher) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![pool, import.as_str(), session.now, first, last];
    session.connection.prepare_cached(sql)?.execute(row)?;
    session.changes.borrow_mut().tell_of_import(pool, import.as_str(), added);
    Ok(())
}

/// Voids what an import brought and is still available.
pub(super) fn undo(session: &Session<'_>, pool: &PoolName, import: &ImportId) -> Outcome<Undone> {
    let pool = pool::by_name(session, pool)?.ok_or_else(|| refusal::no_such_pool(pool))?;
    lease::sweep(session)?;
    session.flush()?;
    let calls = "SELECT first_voucher, last_voucher FROM import WHERE pool_id = ?1 AND name = ?2";
    let mut calls = session.connection.prepare_cached(calls)?;
    let calls = calls.query_map(params![pool.id, import.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let calls: Vec<(i64, i64)> = calls.collect::<rusqlite::Result<_>>()?;
    if calls.is_empty() {
        return Err(refusal::no_such_import(&pool.name, import).into());
    }
    let mut undone = Undone::default();
    for call in calls {
        let voided = if pool.is_expired(session) { 0 } else { void(session, &pool, import, call)? };
        undone.voided += voided;
        undone.kept += (call.1 - call.0 + 1).unsigned_abs() - voided;
    }
    Ok(undone)
}

/// Ends the available ones of a range of vouchers. Says how many.
fn void(session: &Session<'_>, pool: &Pool, import: &ImportId, (first, last): (i64, i64)) -> Outcome<u64> {
    let sql = "UPDATE voucher SET void_at = ?3 WHERE id BETWEEN ?1 AND ?2 AND binding_id IS NULL AND void_at IS NULL
        AND ifnull(expires_at > ?3, 1) RETURNING code, expires_at";
    let mut statement = session.connection.prepare_cached(sql)?;
    let mut rows = statement.query([first, last, session.now])?;
    let mut voided = 0;
    while let Some(row) = rows.next()? {
        let code: String = row.get(0)?;
        let about = About { import: Some(import.as_str().to_owned()), ..About::default() };
        let mut changes = session.changes.borrow_mut();
        changes.pool(pool.id, State::Available, row.get(1)?, -1);
        changes.pool(pool.id, State::Void, None, 1);
        changes.tell(pool.id, Change::Voided, about, &code);
        voided += 1;
    }
    session.flush()?;
    Ok(voided)
}

const INSERT: &str = "INSERT INTO voucher (project_id, pool_id, code, expires_at, metadata) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO NOTHING";

/// Whether the code was new.
fn add(session: &Session<'_>, insert: &mut Statement<'_>, pool: i64, voucher: &NewVoucher) -> Outcome<bool> {
    let expires_at = voucher.expires_at.map(Timestamp::as_millisecond);
    let metadata = (!voucher.metadata.is_empty()).then(|| serde_json::to_string(&voucher.metadata));
    let row = params![session.project, pool, voucher.code.as_str(), expires_at, metadata.map(stored).transpose()?];
    let is_new = insert.execute(row)? == 1;
    if is_new {
        session.changes.borrow_mut().pool(pool, State::Available, expires_at, 1);
    }
    Ok(is_new)
}

/// Where the project has a code already.
fn known(session: &Session<'_>, pool: i64, voucher: &NewVoucher) -> Outcome<Imported> {
    let sql = "SELECT pool.id, pool.name FROM voucher JOIN pool ON pool.id = voucher.pool_id
        WHERE voucher.project_id = ?1 AND voucher.code = ?2";
    let mut statement = session.connection.prepare_cached(sql)?;
    let row = params![session.project, voucher.code.as_str()];
    let (owner, name): (i64, String) = statement.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(if owner == pool { Imported::AlreadyInPool } else { Imported::InOtherPool(stored(PoolName::new(name))?) })
}
