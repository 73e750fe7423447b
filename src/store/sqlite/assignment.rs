//! Assignments outside of messages.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

use super::SqliteStore;
use super::binding::FOR_GOOD;
use super::fault::Outcome;
use super::reserve::{Found, reserve_from};
use super::session::{Session, optional_timestamp};
use super::shelf::{self, Available};
use super::stocked::{Stocked, Taken};
use super::writer::Durability;
use super::{lease, pool};
use crate::error::Result;
use crate::store::refusal;
use crate::voucher::{Assignments, Claim, Claimed, Code, CustomerId, Lease, Mode, PoolName, Voucher};

/// How many vouchers are looked at in one step.
const PAGE: usize = 1000;

/// How many more than needed are looked for, since others take from the same pool meanwhile.
const SPARE: usize = 100;

type Matching<'m> = &'m (dyn for<'v> Fn(&'v Voucher) -> bool + Send + Sync);

#[async_trait]
impl Assignments for SqliteStore {
    async fn reserve_matching(&self, lease: &Lease, claims: &[Claim], matching: Matching<'_>) -> Result<Vec<Claimed>> {
        // What ran-out leases hold is to be found with the rest.
        self.write(Durability::Reserved, lease::sweep).await?;
        loop {
            let found = self.find_matching(claims, matching).await?;
            let (lease, claims) = (lease.clone(), claims.to_vec());
            let reserve = move |session: &Session<'_>| reserve_from(session, &lease, &claims, found);
            if let Some(answers) = self.write(Durability::Reserved, reserve).await? {
                return Ok(answers);
            }
        }
    }

    async fn make_current(&self, pool: &PoolName, holders: &[(CustomerId, Code)]) -> Result<()> {
        let (pool, holders) = (pool.clone(), holders.to_vec());
        self.write(Durability::Kept, move |session| {
            let id = pool::id(session, &pool)?.ok_or_else(|| refusal::no_such_pool(&pool))?;
            holders.iter().try_for_each(|(customer, code)| make_current(session, id, customer, code))
        })
        .await
    }
}

impl SqliteStore {
    /// Looks through the pool of these claims, page by page, for as many vouchers as they may need.
    async fn find_matching(&self, claims: &[Claim], matching: Matching<'_>) -> Result<Found> {
        let mut found = Found::default();
        let Some(claim) = claims.first() else { return Ok(found) };
        let mut after = None;
        while found.vouchers.len() < claims.len() + SPARE {
            let name = claim.pool.clone();
            let page = self.read(move |session| page(session, &name, after)).await?;
            after = page.last().map(|(available, _)| (available.expires_at, available.id));
            found.is_all = page.len() < PAGE;
            found.vouchers.extend(page.into_iter().filter(|(_, voucher)| matching(voucher)).map(|(it, _)| it));
            if found.is_all {
                break;
            }
        }
        Ok(found)
    }
}

/// Vouchers that can be taken, each as it would be given.
fn page(session: &Session<'_>, name: &PoolName, after: Option<shelf::Place>) -> Outcome<Vec<(Available, Voucher)>> {
    let Some(pool) = pool::by_name(session, name)? else { return Ok(Vec::new()) };
    let shelf = shelf::behind(session, &pool, after, PAGE)?;
    let given = |available: Available| {
        let voucher = Voucher {
            code: available.code.clone(),
            expires_at: optional_timestamp(pool.validity(session, available.expires_at))?,
            metadata: available.metadata.clone(),
        };
        Ok((available, voucher))
    };
    shelf.into_iter().map(given).collect()
}

/// Gives a voucher that a customer was assigned the key of their current one.
fn make_current(session: &Session<'_>, pool: i64, customer: &CustomerId, code: &Code) -> Outcome<()> {
    let Some(voucher) = Stocked::find(session, code)? else { return Ok(()) };
    let is_over = voucher.is_void || voucher.is_redeemed() || voucher.is_over(session.now);
    let is_theirs = |taken: &&Taken| {
        taken.named == Some(pool)
            && taken.customer.as_deref() == Some(customer.as_str())
            && taken.mode == Mode::Live.as_str()
            && !taken.is_shared
    };
    let Some(taken) = voucher.assigned().filter(is_theirs).filter(|_| !is_over) else { return Ok(()) };
    if !give_way(session, pool, customer, taken)? {
        return Ok(());
    }
    let take = "UPDATE binding SET shared_in = ?2 WHERE id = ?1";
    session.connection.prepare_cached(take)?.execute(params![taken.id, FOR_GOOD])?;
    Ok(())
}

/// Takes the customer's key from the voucher that has it, unless that was taken later than `taken` and is still valid.
fn give_way(session: &Session<'_>, pool: i64, customer: &CustomerId, taken: &Taken) -> Outcome<bool> {
    let find = "SELECT binding.id, (binding.assigned_at, binding.id) > (?5, ?6) AND (binding.redeemed_at IS NOT NULL
            OR (voucher.void_at IS NULL AND ifnull(binding.expires_at > ?7, 1)))
        FROM binding LEFT JOIN voucher ON voucher.id = binding.voucher_id
        WHERE binding.customer_id = ?1 AND binding.pool_id = ?2 AND binding.mode = ?3 AND binding.shared_in = ?4";
    let row = params![customer.as_str(), pool, Mode::Live.as_str(), FOR_GOOD, taken.taken_at, taken.id, session.now];
    let mut find = session.connection.prepare_cached(find)?;
    let current: Option<(i64, bool)> = find.query_row(row, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match current {
        Some((_, true)) => return Ok(false),
        Some((id, false)) => {
            // It stays wide, so that no release of its step gives back what other messages may have shown.
            let leave = "UPDATE binding SET shared_in = 'was:' || id WHERE id = ?1";
            session.connection.prepare_cached(leave)?.execute([id])?;
        }
        None => {}
    }
    Ok(true)
}
