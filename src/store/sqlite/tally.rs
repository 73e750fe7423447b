//! What a piece of work writes at its end instead of row by row.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::fault::Outcome;
use crate::voucher::State;

/// What stands for "never" where a time is part of a primary key.
pub(super) const NEVER: i64 = i64::MAX;

/// What a piece of work changes in the tallies: summed up, so that a batch writes a few rows. And what it takes and assigns:
/// a batch takes neighbours, which one statement can change together.
#[derive(Default)]
pub(super) struct Changes {
    taken: Vec<(i64, i64)>,
    assigned: Vec<i64>,
    pools: HashMap<(i64, &'static str, i64), i64>,
    limits: HashMap<(i64, Option<Arc<str>>, i64), i64>,
}

impl Changes {
    /// `by` more vouchers of a pool are in `state` until `expires_at`.
    pub(super) fn pool(&mut self, pool: i64, state: State, expires_at: Option<i64>, by: i64) {
        *self.pools.entry((pool, state.as_str(), expires_at.unwrap_or(NEVER))).or_default() += by;
    }

    /// `by` more bindings under a pool's name count for its limits until `expires_at`.
    pub(super) fn limit(&mut self, pool: i64, campaign: Option<Arc<str>>, expires_at: Option<i64>, by: i64) {
        *self.limits.entry((pool, campaign, expires_at.unwrap_or(NEVER))).or_default() += by;
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
    pub(super) fn write(&mut self, connection: &Connection) -> Outcome<()> {
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
        for ((pool, state, expires_at), by) in self.pools.drain() {
            add(connection, ADD_TO_POOL, (pool, state, expires_at), by)?;
        }
        for ((pool, campaign, expires_at), by) in self.limits.drain() {
            let campaign = campaign.as_deref().unwrap_or_default();
            add(connection, ADD_TO_LIMIT, (pool, campaign, expires_at), by)?;
        }
        Ok(())
    }
}

const ADD_TO_POOL: &str = "INSERT INTO pool_tally (pool_id, state, expires_at, vouchers) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET vouchers = vouchers + excluded.vouchers";
const ADD_TO_LIMIT: &str =
    "INSERT INTO limit_tally (pool_id, campaign_id, expires_at, bindings) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET bindings = bindings + excluded.bindings";

fn add(connection: &Connection, sql: &str, (pool, part, expires_at): (i64, &str, i64), by: i64) -> Outcome<()> {
    if by != 0 {
        connection.prepare_cached(sql)?.execute(params![pool, part, expires_at, by])?;
    }
    Ok(())
}
