//! Look-ups.

use std::collections::HashMap;

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

use super::fault::{Fault, Outcome, stored};
use super::limit::{self, Scope};
use super::pool::{self, Pool};
use super::session::{Session, optional_timestamp};
use super::{SqliteStore, binding, record, shelf};
use crate::error::Result;
use crate::store::refusal;
use crate::voucher::{
    Binding, CampaignId, Catalogue, Claim, Code, Count, CustomerId, LimitUse, Lookup, PoolCard, PoolCounts, PoolName,
    PoolStatus, State, VoucherRecord,
};

#[async_trait]
impl Lookup for SqliteStore {
    async fn bindings(&self, claims: &[Claim]) -> Result<Vec<Option<Binding>>> {
        let claims = claims.to_vec();
        self.read(move |session| claims.iter().map(|claim| bound(session, claim)).collect()).await
    }

    async fn voucher(&self, code: &Code) -> Result<Option<VoucherRecord>> {
        let code = code.clone();
        self.read(move |session| {
            let rest = "voucher.project_id = ?2 AND voucher.code = ?3";
            Ok(record::vouchers(session, rest, params![session.now, session.project, code.as_str()])?.pop())
        })
        .await
    }

    async fn pools_of(&self, codes: &[Code]) -> Result<Vec<Option<PoolName>>> {
        let codes = codes.to_vec();
        self.read(move |session| codes.iter().map(|code| pool_of(session, code)).collect()).await
    }

    async fn customers(&self, customers: &[CustomerId]) -> Result<Vec<Vec<VoucherRecord>>> {
        let customers = customers.to_vec();
        self.read(move |session| customers.iter().map(|customer| of_customer(session, customer)).collect()).await
    }

    async fn vouchers(&self, pool: &PoolName, after: Option<&Code>, limit: usize) -> Result<Vec<VoucherRecord>> {
        let (pool, after) = (pool.clone(), after.cloned());
        self.read(move |session| page(session, &pool, after.as_ref(), limit)).await
    }

    async fn pools(&self) -> Result<Vec<PoolStatus>> {
        self.read(|session| pool::all(session)?.into_iter().map(|pool| status(session, pool)).collect()).await
    }

    async fn pool(&self, name: &PoolName) -> Result<Option<PoolStatus>> {
        let name = name.clone();
        self.read(move |session| status_by_name(session, &name)).await
    }

    async fn limit_use(
        &self,
        pool: &PoolName,
        campaign: Option<&CampaignId>,
        customers: &[CustomerId],
    ) -> Result<Option<LimitUse>> {
        let (pool, campaign, customers) = (pool.clone(), campaign.cloned(), customers.to_vec());
        self.read(move |session| limit_use(session, &pool, campaign, customers)).await
    }

    async fn catalogue(&self) -> Result<Catalogue> {
        self.read(|session| pool::all(session)?.into_iter().map(|pool| card(session, pool)).collect()).await
    }
}

fn limit_use(
    session: &Session<'_>,
    pool: &PoolName,
    campaign: Option<CampaignId>,
    customers: Vec<CustomerId>,
) -> Outcome<Option<LimitUse>> {
    let Some(pool) = pool::by_name(session, pool)? else { return Ok(None) };
    let alive = |scope: &Scope| {
        let given = limit::given(session, pool.id, scope)?;
        Ok::<_, Fault>(given.saturating_sub(limit::abandoned(session, pool.id, scope)?))
    };
    let alive_in = |scope: Option<Scope>| scope.map_or(Ok(0), |scope| alive(&scope));
    Ok(Some(LimitUse {
        total: alive(&Scope::Total)?,
        in_period: alive_in(limit::period(session, &pool)?)?,
        in_campaign: alive_in(campaign.map(Scope::Campaign))?,
        of_customers: customers.into_iter().map(|id| alive(&Scope::Customer(id))).collect::<Outcome<_>>()?,
    }))
}

fn pool_of(session: &Session<'_>, code: &Code) -> Outcome<Option<PoolName>> {
    let sql = "SELECT pool.name FROM voucher JOIN pool ON pool.id = voucher.pool_id
        WHERE voucher.project_id = ?1 AND voucher.code = ?2";
    let mut statement = session.connection.prepare_cached(sql)?;
    let name =
        statement.query_row(params![session.project, code.as_str()], |row| row.get::<_, String>(0)).optional()?;
    name.map(|name| stored(PoolName::new(name))).transpose()
}

fn bound(session: &Session<'_>, claim: &Claim) -> Outcome<Option<Binding>> {
    let Some(pool) = pool::id(session, &claim.pool)? else { return Ok(None) };
    let found = binding::find(session, pool, &claim.required_key()?)?;
    found
        .filter(|bound| bound.is_valid(session.now) && !bound.is_abandoned(session.now))
        .map(binding::Bound::binding)
        .transpose()
}

fn of_customer(session: &Session<'_>, customer: &CustomerId) -> Outcome<Vec<VoucherRecord>> {
    let rest = "binding.customer_id = ?2 AND pool.project_id = ?3 AND (binding.lease_id IS NULL
        OR EXISTS (SELECT 1 FROM lease WHERE lease.id = binding.lease_id AND lease.expires_at > ?1))
        ORDER BY binding.assigned_at, binding.id";
    record::of_bindings(session, rest, params![session.now, customer.as_str(), session.project])
}

fn page(session: &Session<'_>, pool: &PoolName, after: Option<&Code>, limit: usize) -> Outcome<Vec<VoucherRecord>> {
    let id = pool::id(session, pool)?.ok_or_else(|| refusal::no_such_pool(pool))?;
    let after = after.map_or(Ok(0), |code| place_of(session, id, code))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rest = "voucher.pool_id = ?2 AND voucher.id > ?3 ORDER BY voucher.id LIMIT ?4";
    record::vouchers(session, rest, params![session.now, id, after, limit])
}

fn place_of(session: &Session<'_>, pool: i64, code: &Code) -> Outcome<i64> {
    let sql = "SELECT id FROM voucher WHERE project_id = ?1 AND code = ?2 AND pool_id = ?3";
    let mut statement = session.connection.prepare_cached(sql)?;
    let mut found = statement.query_map(params![session.project, code.as_str(), pool], |row| row.get(0))?;
    found.next().ok_or_else(refusal::not_in_pool)?.map_err(Fault::from)
}

/// The pool of that name with its settings and counts.
pub(super) fn status_by_name(session: &Session<'_>, name: &PoolName) -> Outcome<Option<PoolStatus>> {
    pool::by_name(session, name)?.map(|pool| status(session, pool)).transpose()
}

fn status(session: &Session<'_>, pool: Pool) -> Outcome<PoolStatus> {
    let counts = counts(session, &pool)?;
    Ok(PoolStatus { name: pool.name, settings: pool.settings, counts })
}

fn counts(session: &Session<'_>, pool: &Pool) -> Outcome<PoolCounts> {
    let mut counts = PoolCounts::default();
    for ((state, is_over), vouchers) in tallied(session, pool)? {
        let vouchers = vouchers.unsigned_abs();
        let part = match state {
            State::Redeemed => &mut counts.redeemed,
            State::Void => &mut counts.void,
            _ if is_over => &mut counts.expired,
            State::Available => &mut counts.available,
            State::Reserved => &mut counts.reserved,
            State::Assigned | State::Expired => &mut counts.assigned,
        };
        *part += vouchers;
        counts.total += vouchers;
    }
    Ok(counts)
}

/// The vouchers of a pool by state and whether their time is over, as if what ran-out leases hold had gone back already.
fn tallied(session: &Session<'_>, pool: &Pool) -> Outcome<HashMap<(State, bool), i64>> {
    let mut sums = HashMap::new();
    let mut add = |(state, expires_at, vouchers): (State, Option<i64>, i64)| {
        let end = if state == State::Available {
            [expires_at, pool.expires_at].into_iter().flatten().min()
        } else {
            expires_at
        };
        *sums.entry((state, end.is_some_and(|end| end <= session.now))).or_default() += vouchers;
    };
    let sql = "SELECT state, expires_at, vouchers FROM pool_tally WHERE pool_id = ?1";
    let mut statement = session.connection.prepare_cached(sql)?;
    let mut rows = statement.query([pool.id])?;
    while let Some(row) = rows.next()? {
        add((state(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?), row.get(1)?, row.get(2)?));
    }
    let abandoned = "SELECT binding.expires_at, voucher.expires_at FROM lease
        CROSS JOIN binding ON binding.lease_id = lease.id
        JOIN voucher ON voucher.id = binding.voucher_id
        WHERE lease.expires_at <= ?1 AND binding.from_pool_id = ?2 AND voucher.void_at IS NULL";
    let mut statement = session.connection.prepare_cached(abandoned)?;
    let mut rows = statement.query([session.now, pool.id])?;
    while let Some(row) = rows.next()? {
        add((State::Reserved, row.get(0)?, -1));
        add((State::Available, row.get(1)?, 1));
    }
    Ok(sums)
}

fn state(name: &str) -> State {
    let known = [State::Available, State::Reserved, State::Assigned, State::Redeemed, State::Void];
    known.into_iter().find(|state| state.as_str() == name).unwrap_or(State::Void)
}

fn card(session: &Session<'_>, pool: Pool) -> Outcome<(PoolName, PoolCard)> {
    let counts = counts(session, &pool)?;
    let next = shelf::first(session, &pool, 1)?.pop_front();
    let expires_at = next.as_ref().and_then(|voucher| pool.validity(session, voucher.expires_at));
    let card = PoolCard {
        preview_code: pool.settings.preview_code(&pool.name),
        count: Count { available: counts.available, total: counts.total },
        metadata: next.map(|voucher| voucher.metadata).unwrap_or_default(),
        expires_at: optional_timestamp(expires_at)?,
    };
    Ok((pool.name, card))
}
