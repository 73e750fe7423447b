//! What happens around the senders: leases run out, packets arrive again, codes come in, the operator acts.

use crate::configurations::{Operation, POOLS, Width};
use crate::model::{Model, Next};
use crate::rules::Clause;
use crate::set::Set;
use crate::state::{Call, Packet, Phase, State};
use crate::step::Step;
use crate::store::{Choice, Code, Event, Lease, MessageId, Pool};

/// A till has no lease; no worker ever comes to this one.
const NO_LEASE: Lease = 15;

impl Model {
    /// Any lease may run out at any moment: a process can stall for any length of time.
    pub fn sweep(&self, state: &State, next: &mut Next) {
        for pool in 0..POOLS as u8 {
            let leases: Set = state.pools[usize::from(pool)].leases().collect();
            for lease in leases.iter() {
                let mut state = *state;
                let living = state.is_living(lease);
                *state.pool(pool) = state.pool(pool).sweep(lease);
                for worker in state.workers.iter_mut().filter(|worker| worker.lease == lease && !worker.has_ended()) {
                    worker.swept = true;
                    worker.undisturbed = false;
                }
                next.push((Step::Sweep { pool, lease, living }, state));
            }
        }
    }

    pub fn arrive_late(&self, state: &State, next: &mut Next) {
        let Some(Packet { lease, pool, call }) = state.late else { return };
        let mut state = State { late: None, ..*state };
        match call {
            Call::Settle(message, kept) => {
                let pairs = kept.into_iter().flatten();
                let (_, after) = state.pool(pool).settle(lease, message, pairs, false, self.rules);
                *state.pool(pool) = after;
                next.push((Step::SettleArrives { pool, lease, kept }, state));
            }
            Call::Use(event, code) => {
                let is_used = state.pools[usize::from(pool)].may_use(event, code, self.rules);
                state.pool(pool).mark(event, code, is_used);
                next.push((Step::UseArrives { till: event, code, is_used }, state));
            }
            Call::Reserve(claim) => {
                for (answer, after) in state.pools[usize::from(pool)].reserve(lease, claim, self.rules) {
                    let mut state = state;
                    *state.pool(pool) = after;
                    Self::disturb(&mut state, lease, pool, claim.key);
                    next.push((Step::ReserveArrives { pool, lease, answer }, state));
                }
            }
        }
    }

    pub fn import(&self, state: &State, next: &mut Next) {
        for import in state.imports.iter() {
            let (pool, code) = self.configuration.imports[usize::from(import)];
            let mut state = State { told_empty: Set::default(), ..*state };
            state.imports.remove(import);
            state.pool(pool).available.insert(code);
            state.workers.iter_mut().for_each(|worker| worker.began_after_import = false);
            next.push((Step::Import { pool, code }, state));
        }
    }

    pub fn operate(&self, state: &State, next: &mut Next) {
        for index in state.operations.iter() {
            let operation = self.configuration.operations[usize::from(index)];
            let mut state = *state;
            state.operations.remove(index);
            let done = match operation {
                Operation::Release(message) => self.release(&mut state, message),
                Operation::ReclaimTest => self.reclaim_test(&mut state),
                Operation::Void(message) => self.void(&mut state, message),
                Operation::RollBack(event) => Self::roll_back(&mut state, event),
            };
            if done {
                state.told_empty = Set::default();
                state.workers.iter_mut().for_each(|worker| worker.undisturbed = false);
                next.push((Step::Operate(operation), state));
            }
        }
    }

    /// A copy between commit and delivery cannot be recalled: the operator waits for it.
    fn is_under_way(state: &State, message: MessageId) -> bool {
        state.workers.iter().any(|worker| worker.message == message && worker.phase == Phase::Delivering)
    }

    fn release(&self, state: &mut State, message: MessageId) -> bool {
        if state.delivered[usize::from(message)].is_none() || Self::is_under_way(state, message) {
            return false;
        }
        let wider = |width: Width| width != Width::Message && self.rules.hold(Clause::ReleaseSparesWiderKeys);
        let claims = (0..).zip(self.claims(message)).filter(|(_, (_, width))| !wider(*width));
        let keys = claims.map(|(claim, _)| self.key(message, claim)).collect();
        state.released.insert(message);
        state.pools.iter_mut().for_each(|pool| pool.release(message, keys, self.rules));
        true
    }

    /// Whoever has the code is told so elsewhere; from now on the message may show another one.
    fn void(&self, state: &mut State, message: MessageId) -> bool {
        let (pool, key) = (self.claims(message)[0].0, self.key(message, 0));
        if Self::is_under_way(state, message) || !state.pool(pool).end(key) {
            return false;
        }
        state.delivered[usize::from(message)] = None;
        true
    }

    fn roll_back(state: &mut State, event: Event) -> bool {
        if state.told[usize::from(event)].take().is_none() {
            return false;
        }
        state.pools.iter_mut().for_each(|pool| pool.uses[usize::from(event)] = None);
        state.rolled_back.insert(event);
        true
    }

    /// Somebody uses the first code that a message shows, at a till that was not told anything yet. What is released by hand
    /// never reached anybody.
    pub fn use_codes(&self, state: &State, next: &mut Next) {
        let tills = (0..).zip(&self.configuration.tills);
        for (event, &message) in tills.filter(|(_, message)| !state.released.has(**message)) {
            let shown = state.delivered[usize::from(message)].and_then(|shown| shown[0]);
            let (Some(Choice::Code(code)), pool) = (shown, self.claims(message)[0].0) else { continue };
            match state.looked[usize::from(event)] {
                Some(code) => {
                    let mut state = *state;
                    state.looked[usize::from(event)] = None;
                    self.use_code(&mut state, event, pool, code, true);
                    next.push((Step::Use { till: event, code, is_used: true }, state));
                }
                None if state.pools[usize::from(pool)].events.has(event) => {}
                None => self.come_to_the_till(state, event, pool, code, next),
            }
        }
    }

    fn come_to_the_till(&self, state: &State, event: Event, pool: u8, code: Code, next: &mut Next) {
        for mut state in Self::send(state, Packet { lease: NO_LEASE, pool, call: Call::Use(event, code) }) {
            let is_used = state.pools[usize::from(pool)].may_use(event, code, self.rules);
            if is_used && !self.rules.hold(Clause::UseIsOneStep) {
                state.looked[usize::from(event)] = Some(code);
                next.push((Step::Look { till: event, code }, state));
            } else {
                self.use_code(&mut state, event, pool, code, is_used);
                next.push((Step::Use { till: event, code, is_used }, state));
            }
        }
    }

    fn use_code(&self, state: &mut State, event: Event, pool: u8, code: Code, is_used: bool) {
        state.pool(pool).mark(event, code, is_used);
        state.told[usize::from(event)] = is_used.then_some(code);
    }

    fn reclaim_test(&self, state: &mut State) -> bool {
        let tests: Vec<_> =
            (0..).zip(&self.configuration.messages).filter(|(_, of)| of.test).map(|(id, _)| id).collect();
        if tests.iter().any(|&message| Self::is_under_way(state, message)) {
            return false;
        }
        tests.iter().for_each(|&message| state.delivered[usize::from(message)] = None);
        state.pools.iter_mut().for_each(Pool::reclaim_test);
        true
    }
}
