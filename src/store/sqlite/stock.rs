//! Pools and their stock.

use std::collections::HashSet;

use async_trait::async_trait;
use jiff::Timestamp;
use rand::seq::SliceRandom;
use rusqlite::{Statement, params};

use super::fault::{Fault, Outcome, stored};
use super::session::Session;
use super::writer::Durability;
use super::{SqliteStore, lease, message, pool};
use crate::error::Result;
use crate::store::refusal;
use crate::voucher::{Imported, NewVoucher, PoolName, PoolSettings, State, Stock};

#[async_trait]
impl Stock for SqliteStore {
    async fn create_pool(&self, name: &PoolName, settings: &PoolSettings) -> Result<()> {
        let (name, settings) = (name.clone(), settings.clone());
        self.write(Durability::Kept, move |session| create(session, &name, &settings)).await
    }

    async fn set_pool(&self, name: &PoolName, settings: &PoolSettings) -> Result<()> {
        let (name, settings) = (name.clone(), settings.clone());
        self.write(Durability::Kept, move |session| set(session, &name, &settings)).await
    }

    async fn undo_import(&self, _: &PoolName, _: &crate::voucher::ImportId) -> Result<crate::voucher::Undone> {
        super::missing::missing()
    }

    async fn low_stock(&self, _: &[PoolName]) -> Result<Vec<crate::voucher::LowStock>> {
        Ok(Vec::new())
    }

    async fn delete_pool(&self, name: &PoolName, archived: bool) -> Result<()> {
        let name = name.clone();
        self.write(Durability::Kept, move |session| delete(session, &name, archived)).await
    }

    async fn import_as(
        &self,
        pool: &PoolName,
        _: &crate::voucher::ImportId,
        vouchers: &[NewVoucher],
    ) -> Result<Vec<Imported>> {
        let (pool, vouchers) = (pool.clone(), vouchers.to_vec());
        self.write(Durability::Kept, move |session| import(session, &pool, &vouchers)).await
    }
}

fn create(session: &Session<'_>, name: &PoolName, settings: &PoolSettings) -> Outcome<()> {
    if pool::id(session, name)?.is_some() {
        return Err(refusal::pool_exists(name).into());
    }
    check_overflow(session, name, settings)?;
    pool::insert(session, name, settings)
}

fn set(session: &Session<'_>, name: &PoolName, settings: &PoolSettings) -> Outcome<()> {
    let id = pool::id(session, name)?.ok_or_else(|| refusal::no_such_pool(name))?;
    check_overflow(session, name, settings)?;
    pool::update(session, id, settings)
}

fn check_overflow(session: &Session<'_>, name: &PoolName, settings: &PoolSettings) -> Outcome<()> {
    settings.check_overflow(name, |other| Ok::<_, Fault>(pool::by_name(session, other)?.map(|pool| pool.settings)))
}

fn delete(session: &Session<'_>, name: &PoolName, archived: bool) -> Outcome<()> {
    let id = pool::id(session, name)?.ok_or_else(|| refusal::no_such_pool(name))?;
    lease::sweep(session)?;
    session.flush()?;
    check_unused(session, id, name, archived)?;
    // What the pool's name took from other pools stays with the customers; only the pool's own stock goes.
    let affected = "pool_id IN (SELECT pool_id FROM binding WHERE from_pool_id = ?1)";
    message::remember_those_of(session, "pool_id = ?2 OR from_pool_id = ?2", id)?;
    for sql in [
        "UPDATE binding SET occurrence = NULL, shared_in = NULL, pool_id = from_pool_id WHERE pool_id = ?1 AND voucher_id IS NOT NULL
            AND from_pool_id <> ?1",
        &format!("DELETE FROM limit_tally WHERE {affected} OR pool_id = ?1"),
        &format!(
            "INSERT INTO limit_tally (pool_id, campaign_id, expires_at, bindings)
             SELECT pool_id, ifnull(campaign_id, ''), ifnull(expires_at, 9223372036854775807), count(*) FROM binding
             WHERE {affected} AND pool_id <> ?1 AND from_pool_id <> ?1 AND mode = 'live'
                AND (occurrence IS NOT NULL OR shared_in IS NOT NULL)
             GROUP BY 1, 2, 3"
        ),
        "DELETE FROM binding WHERE pool_id = ?1 OR from_pool_id = ?1",
        "DELETE FROM voucher WHERE pool_id = ?1",
        "DELETE FROM pool_tally WHERE pool_id = ?1",
        "DELETE FROM pool WHERE id = ?1",
    ] {
        session.connection.execute(sql, [id])?;
    }
    Ok(())
}

fn check_unused(session: &Session<'_>, id: i64, name: &PoolName, archived: bool) -> Outcome<()> {
    let finds = |sql: &str| session.connection.query_row(&format!("SELECT EXISTS ({sql})"), [id], |row| row.get(0));
    if finds("SELECT 1 FROM pool WHERE overflow_pool_id = ?1")? {
        return Err(refusal::is_overflow(name).into());
    }
    if finds("SELECT 1 FROM binding WHERE lease_id IS NOT NULL AND (pool_id = ?1 OR from_pool_id = ?1)")? {
        return Err(refusal::is_reserved(name).into());
    }
    if !archived && finds("SELECT 1 FROM binding WHERE pool_id = ?1 OR from_pool_id = ?1")? {
        return Err(refusal::is_assigned(name).into());
    }
    Ok(())
}

fn import(session: &Session<'_>, pool: &PoolName, vouchers: &[NewVoucher]) -> Outcome<Vec<Imported>> {
    let id = pool::id(session, pool)?.ok_or_else(|| refusal::no_such_pool(pool))?;
    let mut answers = vec![Imported::AlreadyInPool; vouchers.len()];
    let mut codes = HashSet::with_capacity(vouchers.len());
    let (mut once, again): (Vec<_>, Vec<_>) =
        (0..vouchers.len()).partition(|place| codes.insert(&vouchers[*place].code));
    once.shuffle(&mut rand::rng());
    let mut insert = session.connection.prepare_cached(INSERT)?;
    for place in once {
        answers[place] = match add(session, &mut insert, id, &vouchers[place])? {
            true => Imported::Added,
            false => known(session, id, &vouchers[place])?,
        };
    }
    for place in again {
        answers[place] = known(session, id, &vouchers[place])?;
    }
    Ok(answers)
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
