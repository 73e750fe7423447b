//! Ending a lease: what is kept, and what goes back.

use std::collections::{HashMap, HashSet};

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
    let mut keeper = Keeper { session, pools: HashMap::new(), assigned: HashSet::new() };
    let answers = kept.iter().map(|kept| keeper.keep(kept)).collect::<Outcome<Vec<_>>>()?;
    lease::end(session, lease.id.get().cast_signed())?;
    Ok(answers)
}

/// Keeps messages, one after the other.
struct Keeper<'s, 'c> {
    session: &'s Session<'c>,
    /// The ids of the pools that were asked for so far.
    pools: HashMap<PoolName, Option<i64>>,
    /// The bindings that this call has assigned.
    assigned: HashSet<i64>,
}

impl Keeper<'_, '_> {
    fn keep(&mut self, kept: &Kept) -> Outcome<Settled> {
        let standing = message::standing(self.session, &kept.message)?;
        if matches!(standing, Standing::Retired | Standing::Foreign) {
            return Ok(Settled::Refused);
        }
        let mut held = Vec::with_capacity(kept.shown.len());
        for shown in &kept.shown {
            match self.bound_as_shown(shown)? {
                Some(bound) => held.push(bound),
                None => return Ok(Settled::Refused),
            }
        }
        for bound in &held {
            self.assign(bound, &kept.message)?;
        }
        if standing != Standing::Accepted && !kept.shown.iter().any(|shown| shown.key.is_of(&kept.message)) {
            message::remember(self.session, &kept.message)?;
        }
        Ok(Settled::Accepted)
    }

    /// What is bound to the shown key at this moment, if it is the shown code. A living lease is not asked for: what counts is
    /// that the code did not go to anybody else.
    fn bound_as_shown(&mut self, shown: &Shown) -> Outcome<Option<Bound>> {
        let Some(pool) = self.pool(&shown.pool)? else { return Ok(None) };
        let bound = binding::find(self.session, pool, &shown.key)?;
        Ok(bound.filter(|bound| bound.shows(&shown.code) && bound.is_valid(self.session.now)))
    }

    fn pool(&mut self, name: &PoolName) -> Outcome<Option<i64>> {
        if let Some(known) = self.pools.get(name) {
            return Ok(*known);
        }
        let found = pool::id(self.session, name)?;
        self.pools.insert(name.clone(), found);
        Ok(found)
    }

    /// Makes a reserved binding final, for the message whose acceptance assigns it. It may be shown more than once.
    fn assign(&mut self, bound: &Bound, message: &MessageIdentity) -> Outcome<()> {
        if bound.lease.is_none() || !self.assigned.insert(bound.id) {
            return Ok(());
        }
        if !bound.is_of(message) {
            take_over(self.session, bound, message)?;
        }
        let mut changes = self.session.changes.borrow_mut();
        changes.assign(bound.id);
        if let Some(pool) = bound.stock() {
            changes.pool(pool, State::Reserved, bound.expires_at, -1);
            changes.pool(pool, State::Assigned, bound.expires_at, 1);
        }
        Ok(())
    }
}

/// Hands a binding to a message that shares it with the one that had reserved it first. A message's own key stays its own.
fn take_over(session: &Session<'_>, bound: &Bound, message: &MessageIdentity) -> Outcome<()> {
    let sql = "UPDATE binding SET campaign_id = ?4, channel = ?5,
        message_id = CASE WHEN occurrence IS NULL THEN ?2 ELSE message_id END,
        customer_id = CASE WHEN message_id = ?2 THEN ?3 ELSE customer_id END
        WHERE id = ?1";
    let campaign = binding::campaign(message);
    session.connection.prepare_cached(sql)?.execute(params![
        bound.id,
        message.message_id.as_str(),
        message.customer_id.as_str(),
        campaign.as_deref(),
        message.channel.as_str(),
    ])?;
    if message.mode == Mode::Live {
        let mut changes = session.changes.borrow_mut();
        changes.limit(bound.pool_id, bound.campaign.clone(), bound.expires_at, -1);
        changes.limit(bound.pool_id, campaign, bound.expires_at, 1);
    }
    Ok(())
}
