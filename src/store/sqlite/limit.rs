//! Whether a pool's limits allow one more voucher.

use std::collections::HashMap;

use rusqlite::params;

use super::fault::Outcome;
use super::pool::Pool;
use super::rival;
use super::session::Session;
use crate::voucher::{CampaignId, CustomerId, Lease, MessageIdentity, Mode};

/// Watches the limits during one call of `reserve`.
pub(super) struct Limiter<'s, 'c> {
    session: &'s Session<'c>,
    lease: &'s Lease,
    /// Given so far, by pool and campaign; over all campaigns where there is none.
    given: HashMap<(i64, Option<CampaignId>), u64>,
}

/// A limit that is reached.
pub(super) struct Reached {
    /// Whether another lease may give something back.
    pub(super) is_contended: bool,
}

impl<'s, 'c> Limiter<'s, 'c> {
    pub(super) fn new(session: &'s Session<'c>, lease: &'s Lease) -> Limiter<'s, 'c> {
        Limiter { session, lease, given: HashMap::new() }
    }

    /// The limit of `pool` that keeps `message` from another voucher, if any. A final one goes before a contended one.
    pub(super) fn check(&mut self, pool: &Pool, message: &MessageIdentity) -> Outcome<Option<Reached>> {
        let limits = &pool.settings.limits;
        let (campaign, customer) = (message.campaign_id.as_ref(), &message.customer_id);
        let mut is_contended = Vec::new();
        if reached(limits.total, || self.given(pool.id, None))? {
            is_contended.push(rival::holds_limit(self.session, self.lease, pool.id, None, None)?);
        }
        if campaign.is_some() && reached(limits.per_campaign, || self.given(pool.id, campaign))? {
            is_contended.push(rival::holds_limit(self.session, self.lease, pool.id, campaign, None)?);
        }
        if reached(limits.per_customer, || given_to(self.session, pool.id, customer))? {
            is_contended.push(rival::holds_limit(self.session, self.lease, pool.id, None, Some(customer))?);
        }
        let is_reached = !is_contended.is_empty();
        Ok(is_reached.then(|| Reached { is_contended: is_contended.into_iter().all(|contended| contended) }))
    }

    /// Takes note that `message` was given one.
    pub(super) fn count(&mut self, pool: &Pool, message: &MessageIdentity) {
        if message.mode == Mode::Live {
            let campaign = message.campaign_id.clone().map(Some);
            for scope in [Some(None), campaign].into_iter().flatten() {
                self.given.entry((pool.id, scope)).and_modify(|given| *given += 1);
            }
        }
    }

    fn given(&mut self, pool: i64, campaign: Option<&CampaignId>) -> Outcome<u64> {
        let key = (pool, campaign.cloned());
        if let Some(given) = self.given.get(&key) {
            return Ok(*given);
        }
        let sql = "SELECT ifnull(sum(bindings), 0) FROM limit_tally
            WHERE pool_id = ?1 AND expires_at > ?2 AND (?3 IS NULL OR campaign_id = ?3)";
        let row = params![pool, self.session.now, campaign.map(CampaignId::as_str)];
        let given: i64 = self.session.connection.prepare_cached(sql)?.query_row(row, |row| row.get(0))?;
        Ok(*self.given.entry(key).or_insert(given.unsigned_abs()))
    }
}

fn reached(limit: Option<u64>, given: impl FnOnce() -> Outcome<u64>) -> Outcome<bool> {
    limit.map_or(Ok(false), |limit| Ok(given()? >= limit))
}

fn given_to(session: &Session<'_>, pool: i64, customer: &CustomerId) -> Outcome<u64> {
    let sql = "SELECT count(*) FROM binding INDEXED BY binding_by_customer LEFT JOIN voucher ON voucher.id = binding.voucher_id
        WHERE binding.customer_id = ?1 AND binding.pool_id = ?2 AND binding.mode = 'live'
            AND (binding.occurrence IS NOT NULL OR binding.shared_in IS NOT NULL)
            AND (binding.redeemed_at IS NOT NULL
                OR (voucher.void_at IS NULL AND ifnull(binding.expires_at > ?3, 1)))";
    let row = params![customer.as_str(), pool, session.now];
    let given: i64 = session.connection.prepare_cached(sql)?.query_row(row, |row| row.get(0))?;
    Ok(given.unsigned_abs())
}
