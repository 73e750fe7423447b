//! Ending a lease: what is kept, and what goes back.

use std::collections::{HashMap, HashSet};

use super::fault::Outcome;
use super::held::Held;
use super::lease;
use super::message::{self, Standing};
use super::pool;
use super::session::Session;
use crate::voucher::{Kept, Lease, MessageIdentity, PoolName, Settled, State};

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
            let Some(pool) = self.pool(&shown.pool)? else { return Ok(Settled::Refused) };
            match Held::find(self.session, &kept.message, pool, shown)? {
                Some(binding) => held.push(binding),
                None => return Ok(Settled::Refused),
            }
        }
        for binding in &held {
            self.assign(binding, &kept.message)?;
        }
        if standing != Standing::Accepted && !kept.shown.iter().any(|shown| shown.key.is_of(&kept.message)) {
            message::remember(self.session, &kept.message)?;
        }
        Ok(Settled::Accepted)
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
    fn assign(&mut self, binding: &Held, message: &MessageIdentity) -> Outcome<()> {
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
        }
        Ok(())
    }
}
