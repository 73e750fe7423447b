//! Pools and their stock.

use async_trait::async_trait;

use super::fault::{Fault, Outcome};
use super::session::Session;
use super::tally::Counted;
use super::writer::Durability;
use super::{SqliteStore, import, lease, low_stock, message, pool};
use crate::error::Result;
use crate::store::refusal;
use crate::voucher::{ImportId, Imported, LowStock, NewVoucher, PoolName, PoolSettings, Stock, Undone};

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

    async fn undo_import(&self, pool: &PoolName, import: &ImportId) -> Result<Undone> {
        let (pool, import) = (pool.clone(), import.clone());
        self.write(Durability::Kept, move |session| import::undo(session, &pool, &import)).await
    }

    async fn low_stock(&self, pools: &[PoolName]) -> Result<Vec<LowStock>> {
        let asked = pools.to_vec();
        let crossed = self.read(move |session| low_stock::crossed(session, asked)).await?;
        if crossed.is_empty() {
            return Ok(Vec::new());
        }
        self.write(Durability::Kept, move |session| low_stock::tell(session, &crossed)).await
    }

    async fn delete_pool(&self, name: &PoolName, archived: bool) -> Result<()> {
        let name = name.clone();
        self.write(Durability::Kept, move |session| delete(session, &name, archived)).await
    }

    async fn import_as(&self, pool: &PoolName, import: &ImportId, vouchers: &[NewVoucher]) -> Result<Vec<Imported>> {
        let (pool, import, vouchers) = (pool.clone(), import.clone(), vouchers.to_vec());
        self.write(Durability::Kept, move |session| import::import(session, &pool, &import, &vouchers)).await
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
    message::remember_those_of(session, "pool_id = ?2 OR from_pool_id = ?2", id)?;
    uncount(session, id)?;
    for sql in [
        "UPDATE binding SET occurrence = NULL, shared_in = NULL, pool_id = NULL
            WHERE pool_id = ?1 AND from_pool_id <> ?1 AND voucher_id IS NOT NULL",
        "DELETE FROM binding WHERE pool_id = ?1 OR from_pool_id = ?1",
        "DELETE FROM redemption WHERE voucher_id IN (SELECT id FROM voucher WHERE pool_id = ?1)",
        "DELETE FROM voucher WHERE pool_id = ?1",
        "DELETE FROM import WHERE pool_id = ?1",
        "DELETE FROM journal WHERE pool_id = ?1",
        "DELETE FROM pool_tally WHERE pool_id = ?1",
        "DELETE FROM limit_tally WHERE pool_id = ?1",
        "DELETE FROM period_tally WHERE pool_id = ?1",
        "DELETE FROM pool WHERE id = ?1",
    ] {
        session.connection.execute(sql, [id])?;
    }
    Ok(())
}

/// What the pool gave under the names of others counts for their limits no more.
fn uncount(session: &Session<'_>, id: i64) -> Outcome<()> {
    let sql = "SELECT binding.pool_id, binding.campaign_id, binding.assigned_at,
            CASE WHEN binding.redeemed_at IS NULL THEN binding.expires_at END
        FROM binding LEFT JOIN voucher ON voucher.id = binding.voucher_id
        WHERE binding.from_pool_id = ?1 AND binding.pool_id <> ?1 AND binding.mode = 'live' AND voucher.void_at IS NULL";
    let mut statement = session.connection.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        let counted =
            Counted { pool: row.get(0)?, campaign: row.get(1)?, taken_at: row.get(2)?, expires_at: row.get(3)? };
        session.changes.borrow_mut().limit(counted, -1);
    }
    session.flush()
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
