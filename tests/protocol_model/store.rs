//! The store, one pool of it: every function is one atomic step (one script call, one transaction).

use crate::configurations::TILLS;
use crate::rules::{Clause, Rules};
use crate::set::Set;

pub const KEYS: usize = 4;

pub type Code = u8;
pub type Key = u8;
pub type Lease = u8;
pub type MessageId = u8;
pub type Event = u8;

/// What a key is bound to in a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    Code(Code),
    Overflow,
    Fallback,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    Reserved(Lease),
    Assigned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Binding {
    pub choice: Choice,
    pub mark: Mark,
    pub test: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pool {
    pub available: Set,
    pub bindings: [Option<Binding>; KEYS],
    pub retired: Set,
    /// The code that each event uses.
    pub uses: [Option<Code>; TILLS],
    /// The events that have their answer.
    pub events: Set,
    pub void: Set,
    pub when_empty: Option<Choice>,
}

/// One claim as it reaches the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    pub message: MessageId,
    pub key: Key,
    pub test: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Bound { choice: Choice, found: bool },
    Contended,
    Empty,
    Retired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    Refused,
    Retired,
}

impl Pool {
    /// Every way in which the pool may answer a claim: it picks among its codes at random.
    pub fn reserve(self, lease: Lease, claim: Claim, rules: Rules) -> Vec<(Answer, Self)> {
        if self.retired.has(claim.message) {
            return vec![(Answer::Retired, self)];
        }
        if let Some(binding) = self.bindings[usize::from(claim.key)].filter(|binding| !self.is_void(*binding)) {
            return vec![(Answer::Bound { choice: binding.choice, found: true }, self.touch(lease, claim.key, rules))];
        }
        if !self.available.is_empty() {
            return self.available.iter().map(|code| self.bind(lease, claim, Choice::Code(code))).collect();
        }
        if rules.hold(Clause::EmptyIsExact) && self.others_reserve(lease) {
            return vec![(Answer::Contended, self)];
        }
        match self.when_empty {
            None => vec![(Answer::Empty, self)],
            Some(choice) if rules.hold(Clause::ChoiceIsBound) => vec![self.bind(lease, claim, choice)],
            Some(choice) => vec![(Answer::Bound { choice, found: false }, self)],
        }
    }

    fn touch(mut self, lease: Lease, key: Key, rules: Rules) -> Self {
        if let Some(Binding { mark: Mark::Reserved(tag), .. }) = &mut self.bindings[usize::from(key)]
            && rules.hold(Clause::OneTag)
        {
            *tag = lease;
        }
        self
    }

    fn bind(mut self, lease: Lease, claim: Claim, choice: Choice) -> (Answer, Self) {
        if let Choice::Code(code) = choice {
            self.available.remove(code);
        }
        self.bindings[usize::from(claim.key)] = Some(Binding { choice, mark: Mark::Reserved(lease), test: claim.test });
        (Answer::Bound { choice, found: false }, self)
    }

    /// Assigns what `message` keeps if all of it still stands, then gives back the rest of the lease.
    pub fn settle(
        mut self,
        lease: Lease,
        message: MessageId,
        kept: impl Iterator<Item = (Key, Choice)> + Clone,
        living: bool,
        rules: Rules,
    ) -> (Verdict, Self) {
        let stands = |(key, choice): (Key, Choice)| {
            self.bindings[usize::from(key)].is_some_and(|binding| {
                let is_over = rules.hold(Clause::VoidCannotSettle) && self.is_void(binding);
                binding.choice == choice && !is_over
            })
        };
        let accepted = if rules.hold(Clause::SettleCompares) { kept.clone().all(stands) } else { living };
        let verdict = match accepted {
            _ if rules.hold(Clause::RetiredCannotSettle) && self.retired.has(message) => Verdict::Retired,
            true => Verdict::Accepted,
            false => Verdict::Refused,
        };
        if verdict == Verdict::Accepted {
            for (key, _) in kept.filter(|pair| self.choice(pair.0) == Some(pair.1)).collect::<Vec<_>>() {
                self.assign(key);
            }
        }
        (verdict, self.sweep(lease))
    }

    /// A settle that keeps nothing: for a message that failed, or on behalf of a lease that ran out.
    pub fn sweep(mut self, lease: Lease) -> Self {
        self.free(|_, binding| binding.mark == Mark::Reserved(lease));
        self
    }

    /// Rule 4 broken: an assignment is undone.
    pub fn unassign(&mut self, key: Key) {
        self.free(|bound, binding| bound == key && binding.mark == Mark::Assigned);
    }

    /// The operator releases a message: its own keys go back and its id is retired, in one step.
    pub fn release(&mut self, message: MessageId, keys: Set, rules: Rules) {
        let uses = self.uses;
        let is_used = |choice| uses.into_iter().flatten().any(|code| choice == Choice::Code(code));
        self.free(|key, binding| keys.has(key) && !(rules.hold(Clause::UsedStays) && is_used(binding.choice)));
        if rules.hold(Clause::ReleaseRetires) {
            self.retired.insert(message);
        }
    }

    /// The operator takes back what test messages were assigned.
    pub fn reclaim_test(&mut self) {
        self.free(|_, binding| binding.test && binding.mark == Mark::Assigned);
    }

    /// Whether an event may use a code, or has used it.
    pub fn may_use(&self, event: Event, code: Code, rules: Rules) -> bool {
        if rules.hold(Clause::EventIsRemembered) && self.events.has(event) {
            return self.uses[usize::from(event)] == Some(code);
        }
        let is_assigned = |binding: &Binding| binding.choice == Choice::Code(code) && binding.mark == Mark::Assigned;
        self.bindings.iter().flatten().any(is_assigned) && !self.void.has(code) && !self.uses.contains(&Some(code))
    }

    /// The answer of an event from now on.
    pub fn mark(&mut self, event: Event, code: Code, is_used: bool) {
        self.events.insert(event);
        if is_used {
            self.uses[usize::from(event)] = Some(code);
        }
    }

    /// The operator ends what a key is bound to, whoever holds it. A used code stays as it is.
    pub fn end(&mut self, key: Key) -> bool {
        match self.choice(key) {
            Some(Choice::Code(code)) if !self.uses.contains(&Some(code)) && !self.void.has(code) => {
                self.void.insert(code);
                true
            }
            _ => false,
        }
    }

    fn is_void(&self, binding: Binding) -> bool {
        matches!(binding.choice, Choice::Code(code) if self.void.has(code))
    }

    pub fn choice(&self, key: Key) -> Option<Choice> {
        self.bindings[usize::from(key)].map(|binding| binding.choice)
    }

    pub fn leases(&self) -> impl Iterator<Item = Lease> {
        self.bindings.iter().flatten().filter_map(|binding| match binding.mark {
            Mark::Reserved(lease) => Some(lease),
            Mark::Assigned => None,
        })
    }

    pub fn codes_bound(&self) -> impl Iterator<Item = Code> {
        self.bindings.iter().flatten().filter_map(|binding| match binding.choice {
            Choice::Code(code) => Some(code),
            Choice::Overflow | Choice::Fallback => None,
        })
    }

    fn others_reserve(&self, lease: Lease) -> bool {
        self.leases().any(|tag| tag != lease)
    }

    fn assign(&mut self, key: Key) {
        if let Some(binding) = &mut self.bindings[usize::from(key)] {
            binding.mark = Mark::Assigned;
        }
    }

    fn free(&mut self, goes: impl Fn(Key, Binding) -> bool) {
        for (key, slot) in (0..).zip(&mut self.bindings) {
            let Some(binding) = slot.take_if(|binding| goes(key, *binding)) else { continue };
            match binding.choice {
                Choice::Code(code) if !self.void.has(code) => self.available.insert(code),
                _ => {}
            }
        }
    }
}
