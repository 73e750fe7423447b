//! Telling once when a pool's stock has fallen to a threshold.

use rusqlite::params;

use super::fault::Outcome;
use super::pool::{self, Pool};
use super::session::Session;
use super::shelf;
use crate::voucher::{LowStock, PoolName};

/// A pool that is watched, as it stands now.
struct Watched {
    pool: Pool,
    left: u64,
    /// The smallest threshold that the stock has fallen to.
    reached: Option<u64>,
    /// The smallest one that somebody was told of.
    told: Option<u64>,
}

impl Watched {
    fn find(session: &Session<'_>, name: &PoolName) -> Outcome<Option<Watched>> {
        let Some(pool) = pool::by_name(session, name)?.filter(|pool| !pool.settings.low_stock.is_empty()) else {
            return Ok(None);
        };
        let sql = "SELECT low_stock_told FROM pool WHERE id = ?1";
        let told: Option<i64> = session.connection.prepare_cached(sql)?.query_row([pool.id], |row| row.get(0))?;
        let left = shelf::count_left(session, &pool)?;
        let reached = pool.settings.low_stock.iter().filter(|threshold| left <= *threshold).min();
        Ok(Some(Watched { pool, left, reached, told: told.map(i64::unsigned_abs) }))
    }

    /// Takes note of where the stock stands. It says so if that is lower than anybody knows.
    fn tell(self, session: &Session<'_>) -> Outcome<Option<LowStock>> {
        let sql = "UPDATE pool SET low_stock_told = ?2 WHERE id = ?1";
        let reached = self.reached.map(|threshold| i64::try_from(threshold).unwrap_or(i64::MAX));
        session.connection.prepare_cached(sql)?.execute(params![self.pool.id, reached])?;
        let news = self.reached.filter(|reached| self.told.is_none_or(|told| *reached < told));
        Ok(news.map(|threshold| LowStock { pool: self.pool.name, threshold, left: self.left }))
    }
}

/// Those of some pools of which something is to be noted.
pub(super) fn crossed(session: &Session<'_>, pools: Vec<PoolName>) -> Outcome<Vec<PoolName>> {
    let mut crossed = Vec::new();
    for name in pools {
        if Watched::find(session, &name)?.is_some_and(|watched| watched.reached != watched.told) {
            crossed.push(name);
        }
    }
    Ok(crossed)
}

/// Tells which of some pools have fallen to a threshold, each crossing once.
pub(super) fn tell(session: &Session<'_>, pools: &[PoolName]) -> Outcome<Vec<LowStock>> {
    let mut told = Vec::new();
    for name in pools {
        if let Some(watched) = Watched::find(session, name)? {
            told.extend(watched.tell(session)?);
        }
    }
    Ok(told)
}

/// Lets a pool that was filled fall to its thresholds again.
pub(super) fn watch_again(session: &Session<'_>, pool: &PoolName) -> Outcome<()> {
    session.flush()?;
    let has_risen = |watched: &Watched| watched.told < watched.reached || watched.reached.is_none();
    if let Some(risen) = Watched::find(session, pool)?.filter(|watched| watched.told.is_some() && has_risen(watched)) {
        risen.tell(session)?;
    }
    Ok(())
}
