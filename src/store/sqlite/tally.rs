//! What a piece of work writes at its end instead of row by row.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, ToSql, params};

use super::fault::Outcome;
use super::journal::{About, Step};
use super::session::Session;
use crate::voucher::{Change, State};

/// What stands for "never" where a time is part of a primary key.
pub(super) const NEVER: i64 = i64::MAX;

/// The shortest period of a limit, in milliseconds: every other one is made of these.
pub(super) const HOUR: i64 = 60 * 60 * 1000;

/// What a piece of work changes in the tallies: summed up, so that a batch writes a few rows. And what it takes and assigns:
/// a batch takes neighbours, which one statement can change together. And what the journal is to tell of it.
#[derive(Default)]
pub(super) struct Changes {
    taken: Vec<(i64, i64)>,
    assigned: Vec<i64>,
    pools: HashMap<(i64, &'static str, i64), i64>,
    limits: HashMap<(i64, Option<Arc<str>>, i64), i64>,
    hours: HashMap<(i64, i64, i64), i64>,
    steps: Vec<Step>,
}

/// A live binding, as far as limits are concerned.
pub(super) struct Counted {
    /// The pool that the template names, while there is one.
    pub(super) pool: Option<i64>,
    pub(super) campaign: Option<Arc<str>>,
    pub(super) taken_at: i64,
    /// How long it counts.
    pub(super) expires_at: Option<i64>,
}

impl Changes {
    /// `by` more vouchers of a pool are in `state` until `expires_at`.
    pub(super) fn pool(&mut self, pool: i64, state: State, expires_at: Option<i64>, by: i64) {
        *self.pools.entry((pool, state.as_str(), expires_at.unwrap_or(NEVER))).or_default() += by;
    }

    /// `by` more bindings of this kind count for the limits of their pool.
    pub(super) fn limit(&mut self, counted: Counted, by: i64) {
        let Some(pool) = counted.pool else { return };
        let expires_at = counted.expires_at.unwrap_or(NEVER);
        *self.limits.entry((pool, counted.campaign, expires_at)).or_default() += by;
        *self.hours.entry((pool, counted.taken_at.div_euclid(HOUR), expires_at)).or_default() += by;
    }

    /// The journal of a pool is to tell of a voucher's change, together with others of the same step.
    pub(super) fn tell(&mut self, pool: i64, change: Change, about: About, code: &str) {
        let open = self.steps.iter_mut().rev().take(STEPS).find(|step| step.is_open_for(pool, change, &about));
        match open {
            Some(step) => step.add(code),
            None => self.steps.push(Step::new(pool, change, about, code)),
        }
    }

    /// The journal of a pool is to tell of so many vouchers that came in.
    pub(super) fn tell_of_import(&mut self, pool: i64, import: &str, vouchers: usize) {
        self.steps.push(Step::imported(pool, import, vouchers));
    }

    /// A binding takes a voucher, so that it is available no more.
    pub(super) fn take(&mut self, voucher: i64, binding: i64) {
        self.taken.push((voucher, binding));
    }

    /// A binding is reserved no more, but assigned to the message that took it.
    pub(super) fn assign(&mut self, binding: i64) {
        self.assigned.push(binding);
    }

    /// Writes everything to the file.
    pub(super) fn write(&mut self, session: &Session<'_>) -> Outcome<()> {
        let connection = session.connection;
        self.write_bindings(connection)?;
        for ((pool, state, expires_at), by) in self.pools.drain() {
            add(connection, ADD_TO_POOL, (pool, state, expires_at), by)?;
        }
        for ((pool, campaign, expires_at), by) in self.limits.drain() {
            let campaign = campaign.as_deref().unwrap_or_default();
            add(connection, ADD_TO_LIMIT, (pool, campaign, expires_at), by)?;
        }
        for ((pool, hour, expires_at), by) in self.hours.drain() {
            add(connection, ADD_TO_PERIOD, (pool, hour, expires_at), by)?;
        }
        self.steps.drain(..).try_for_each(|step| step.write(session))
    }

    fn write_bindings(&mut self, connection: &Connection) -> Outcome<()> {
        for run in self.taken.chunk_by(|one, next| next.0 - one.0 == 1 && next.1 - one.1 == 1) {
            let ((first, binding), (last, _)) = (run[0], run[run.len() - 1]);
            let take = "UPDATE voucher SET binding_id = id + ?3 WHERE id BETWEEN ?1 AND ?2";
            connection.prepare_cached(take)?.execute([first, last, binding - first])?;
        }
        self.taken.clear();
        self.assigned.sort_unstable();
        for run in self.assigned.chunk_by(|one, next| next - one == 1) {
            let assign = "UPDATE binding SET lease_id = NULL WHERE id BETWEEN ?1 AND ?2";
            connection.prepare_cached(assign)?.execute([run[0], run[run.len() - 1]])?;
        }
        self.assigned.clear();
        Ok(())
    }
}

/// Among how many of the last steps one is looked for that goes on: those of the pools that a batch takes from.
const STEPS: usize = 8;

const ADD_TO_POOL: &str = "INSERT INTO pool_tally (pool_id, state, expires_at, vouchers) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET vouchers = vouchers + excluded.vouchers";
const ADD_TO_LIMIT: &str =
    "INSERT INTO limit_tally (pool_id, campaign_id, expires_at, bindings) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET bindings = bindings + excluded.bindings";

const ADD_TO_PERIOD: &str = "INSERT INTO period_tally (pool_id, hour, expires_at, bindings) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET bindings = bindings + excluded.bindings";

fn add(connection: &Connection, sql: &str, key: (i64, impl ToSql, i64), by: i64) -> Outcome<()> {
    let (pool, part, expires_at) = key;
    if by != 0 {
        connection.prepare_cached(sql)?.execute(params![pool, part, expires_at, by])?;
    }
    Ok(())
}
