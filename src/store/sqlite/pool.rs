//! Pools and their settings, as rows.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::fault::{Outcome, stored};
use super::session::{Session, milliseconds, optional_timestamp};
use crate::error::Error;
use crate::voucher::{Code, Limits, Pattern, PoolName, PoolSettings, RedemptionRules};

/// A pool as the file has it.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) id: i64,
    pub(super) name: PoolName,
    pub(super) settings: PoolSettings,
    /// Its `expires_at` in milliseconds.
    pub(super) expires_at: Option<i64>,
}

/// What a column says that is written as text.
fn parsed<T: FromStr<Err = Error>>(text: Option<String>) -> Outcome<Option<T>> {
    text.map(|text| stored(text.parse())).transpose()
}

const SELECT: &str = "SELECT pool.id, pool.name, pool.valid_for, pool.expires_at, pool.limit_per_customer,
    pool.limit_per_campaign, pool.limit_total, pool.fallback_code, overflow.name, pool.preview_code, pool.paused,
    pool.limit_in_period, pool.eligible, pool.floor, pool.low_stock, pool.pattern, pool.redeem_rule,
    pool.redeem_by_others
    FROM pool LEFT JOIN pool AS overflow ON overflow.id = pool.overflow_pool_id";

impl Pool {
    fn read(row: &Row<'_>) -> Outcome<Pool> {
        let count = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(i64::unsigned_abs));
        let text = |column: usize| row.get::<_, Option<String>>(column);
        let limits = Limits {
            per_customer: count(4)?,
            per_campaign: count(5)?,
            total: count(6)?,
            per_period: parsed(text(11)?)?,
        };
        let redemption = RedemptionRules { rule: text(16)?, by_others: parsed(text(17)?)?.unwrap_or_default() };
        let expires_at = row.get(3)?;
        let settings = PoolSettings {
            valid_for: count(2)?.map(Duration::from_millis),
            expires_at: optional_timestamp(expires_at)?,
            limits,
            fallback: row.get::<_, Option<String>>(7)?.map(|code| stored(Code::new(code))).transpose()?,
            overflow: row.get::<_, Option<String>>(8)?.map(|name| stored(PoolName::new(name))).transpose()?,
            preview_code: row.get::<_, Option<String>>(9)?.map(|code| stored(Code::new(code))).transpose()?,
            paused: row.get(10)?,
            eligible: text(12)?,
            floor: count(13)?.unwrap_or_default(),
            low_stock: parsed(text(14)?)?.unwrap_or_default(),
            pattern: parsed(text(15)?)?,
            redemption,
        };
        let name = stored(PoolName::new(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?))?;
        Ok(Pool { id: row.get(0)?, name, settings, expires_at })
    }

    /// When a voucher of this pool stops being valid that is taken at the session's moment.
    pub(super) fn validity(&self, session: &Session<'_>, voucher_expires_at: Option<i64>) -> Option<i64> {
        let run_out = self.settings.valid_for.map(|time| session.after(time));
        [self.expires_at, voucher_expires_at, run_out].into_iter().flatten().min()
    }

    /// Whether the pool itself is past its time.
    pub(super) fn is_expired(&self, session: &Session<'_>) -> bool {
        self.expires_at.is_some_and(|end| end <= session.now)
    }
}

/// All pools of the project, by name.
pub(super) fn all(session: &Session<'_>) -> Outcome<Vec<Pool>> {
    let sql = format!("{SELECT} WHERE pool.project_id = ?1 ORDER BY pool.name");
    let mut statement = session.connection.prepare_cached(&sql)?;
    let mut rows = statement.query([session.project])?;
    let mut pools = Vec::new();
    while let Some(row) = rows.next()? {
        pools.push(Pool::read(row)?);
    }
    Ok(pools)
}

/// The pool of that name.
pub(super) fn by_name(session: &Session<'_>, name: &PoolName) -> Outcome<Option<Pool>> {
    let sql = format!("{SELECT} WHERE pool.project_id = ?1 AND pool.name = ?2");
    let mut statement = session.connection.prepare_cached(&sql)?;
    let pool = statement.query_row(params![session.project, name.as_str()], |row| Ok(Pool::read(row))).optional()?;
    pool.transpose()
}

/// The id of the pool of that name.
pub(super) fn id(session: &Session<'_>, name: &PoolName) -> Outcome<Option<i64>> {
    let mut statement = session.connection.prepare_cached("SELECT id FROM pool WHERE project_id = ?1 AND name = ?2")?;
    Ok(statement.query_row(params![session.project, name.as_str()], |row| row.get(0)).optional()?)
}

/// Writes a new pool.
pub(super) fn insert(session: &Session<'_>, name: &PoolName, settings: &PoolSettings) -> Outcome<()> {
    let sql = "INSERT INTO pool (paused, floor, project_id, name) VALUES (0, 0, ?1, ?2)";
    session.connection.prepare_cached(sql)?.execute(params![session.project, name.as_str()])?;
    update(session, session.connection.last_insert_rowid(), settings)
}

/// Replaces a pool's settings.
pub(super) fn update(session: &Session<'_>, id: i64, settings: &PoolSettings) -> Outcome<()> {
    let overflow = settings.overflow.as_ref().map(|name| self::id(session, name)).transpose()?.flatten();
    let count = |limit: Option<u64>| limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let sql = "UPDATE pool SET valid_for = ?2, expires_at = ?3, limit_per_customer = ?4, limit_per_campaign = ?5,
        limit_total = ?6, fallback_code = ?7, overflow_pool_id = ?8, preview_code = ?9, paused = ?10,
        limit_in_period = ?11, eligible = ?12, floor = ?13, low_stock = ?14, pattern = ?15, redeem_rule = ?16,
        redeem_by_others = ?17, low_stock_told = CASE WHEN low_stock IS ?14 THEN low_stock_told END WHERE id = ?1";
    session.connection.prepare_cached(sql)?.execute(params![
        id,
        settings.valid_for.map(milliseconds),
        settings.expires_at.map(Timestamp::as_millisecond),
        count(settings.limits.per_customer),
        count(settings.limits.per_campaign),
        count(settings.limits.total),
        settings.fallback.as_ref().map(Code::as_str),
        overflow,
        settings.preview_code.as_ref().map(Code::as_str),
        settings.paused,
        settings.limits.per_period.map(|limit| limit.to_string()),
        settings.eligible,
        count(Some(settings.floor)),
        (!settings.low_stock.is_empty()).then(|| settings.low_stock.to_string()),
        settings.pattern.as_ref().map(Pattern::to_string),
        settings.redemption.rule,
        settings.redemption.by_others.as_str(),
    ])?;
    Ok(())
}

/// The pools that one piece of work has read, so that it reads each once.
pub(super) struct Pools<'s, 'c> {
    session: &'s Session<'c>,
    by_name: RefCell<HashMap<PoolName, Option<Rc<Pool>>>>,
}

impl<'s, 'c> Pools<'s, 'c> {
    pub(super) fn new(session: &'s Session<'c>) -> Pools<'s, 'c> {
        Pools { session, by_name: RefCell::default() }
    }

    pub(super) fn get(&self, name: &PoolName) -> Outcome<Option<Rc<Pool>>> {
        if let Some(known) = self.by_name.borrow().get(name) {
            return Ok(known.clone());
        }
        let pool = by_name(self.session, name)?.map(Rc::new);
        self.by_name.borrow_mut().insert(name.clone(), pool.clone());
        Ok(pool)
    }

    /// `first` and the pools that it overflows into, in order, without the paused ones.
    pub(super) fn chain(&self, first: &Rc<Pool>) -> Outcome<Vec<Rc<Pool>>> {
        let mut chain = vec![first.clone()];
        while let Some(name) = chain.last().and_then(|pool| pool.settings.overflow.clone()) {
            match self.get(&name)? {
                Some(next) if chain.iter().all(|pool| pool.id != next.id) => chain.push(next),
                _ => break,
            }
        }
        chain.retain(|pool| !pool.settings.paused);
        Ok(chain)
    }
}
