//! How a message goes through the store: ask for each claim, settle pool by pool, deliver; or give back.

use crate::configurations::SUMMER;
use crate::model::{Model, Next};
use crate::properties::Breach;
use crate::rules::Clause;
use crate::set::Set;
use crate::state::{Call, End, Kept, Packet, Phase, Seen, Shown, State, Then, Worker};
use crate::step::Step;
use crate::store::{Answer, Choice, Claim, Code, Key, Lease, MessageId, Pool, Verdict};
use std::iter;

/// The protocol says three. With three the search takes thrice as many states and finds nothing more.
const REFUSALS: u8 = 2;

impl Model {
    pub fn begin(&self, state: &mut State, worker: usize) {
        let message = state.workers[worker].message;
        let lease = if self.rules.hold(Clause::FreshLease) { state.fresh_lease(worker) } else { worker as Lease };
        let worker = &mut state.workers[worker];
        *worker = Worker {
            phase: Phase::Asking { claim: 0, pool: self.claims(message)[0].0 },
            message,
            lease,
            refusals: worker.refusals,
            undisturbed: true,
            began_after_import: true,
            ..Worker::IDLE
        };
    }

    pub fn ask(&self, state: &State, index: usize, claim: u8, pool: u8, next: &mut Next) {
        let Worker { message, lease, .. } = state.workers[index];
        let key = self.key(message, usize::from(claim));
        let test = self.configuration.messages[usize::from(message)].test;
        let request = Claim { message, key, test };
        for sent in Self::send(state, Packet { lease, pool, call: Call::Reserve(request) }) {
            for (answer, after) in sent.pools[usize::from(pool)].reserve(lease, request, self.rules) {
                let mut state = sent;
                *state.pool(pool) = after;
                Self::disturb(&mut state, lease, pool, key);
                self.answered(&mut state, index, claim, pool, answer);
                next.push((Step::Ask { worker: index as u8, pool, answer }, state));
            }
        }
    }

    fn answered(&self, state: &mut State, index: usize, claim: u8, pool: u8, answer: Answer) {
        let worker = &mut state.workers[index];
        let message = worker.message;
        match answer {
            Answer::Bound { choice, found } => {
                worker.see(Seen { pool, key: self.key(message, usize::from(claim)), choice, found });
                worker.phase = self.after_answer(message, claim, choice);
            }
            Answer::Empty if self.follows_an_old_choice(worker) => {
                self.give_up(state, index, Set::default(), Then::AskAgain);
            }
            Answer::Contended if self.rules.hold(Clause::ContendedGivesBack) => {
                self.give_up(state, index, Set::default(), Then::AskAgain);
            }
            Answer::Contended => {}
            Answer::Empty => {
                if worker.began_after_import {
                    state.told_empty.insert(message);
                }
                self.give_up(state, index, Set::default(), Then::End(End::Empty));
            }
            Answer::Retired => self.give_up(state, index, Set::default(), Then::End(End::Released)),
        }
    }

    /// The first pool may have been filled since that choice was made.
    fn follows_an_old_choice(&self, worker: &Worker) -> bool {
        let old = |seen: Seen| seen.choice == Choice::Overflow && seen.found;
        self.rules.hold(Clause::EmptyFollowsFreshChoice) && worker.answers().last().is_some_and(old)
    }

    fn after_answer(&self, message: MessageId, claim: u8, choice: Choice) -> Phase {
        let claims = self.claims(message);
        match claims.get(usize::from(claim) + 1) {
            _ if choice == Choice::Overflow => Phase::Asking { claim, pool: SUMMER },
            Some(&(pool, _)) => Phase::Asking { claim: claim + 1, pool },
            None if self.rules.hold(Clause::CommitBeforeDelivery) => Phase::Settling { done: Set::default() },
            None => Phase::Delivering,
        }
    }

    /// Rule 2: the pools settle one by one, each told what is kept there.
    pub fn settle(&self, state: &State, index: usize, done: Set, next: &mut Next) {
        let worker = state.workers[index];
        let Worker { message, lease, swept, .. } = worker;
        let pool = self.next_to_settle(worker.pools().without(done));
        let kept = self.kept(&worker, pool);
        for mut state in Self::send(state, Packet { lease, pool, call: Call::Settle(message, kept) }) {
            let pairs = kept.into_iter().flatten();
            let (verdict, after) = state.pool(pool).settle(lease, message, pairs, !swept, self.rules);
            *state.pool(pool) = after;
            let is_void = |(_, choice)| matches!(choice, Choice::Code(code) if after.void.has(code));
            if verdict == Verdict::Accepted && kept.into_iter().flatten().any(is_void) {
                state.breach = Some(Breach::VoidAccepted);
            }
            self.settled(&mut state, index, done, pool, verdict);
            next.push((Step::Settle { worker: index as u8, pool, verdict }, state));
        }
    }

    fn settled(&self, state: &mut State, index: usize, mut done: Set, pool: u8, verdict: Verdict) {
        let accepted_before = done;
        done.insert(pool);
        let worker = &mut state.workers[index];
        match verdict {
            Verdict::Accepted if !worker.pools().without(done).is_empty() => worker.phase = Phase::Settling { done },
            Verdict::Accepted if self.rules.hold(Clause::CommitBeforeDelivery) => worker.enter(Phase::Delivering),
            Verdict::Accepted => worker.end(),
            Verdict::Retired => self.give_up(state, index, done, Then::End(End::Released)),
            Verdict::Refused => {
                if worker.undisturbed {
                    state.breach = Some(Breach::RefusedThoughAlive);
                }
                self.take_back(state, index, accepted_before);
                self.give_up(state, index, done, Then::RenderAnew);
            }
        }
    }

    /// Rule 4: nothing is taken back.
    fn take_back(&self, state: &mut State, index: usize, accepted: Set) {
        if self.rules.hold(Clause::AssignedIsFinal) {
            return;
        }
        for seen in state.workers[index].answers().filter(|seen| accepted.has(seen.pool)) {
            state.pool(seen.pool).unassign(seen.key);
        }
    }

    /// Rule 8: an overflow pool, which stands after its first pool, settles before it.
    fn next_to_settle(&self, open: Set) -> u8 {
        let mut open = open.iter();
        let pool = if self.rules.hold(Clause::CodeBeforeChoice) { open.next_back() } else { open.next() };
        pool.expect("a message that settles has a pool to settle")
    }

    fn kept(&self, worker: &Worker, pool: u8) -> Kept {
        let listed = |seen: &Seen| {
            seen.pool == pool
                && (self.rules.hold(Clause::KeptIsComplete) || !seen.found)
                && (self.rules.hold(Clause::ChoiceIsBound) || matches!(seen.choice, Choice::Code(_)))
        };
        let mut kept = Kept::default();
        let pairs = worker.answers().filter(listed).map(|seen| (seen.key, seen.choice));
        kept.iter_mut().zip(pairs).for_each(|(slot, pair)| *slot = Some(pair));
        kept
    }

    pub fn fail_to_render(&self, state: &State, index: usize, done: Set, next: &mut Next) {
        let mut state = *state;
        let message = state.workers[index].message;
        if !done.is_empty() || !self.configuration.messages[usize::from(message)].may_fail {
            return;
        }
        self.give_up(&mut state, index, done, Then::End(End::RenderFailed));
        next.push((Step::FailToRender { worker: index as u8 }, state));
    }

    /// Rule 5: before anything else, what is only reserved goes back, pool by pool.
    fn give_up(&self, state: &mut State, index: usize, done: Set, then: Then) {
        let worker = &mut state.workers[index];
        let then = match then {
            Then::RenderAnew if !self.rules.hold(Clause::CommitBeforeDelivery) => Then::End(End::Delivered),
            then => then,
        };
        let fails = matches!(then, Then::End(End::Empty | End::RenderFailed));
        let keeps = fails && !self.rules.hold(Clause::AllOrNothing);
        if !keeps && !worker.pools().without(done).is_empty() {
            worker.enter(Phase::GivingBack { done, then });
            return;
        }
        // A late copy of its own reserve may reserve again behind its back; the sweep sees to that.
        let alone = self.configuration.resends == 0;
        if fails && alone && state.pools.iter().flat_map(Pool::leases).any(|tag| tag == worker.lease) {
            state.breach = Some(Breach::FailedKeeps);
        }
        match then {
            Then::End(_) => worker.end(),
            Then::AskAgain => self.begin(state, index),
            Then::RenderAnew if worker.refusals + 1 == REFUSALS => worker.end(),
            Then::RenderAnew => {
                worker.refusals += 1;
                self.begin(state, index);
            }
        }
    }

    pub fn give_back(&self, state: &State, index: usize, mut done: Set, then: Then, next: &mut Next) {
        let Worker { message, lease, .. } = state.workers[index];
        let pool = self.next_to_settle(state.workers[index].pools().without(done));
        done.insert(pool);
        for mut state in Self::send(state, Packet { lease, pool, call: Call::Settle(message, Kept::default()) }) {
            *state.pool(pool) = state.pool(pool).sweep(lease);
            self.give_up(&mut state, index, done, then);
            next.push((Step::GiveBack { worker: index as u8, pool, then }, state));
        }
    }

    pub fn deliver(&self, state: &State, index: usize, next: &mut Next) {
        let mut state = *state;
        let worker = state.workers[index];
        let shown = worker.shown();
        state.breach = self.delivery_breach(&state, worker.message, shown);
        state.delivered[usize::from(worker.message)].get_or_insert(shown);
        match self.rules.hold(Clause::CommitBeforeDelivery) {
            true => state.workers[index].end(),
            false => state.workers[index].phase = Phase::Settling { done: Set::default() },
        }
        next.push((Step::Deliver { worker: index as u8, shown }, state));
    }

    fn delivery_breach(&self, state: &State, message: MessageId, shown: Shown) -> Option<Breach> {
        if state.released.has(message) {
            return Some(Breach::DeliveredAfterRelease);
        }
        let of_others = |(till, code): (usize, Option<Code>)| {
            self.configuration.tills[till] != message && shown.contains(&code.map(Choice::Code))
        };
        if state.told.into_iter().enumerate().filter(|(_, code)| code.is_some()).any(of_others) {
            return Some(Breach::UsedCodeShown);
        }
        let before = state.delivered[usize::from(message)]?;
        (before != shown).then_some(Breach::OtherCodes)
    }

    pub fn crash(&self, state: &State, index: usize, next: &mut Next) {
        if let Some(crashes) = state.crashes.checked_sub(1) {
            let mut state = State { crashes, ..*state };
            state.workers[index].end();
            next.push((Step::Crash { worker: index as u8 }, state));
        }
    }

    pub fn disturb(state: &mut State, lease: Lease, pool: u8, key: Key) {
        let holds = |worker: &Worker| worker.answers().any(|seen| (seen.pool, seen.key) == (pool, key));
        for worker in state.workers.iter_mut().filter(|worker| worker.lease != lease && holds(worker)) {
            worker.undisturbed = false;
        }
    }

    /// A call leaves; the network may keep a copy of it.
    pub fn send(state: &State, packet: Packet) -> impl Iterator<Item = State> {
        let resends = state.resends.checked_sub(1).filter(|_| state.late.is_none());
        let copied = resends.map(|resends| State { late: Some(packet), resends, ..*state });
        iter::once(*state).chain(copied)
    }
}
