//! Whether a pool's limits allow one more voucher.

use std::collections::HashMap;

use rusqlite::{ToSql, params};

use super::fault::Outcome;
use super::pool::Pool;
use super::rival;
use super::session::{Session, timestamp};
use super::tally::HOUR;
use crate::voucher::{CampaignId, CustomerId, Lease, MessageIdentity, Mode};

/// What a limit counts over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// Everything.
    Total,
    /// One campaign.
    Campaign(CampaignId),
    /// One customer.
    Customer(CustomerId),
    /// What was taken since the period began.
    Since(i64),
}

/// Watches the limits during one call of `reserve`.
pub(super) struct Limiter<'s, 'c> {
    session: &'s Session<'c>,
    lease: &'s Lease,
    /// Given so far, by pool and scope, except to single customers.
    given: HashMap<(i64, Scope), u64>,
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
        let mut is_contended = Vec::new();
        for (limit, scope) in limits(self.session, pool, message)? {
            if self.given(pool.id, &scope)? >= limit {
                is_contended.push(rival::holds_limit(self.session, self.lease, pool.id, &scope)?);
            }
        }
        let is_reached = !is_contended.is_empty();
        Ok(is_reached.then(|| Reached { is_contended: is_contended.into_iter().all(|contended| contended) }))
    }

    /// Takes note that `message` was given one.
    pub(super) fn count(&mut self, pool: &Pool, message: &MessageIdentity) {
        let counts = |scope: &Scope| match scope {
            Scope::Campaign(campaign) => message.campaign_id.as_ref() == Some(campaign),
            _ => true,
        };
        if message.mode == Mode::Live {
            let given = self.given.iter_mut().filter(|((named, scope), _)| *named == pool.id && counts(scope));
            given.for_each(|(_, given)| *given += 1);
        }
    }

    fn given(&mut self, pool: i64, scope: &Scope) -> Outcome<u64> {
        if matches!(scope, Scope::Customer(_)) {
            return given(self.session, pool, scope);
        }
        let key = (pool, scope.clone());
        if let Some(given) = self.given.get(&key) {
            return Ok(*given);
        }
        let given = given(self.session, pool, scope)?;
        Ok(*self.given.entry(key).or_insert(given))
    }
}

/// The limits of a pool that are there for `message`, with what they count over.
fn limits(session: &Session<'_>, pool: &Pool, message: &MessageIdentity) -> Outcome<Vec<(u64, Scope)>> {
    let limits = &pool.settings.limits;
    let campaign = limits.per_campaign.zip(message.campaign_id.clone().map(Scope::Campaign));
    let customer = limits.per_customer.map(|limit| (limit, Scope::Customer(message.customer_id.clone())));
    let total = limits.total.map(|limit| (limit, Scope::Total));
    let period = limits.per_period.map(|limit| limit.vouchers).zip(period(session, pool)?);
    Ok([total, campaign, customer, period].into_iter().flatten().collect())
}

/// The present period of a pool that has a limit for each.
pub(super) fn period(session: &Session<'_>, pool: &Pool) -> Outcome<Option<Scope>> {
    let Some(limit) = pool.settings.limits.per_period else { return Ok(None) };
    Ok(Some(Scope::Since(limit.period.start(timestamp(session.now)?).as_millisecond())))
}

/// How many bindings count for a limit of the pool, those of ran-out leases included that were not given back yet.
pub(super) fn given(session: &Session<'_>, pool: i64, scope: &Scope) -> Outcome<u64> {
    let count = |sql: &str, part: &dyn ToSql| {
        let mut statement = session.connection.prepare_cached(sql)?;
        statement.query_row(params![pool, session.now, part], |row| row.get::<_, i64>(0))
    };
    let given = match scope {
        Scope::Total => count(&tallied("limit_tally", "?3 IS NULL"), &None::<i64>),
        Scope::Campaign(campaign) => count(&tallied("limit_tally", "campaign_id = ?3"), &campaign.as_str()),
        Scope::Since(start) => count(&tallied("period_tally", "hour >= ?3"), &start.div_euclid(HOUR)),
        Scope::Customer(customer) => count(OF_CUSTOMER, &customer.as_str()),
    };
    Ok(given?.unsigned_abs())
}

fn tallied(table: &str, part: &str) -> String {
    format!("SELECT ifnull(sum(bindings), 0) FROM {table} WHERE pool_id = ?1 AND expires_at > ?2 AND {part}")
}

const OF_CUSTOMER: &str =
    "SELECT count(*) FROM binding INDEXED BY binding_by_customer LEFT JOIN voucher ON voucher.id = binding.voucher_id
    WHERE binding.customer_id = ?3 AND binding.pool_id = ?1 AND binding.mode = 'live'
        AND (binding.redeemed_at IS NOT NULL OR (voucher.void_at IS NULL AND ifnull(binding.expires_at > ?2, 1)))";

/// How many of these nobody holds any more, since their leases ran out.
pub(super) fn abandoned(session: &Session<'_>, pool: i64, scope: &Scope) -> Outcome<u64> {
    let sql = "SELECT count(*) FROM lease CROSS JOIN binding ON binding.lease_id = lease.id
        LEFT JOIN voucher ON voucher.id = binding.voucher_id
        WHERE lease.expires_at <= ?2 AND binding.pool_id = ?1 AND binding.mode = 'live' AND voucher.void_at IS NULL
            AND ifnull(binding.expires_at > ?2, 1) AND (?3 IS NULL OR binding.campaign_id = ?3)
            AND (?4 IS NULL OR binding.customer_id = ?4) AND (?5 IS NULL OR binding.assigned_at >= ?5)";
    let (campaign, customer, since) = scope.parts();
    let mut statement = session.connection.prepare_cached(sql)?;
    let row = params![pool, session.now, campaign, customer, since];
    Ok(statement.query_row(row, |row| row.get::<_, i64>(0))?.unsigned_abs())
}

impl Scope {
    /// The campaign, the customer and the beginning that it is bounded by.
    pub(super) fn parts(&self) -> (Option<&str>, Option<&str>, Option<i64>) {
        match self {
            Scope::Total => (None, None, None),
            Scope::Campaign(campaign) => (Some(campaign.as_str()), None, None),
            Scope::Customer(customer) => (None, Some(customer.as_str()), None),
            Scope::Since(start) => (None, None, Some(*start)),
        }
    }
}
