//! Ending a lease: what is kept, and what goes back.

use std::collections::{HashMap, HashSet};

use super::fault::Outcome;
use super::held::{Held, Holdings};
use super::journal::About;
use super::lease;
use super::message::{self, Standing};
use super::pool;
use super::session::Session;
use crate::voucher::{Change, Kept, Lease, MessageId, MessageIdentity, PoolName, Settled, Shown, State};

/// Assigns what complete messages show, and gives back everything else that carries the lease's tag.
pub(super) fn settle(session: &Session<'_>, lease: &Lease, kept: &[Kept]) -> Outcome<Vec<Settled>> {
    lease::sweep(session)?;
    session.flush()?;
    let holdings = if kept.is_empty() { Holdings::default() } else { Holdings::of(session, lease)? };
    let mut keeper =
        Keeper { session, holdings, pools: HashMap::new(), assigned: HashSet::new(), accepted: HashMap::new() };
    let answers = kept.iter().map(|kept| keeper.keep(kept)).collect::<Outcome<Vec<_>>>()?;
    lease::end(session, lease.id.get().cast_signed())?;
    Ok(answers)
}

/// Keeps messages, one after the other.
struct Keeper<'s, 'c> {
    session: &'s Session<'c>,
    /// What the lease holds.
    holdings: Holdings,
    /// The ids of the pools that were asked for so far.
    pools: HashMap<PoolName, Option<i64>>,
    /// The bindings that this call has assigned.
    assigned: HashSet<i64>,
    /// The messages that this call has accepted.
    accepted: HashMap<&'s MessageId, &'s MessageIdentity>,
}

impl<'s> Keeper<'s, '_> {
    fn keep(&mut self, kept: &'s Kept) -> Outcome<Settled> {
        let standing = self.standing(kept)?;
        if matches!(standing, Standing::Retired | Standing::Foreign) {
            return Ok(Settled::Refused);
        }
        let mut held = Vec::with_capacity(kept.shown.len());
        for shown in &kept.shown {
            let Some(pool) = self.pool(&shown.pool)? else { return Ok(Settled::Refused) };
            let binding = match self.holdings.get(&kept.message, pool, shown) {
                None => Held::find(self.session, &kept.message, pool, shown)?,
                known => known,
            };
            let Some(binding) = binding else { return Ok(Settled::Refused) };
            held.push(binding);
        }
        for (binding, shown) in held.iter().zip(&kept.shown) {
            self.assign(binding, shown, &kept.message)?;
        }
        if standing != Standing::Accepted && !kept.shown.iter().any(|shown| shown.key.is_of(&kept.message)) {
            message::remember(self.session, &kept.message)?;
        }
        self.accepted.insert(&kept.message.message_id, &kept.message);
        Ok(Settled::Accepted)
    }

    /// What this call assigns is written at its end: the file alone does not know yet whose ids it has accepted.
    fn standing(&self, kept: &Kept) -> Outcome<Standing> {
        let message = &*kept.message;
        match self.accepted.get(&message.message_id) {
            Some(first) if (&first.customer_id, first.mode) == (&message.customer_id, message.mode) => {
                Ok(Standing::Accepted)
            }
            Some(_) => Ok(Standing::Foreign),
            None if self.holdings.is_new(message, &kept.shown) => Ok(Standing::Reserving),
            None => message::standing(self.session, message),
        }
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
    fn assign(&mut self, binding: &Held, shown: &Shown, message: &MessageIdentity) -> Outcome<()> {
        if !binding.is_reserved || !self.assigned.insert(binding.id) {
            return Ok(());
        }
        if !binding.is_own {
            binding.take_over(self.session, message)?;
        }
        let mut changes = self.session.changes.borrow_mut();
        changes.assign(binding.id);
        if let Some(pool) = binding.stock {
            changes.pool(pool, State::Reserved, binding.expires_at, -1);
            changes.pool(pool, State::Assigned, binding.expires_at, 1);
            changes.tell(pool, Change::Assigned, About::default(), shown.code.as_str());
        }
        Ok(())
    }
}
