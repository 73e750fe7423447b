//! Ending a lease: what is kept, and what goes back.

use std::collections::HashMap;

use rusqlite::params;

use super::binding::{self, Bound};
use super::fault::Outcome;
use super::lease;
use super::message::{self, Standing};
use super::pool;
use super::session::Session;
use crate::voucher::{Kept, Lease, MessageIdentity, Mode, PoolName, Settled, Shown, State};

/// Assigns what complete messages show, and gives back everything else that carries the lease's tag.
pub(super) fn settle(session: &Session<'_>, lease: &Lease, kept: &[Kept]) -> Outcome<Vec<Settled>> {
    lease::sweep(session)?;
    session.flush()?;
    let mut pools = PoolIds::default();
    let answers = kept.iter().map(|kept| keep(session, &mut pools, kept)).collect::<Outcome<Vec<_>>>()?;
    lease::end(session, lease.id.get().cast_signed())?;
    Ok(answers)
}

/// The ids of the pools that were asked for so far.
#[derive(Default)]
struct PoolIds(HashMap<PoolName, Option<i64>>);

impl PoolIds {
    fn get(&mut self, session: &Session<'_>, name: &PoolName) -> Outcome<Option<i64>> {
        if let Some(known) = self.0.get(name) {
            return Ok(*known);
        }
        let found = pool::id(session, name)?;
        self.0.insert(name.clone(), found);
        Ok(found)
    }
}

fn keep(session: &Session<'_>, pools: &mut PoolIds, kept: &Kept) -> Outcome<Settled> {
    let standing = message::standing(session, &kept.message)?;
    if matches!(standing, Standing::Retired | Standing::Foreign) {
        return Ok(Settled::Refused);
    }
    let mut held = Vec::with_capacity(kept.shown.len());
    for shown in &kept.shown {
        match bound_as_shown(session, pools, shown)? {
            Some(bound) => held.push(bound),
            None => return Ok(Settled::Refused),
        }
    }
    for bound in held.iter().filter(|bound| bound.lease.is_some()) {
        assign(session, bound, &kept.message)?;
    }
    if standing == Standing::New {
        message::accept(session, &kept.message)?;
    }
    Ok(Settled::Accepted)
}

/// What is bound to the shown key at this moment, if it is the shown code. A living lease is not asked for: what counts is
/// that the code did not go to anybody else.
fn bound_as_shown(session: &Session<'_>, pools: &mut PoolIds, shown: &Shown) -> Outcome<Option<Bound>> {
    let Some(pool) = pools.get(session, &shown.pool)? else { return Ok(None) };
    let bound = binding::find(session, pool, &shown.key)?;
    Ok(bound.filter(|bound| bound.shows(&shown.code) && bound.is_valid(session.now)))
}

/// Makes a reserved binding final, for the message whose acceptance assigns it. A message may show it more than once.
fn assign(session: &Session<'_>, bound: &Bound, message: &MessageIdentity) -> Outcome<()> {
    let (id, customer) = (message.message_id.as_str(), message.customer_id.as_str());
    let own = "UPDATE binding SET lease_id = NULL
        WHERE id = ?1 AND lease_id IS NOT NULL AND message_id = ?2 AND customer_id = ?3";
    let is_own = session.connection.prepare_cached(own)?.execute(params![bound.id, id, customer])? > 0;
    if !is_own && !take_over(session, bound, message)? {
        return Ok(());
    }
    if let Some(pool) = bound.stock() {
        let mut changes = session.changes.borrow_mut();
        changes.pool(pool, State::Reserved, bound.expires_at, -1);
        changes.pool(pool, State::Assigned, bound.expires_at, 1);
    }
    Ok(())
}

/// Assigns a binding that another message had reserved first and shares with this one; says whether it was still reserved.
fn take_over(session: &Session<'_>, bound: &Bound, message: &MessageIdentity) -> Outcome<bool> {
    let sql = "UPDATE binding SET lease_id = NULL, message_id = ?2, customer_id = ?3, campaign_id = ?4, channel = ?5
        WHERE id = ?1 AND lease_id IS NOT NULL";
    let campaign = binding::campaign(message);
    let changed = session.connection.prepare_cached(sql)?.execute(params![
        bound.id,
        message.message_id.as_str(),
        message.customer_id.as_str(),
        campaign.as_deref(),
        message.channel.as_str(),
    ])?;
    if changed > 0 && message.mode == Mode::Live {
        let mut changes = session.changes.borrow_mut();
        changes.limit(bound.pool_id, bound.campaign.clone(), bound.expires_at, -1);
        changes.limit(bound.pool_id, campaign, bound.expires_at, 1);
    }
    Ok(changed > 0)
}
