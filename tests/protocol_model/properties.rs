//! What must never happen.

use crate::configurations::{CODES, MESSAGES, POOLS};
use crate::model::Model;
use crate::set::Set;
use crate::state::{Shown, State};
use crate::store::{Choice, Code, MessageId, Pool};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breach {
    TwoCustomers,
    OtherCodes,
    DeliveredGone,
    DeliveredAfterRelease,
    CodeLost,
    FailedKeeps,
    SpuriousEmpty,
    RefusedThoughAlive,
    Stuck,
    UsedTwice,
    UsedAgain,
    UsedCodeShown,
    VoidAccepted,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TwoCustomers => "two customers were shown one code",
            Self::OtherCodes => "a message was delivered twice, with different codes",
            Self::DeliveredGone => "a delivered code is no longer bound to its message",
            Self::DeliveredAfterRelease => "a message was delivered after it was released by hand",
            Self::CodeLost => "available, reserved and assigned codes are not the imported ones",
            Self::FailedKeeps => "a failed message keeps what is only reserved",
            Self::SpuriousEmpty => "a message ended as pool_empty although codes were there",
            Self::RefusedThoughAlive => "a living sender was refused although nobody touched what it holds",
            Self::Stuck => "the senders can no longer end unless one of them stalls",
            Self::UsedTwice => "two tills were told that they have used one code",
            Self::UsedAgain => "a use that was taken back came again",
            Self::UsedCodeShown => "a code that somebody has used was given to somebody else",
            Self::VoidAccepted => "a code that had ended was accepted for delivery",
        })
    }
}

impl Model {
    /// What is wrong in this state, if only `target` counts.
    pub fn breaches(&self, state: &State, target: Option<Breach>) -> Option<Breach> {
        let wrong = |breach: Breach| target.is_none_or(|target| target == breach);
        let found = |breach: Breach, holds: bool| (wrong(breach) && holds).then_some(breach);
        state
            .breach
            .filter(|&breach| wrong(breach))
            .or_else(|| found(Breach::CodeLost, self.loses_a_code(state)))
            .or_else(|| found(Breach::TwoCustomers, self.shows_one_code_twice(state)))
            .or_else(|| found(Breach::DeliveredGone, self.forgets_a_delivery(state)))
            .or_else(|| found(Breach::UsedTwice, self.uses_one_code_twice(state)))
            .or_else(|| found(Breach::UsedAgain, self.uses_again(state)))
            .or_else(|| found(Breach::SpuriousEmpty, self.ended_empty_beside_stock(state)))
    }

    fn loses_a_code(&self, state: &State) -> bool {
        (0..POOLS).any(|pool| {
            let Pool { available, void, .. } = state.pools[pool];
            let bound: Vec<Code> = state.pools[pool].codes_bound().filter(|&code| !void.has(code)).collect();
            let all: Set = available.iter().chain(bound.iter().copied()).chain(void.iter()).collect();
            all != self.imported(state, pool) || available.len() + void.len() + bound.len() as u32 != all.len()
        })
    }

    fn uses_one_code_twice(&self, state: &State) -> bool {
        let [one, other] = state.told;
        one.is_some() && one == other
    }

    fn uses_again(&self, state: &State) -> bool {
        state.rolled_back.iter().any(|event| state.pools.iter().any(|pool| pool.uses[usize::from(event)].is_some()))
    }

    fn imported(&self, state: &State, pool: usize) -> Set {
        let imports = (0..).zip(&self.configuration.imports).filter(|(index, _)| !state.imports.has(*index));
        let here = imports.filter(|(_, import)| usize::from(import.0) == pool).map(|(_, import)| import.1);
        self.configuration.stock[pool].codes.union(here.collect())
    }

    /// What was delivered and not released by hand since.
    fn deliveries(&self, state: &State) -> impl Iterator<Item = (MessageId, Shown)> {
        let released = state.released;
        (0..)
            .zip(state.delivered)
            .filter_map(move |(message, shown)| Some((message, shown?)).filter(|_| !released.has(message)))
    }

    fn shows_one_code_twice(&self, state: &State) -> bool {
        let customer = |message: MessageId| self.configuration.messages[usize::from(message)].customer;
        (0..CODES.len() as Code).any(|code| {
            let mut customers = self
                .deliveries(state)
                .filter(|(_, shown)| shown.contains(&Some(Choice::Code(code))))
                .map(|(id, _)| customer(id));
            customers.next().is_some_and(|first| customers.any(|other| other != first))
        })
    }

    fn forgets_a_delivery(&self, state: &State) -> bool {
        self.deliveries(state).any(|(message, shown)| {
            (0..).zip(shown).any(|(claim, choice)| match choice {
                Some(Choice::Code(_)) => !self.is_bound(state, message, claim, choice),
                _ => false,
            })
        })
    }

    fn is_bound(&self, state: &State, message: MessageId, claim: usize, choice: Option<Choice>) -> bool {
        let key = self.key(message, claim);
        state.pools.iter().any(|pool| pool.choice(key) == choice)
    }

    fn ended_empty_beside_stock(&self, state: &State) -> bool {
        !state.told_empty.is_empty()
            && state.is_over()
            && (0..MESSAGES as MessageId).any(|message| {
                state.told_empty.has(message)
                    && state.delivered[usize::from(message)].is_none()
                    && self.could_be_served(state, message)
            })
    }

    fn could_be_served(&self, state: &State, message: MessageId) -> bool {
        let stock = |pool: u8| state.pools[usize::from(pool)].available.len();
        (0..).zip(self.claims(message)).all(|(claim, &(pool, _))| {
            let key = self.key(message, claim);
            let is_valid = |pool: &Pool| matches!(pool.choice(key), Some(Choice::Code(code)) if !pool.void.has(code));
            let bound = state.pools.iter().any(is_valid);
            bound || stock(pool) + self.overflow_of(pool).map_or(0, stock) > 0
        })
    }
}
