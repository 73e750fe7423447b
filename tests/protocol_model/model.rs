//! A configuration under a set of rules: where it starts and every step that may come next.

use crate::configurations::{Configuration, SPRING, SUMMER, WORKERS, Width};
use crate::rules::{Clause, Rules};
use crate::set::Set;
use crate::state::{Phase, State, Worker};
use crate::step::Step;
use crate::store::{Choice, Key, MessageId, Pool};

/// A configuration under a set of rules, its keys numbered.
#[derive(Debug)]
pub struct Model {
    pub configuration: Configuration,
    pub rules: Rules,
    keys: Vec<KeyName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyName {
    Message(MessageId),
    Customer { customer: u8, test: bool },
}

pub type Next = Vec<(Step, State)>;

impl Model {
    pub fn new(configuration: Configuration, rules: Rules) -> Self {
        let mut model = Self { configuration, rules, keys: Vec::new() };
        for message in 0..model.configuration.messages.len() as MessageId {
            for claim in 0..model.claims(message).len() {
                let name = model.key_name(message, claim);
                if !model.keys.contains(&name) {
                    model.keys.push(name);
                }
            }
        }
        model
    }

    pub fn initial(&self) -> State {
        let pools = self.configuration.stock.map(|stock| Pool {
            available: stock.codes,
            when_empty: stock.when_empty,
            ..Pool::default()
        });
        let mut state = State {
            pools,
            workers: [Worker::IDLE; WORKERS],
            late: None,
            crashes: self.configuration.crashes,
            resends: self.configuration.resends,
            imports: (0..self.configuration.imports.len() as u8).collect(),
            operations: (0..self.configuration.operations.len() as u8).collect(),
            delivered: Default::default(),
            released: Set::default(),
            told_empty: Set::default(),
            looked: Default::default(),
            told: Default::default(),
            rolled_back: Set::default(),
            breach: None,
        };
        for (worker, &message) in self.configuration.workers.iter().enumerate() {
            state.workers[worker].message = message;
            self.begin(&mut state, worker);
        }
        state
    }

    /// Every step that may come next, with the state after it.
    pub fn steps(&self, state: &State) -> Next {
        let mut next = Next::new();
        let state = State { breach: None, ..*state };
        for worker in 0..WORKERS {
            match state.workers[worker].phase {
                Phase::Asking { claim, pool } => self.ask(&state, worker, claim, pool, &mut next),
                Phase::Settling { done } => {
                    self.settle(&state, worker, done, &mut next);
                    self.fail_to_render(&state, worker, done, &mut next);
                }
                Phase::Delivering => self.deliver(&state, worker, &mut next),
                Phase::GivingBack { done, then } => self.give_back(&state, worker, done, then, &mut next),
                Phase::Ended => continue,
            }
            self.crash(&state, worker, &mut next);
        }
        self.sweep(&state, &mut next);
        self.arrive_late(&state, &mut next);
        self.import(&state, &mut next);
        self.operate(&state, &mut next);
        self.use_codes(&state, &mut next);
        next
    }

    pub fn claims(&self, message: MessageId) -> &'static [(u8, Width)] {
        self.configuration.messages[usize::from(message)].claims
    }

    pub fn key(&self, message: MessageId, claim: usize) -> Key {
        let name = self.key_name(message, claim);
        self.keys.iter().position(|&key| key == name).expect("every key is numbered") as Key
    }

    /// Rule 7: a key is made of mode and width. (A message id is bound to its mode anyway.)
    fn key_name(&self, message: MessageId, claim: usize) -> KeyName {
        let of = &self.configuration.messages[usize::from(message)];
        match of.claims[claim].1 {
            Width::Message => KeyName::Message(message),
            Width::Customer => KeyName::Customer {
                customer: of.customer as u8,
                test: of.test && self.rules.hold(Clause::ModesDoNotMix),
            },
        }
    }

    /// The pool that serves a claim when `pool` is empty.
    pub fn overflow_of(&self, pool: u8) -> Option<u8> {
        let falls = self.configuration.stock[usize::from(pool)].when_empty == Some(Choice::Overflow);
        (pool == SPRING && falls).then_some(SUMMER)
    }
}
