//! The handful of small worlds in which the protocol is explored.

use crate::set::Set;
use crate::store::{Choice, Code, Event, MessageId};

pub const POOLS: usize = 2;
pub const WORKERS: usize = 3;
pub const MESSAGES: usize = 3;
pub const CLAIMS: usize = 2;
pub const TILLS: usize = 2;

pub const CODES: [char; 3] = ['x', 'y', 'z'];
pub const POOL_NAMES: [&str; POOLS] = ["spring", "summer"];
/// The pool that another one overflows into stands after it.
pub const SPRING: u8 = 0;
pub const SUMMER: u8 = 1;

const X: u8 = 0;
const Y: u8 = 1;
const Z: u8 = 2;

const M1: MessageId = 0;
const M2: MessageId = 1;
const M3: MessageId = 2;

/// How widely a claim's voucher is reused. (`campaign` behaves as `customer`, `occurrence` as `message`.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Message,
    Customer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Customer {
    Ada,
    Bob,
}

#[derive(Clone, Copy, Debug)]
pub struct Stock {
    pub codes: Set,
    pub when_empty: Option<Choice>,
}

#[derive(Clone, Debug)]
pub struct Message {
    pub customer: Customer,
    pub test: bool,
    pub may_fail: bool,
    pub claims: &'static [(u8, Width)],
}

#[derive(Clone, Copy, Debug)]
pub enum Operation {
    Release(MessageId),
    ReclaimTest,
    /// Ends what the message holds in its first pool.
    Void(MessageId),
    /// Takes back the use at a till.
    RollBack(Event),
}

/// What there is, who works on what, and how much may go wrong.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub name: &'static str,
    pub stock: [Stock; POOLS],
    pub messages: Vec<Message>,
    /// The message that each worker attempts. A retry is a worker that starts late.
    pub workers: Vec<MessageId>,
    pub crashes: u8,
    pub resends: u8,
    pub imports: Vec<(u8, Code)>,
    pub operations: Vec<Operation>,
    /// At each till somebody uses the first code that a message shows, under an event of its own.
    pub tills: Vec<MessageId>,
}

impl Configuration {
    fn new(name: &'static str, spring: &[Code], summer: &[Code]) -> Self {
        let stock = |codes: &[Code]| Stock { codes: codes.iter().copied().collect(), when_empty: None };
        Self {
            name,
            stock: [stock(spring), stock(summer)],
            messages: Vec::new(),
            workers: Vec::new(),
            crashes: 0,
            resends: 0,
            imports: Vec::new(),
            operations: Vec::new(),
            tills: Vec::new(),
        }
    }

    fn spring_falls_to(mut self, choice: Choice) -> Self {
        self.stock[usize::from(SPRING)].when_empty = Some(choice);
        self
    }

    fn message(mut self, customer: Customer, claims: &'static [(u8, Width)]) -> Self {
        self.messages.push(Message { customer, test: false, may_fail: false, claims });
        self
    }

    fn test_message(self, customer: Customer, claims: &'static [(u8, Width)]) -> Self {
        let mut configuration = self.message(customer, claims);
        configuration.messages.last_mut().expect("just added").test = true;
        configuration
    }

    fn failing_message(self, customer: Customer, claims: &'static [(u8, Width)]) -> Self {
        let mut configuration = self.message(customer, claims);
        configuration.messages.last_mut().expect("just added").may_fail = true;
        configuration
    }

    fn workers(self, workers: &[MessageId]) -> Self {
        Self { workers: workers.to_vec(), ..self }
    }

    fn crashes(self, crashes: u8) -> Self {
        Self { crashes, ..self }
    }

    fn resends(self, resends: u8) -> Self {
        Self { resends, ..self }
    }

    fn import(mut self, pool: u8, code: Code) -> Self {
        self.imports.push((pool, code));
        self
    }

    fn operation(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }

    fn till(mut self, message: MessageId) -> Self {
        self.tills.push(message);
        self
    }
}

use Customer::{Ada, Bob};
use Width::{Customer as PerCustomer, Message as PerMessage};

pub fn wider_key() -> Configuration {
    Configuration::new("a wider key shared by two messages", &[X], &[])
        .failing_message(Ada, &[(SPRING, PerCustomer)])
        .message(Ada, &[(SPRING, PerCustomer)])
        .message(Bob, &[(SPRING, PerMessage)])
        .workers(&[M1, M2, M3])
        .crashes(1)
}

pub fn two_workers() -> Configuration {
    Configuration::new("one message in two workers", &[X, Y], &[])
        .failing_message(Ada, &[(SPRING, PerMessage)])
        .message(Bob, &[(SPRING, PerMessage)])
        .workers(&[M1, M1, M2])
        .crashes(1)
}

pub fn late_packet() -> Configuration {
    Configuration::new("a call that arrives again later", &[X, Y], &[])
        .failing_message(Ada, &[(SPRING, PerMessage)])
        .message(Bob, &[(SPRING, PerMessage)])
        .workers(&[M1, M2])
        .crashes(1)
        .resends(1)
}

pub fn two_pools() -> Configuration {
    Configuration::new("two pools, settled one by one", &[X, Z], &[Y])
        .message(Ada, &[(SPRING, PerMessage), (SUMMER, PerMessage)])
        .workers(&[M1, M1])
        .crashes(1)
        .resends(1)
}

pub fn crossed_pools() -> Configuration {
    Configuration::new("two pools, claimed in opposite order", &[X], &[Y])
        .message(Ada, &[(SPRING, PerMessage), (SUMMER, PerMessage)])
        .message(Bob, &[(SUMMER, PerMessage), (SPRING, PerMessage)])
        .workers(&[M1, M2])
        .crashes(1)
        .resends(1)
}

pub fn test_beside_live() -> Configuration {
    Configuration::new("test beside live, with reclaim", &[X, Y], &[])
        .test_message(Ada, &[(SPRING, PerCustomer)])
        .message(Ada, &[(SPRING, PerCustomer)])
        .message(Bob, &[(SPRING, PerMessage)])
        .workers(&[M1, M2, M3])
        .operation(Operation::ReclaimTest)
}

pub fn overflow() -> Configuration {
    Configuration::new("overflow, with a refill", &[], &[Y])
        .spring_falls_to(Choice::Overflow)
        .message(Ada, &[(SPRING, PerMessage)])
        .message(Bob, &[(SUMMER, PerMessage)])
        .workers(&[M1, M1, M2])
        .crashes(1)
        .import(SPRING, X)
}

pub fn fallback() -> Configuration {
    Configuration::new("a fallback code, with a refill", &[], &[])
        .spring_falls_to(Choice::Fallback)
        .message(Ada, &[(SPRING, PerMessage)])
        .workers(&[M1, M1])
        .crashes(1)
        .resends(1)
        .import(SPRING, X)
}

pub fn last_code() -> Configuration {
    Configuration::new("the last code, reserved by a message that may fail", &[X], &[])
        .failing_message(Ada, &[(SPRING, PerMessage)])
        .message(Bob, &[(SPRING, PerMessage)])
        .workers(&[M1, M2])
        .crashes(1)
        .resends(1)
}

pub fn release() -> Configuration {
    Configuration::new("release by hand while a second worker runs", &[X], &[])
        .message(Ada, &[(SPRING, PerMessage)])
        .message(Bob, &[(SPRING, PerMessage)])
        .workers(&[M1, M1, M2])
        .resends(1)
        .operation(Operation::Release(M1))
}

pub fn release_beside_wider_key() -> Configuration {
    Configuration::new("release by hand beside a wider key", &[X], &[])
        .message(Ada, &[(SPRING, PerCustomer)])
        .message(Ada, &[(SPRING, PerCustomer)])
        .message(Bob, &[(SPRING, PerMessage)])
        .workers(&[M1, M2, M3])
        .operation(Operation::Release(M1))
}

pub fn release_of_a_wider_key() -> Configuration {
    Configuration::new("release by hand of a message with a wider key", &[X], &[])
        .message(Ada, &[(SPRING, PerCustomer)])
        .message(Bob, &[(SPRING, PerMessage)])
        .workers(&[M1, M1, M2])
        .resends(1)
        .operation(Operation::Release(M1))
}

pub fn two_tills() -> Configuration {
    Configuration::new("one code at two tills", &[X], &[])
        .message(Ada, &[(SPRING, PerMessage)])
        .workers(&[M1])
        .resends(1)
        .till(M1)
        .till(M1)
}

pub fn use_taken_back() -> Configuration {
    Configuration::new("a use that is taken back", &[X], &[])
        .message(Ada, &[(SPRING, PerMessage)])
        .workers(&[M1])
        .resends(1)
        .till(M1)
        .till(M1)
        .operation(Operation::RollBack(0))
}

pub fn release_of_a_used_code() -> Configuration {
    Configuration::new("release by hand of a message whose code was used", &[X], &[])
        .message(Ada, &[(SPRING, PerMessage)])
        .message(Bob, &[(SPRING, PerMessage)])
        .workers(&[M1, M2])
        .resends(1)
        .till(M1)
        .operation(Operation::Release(M1))
}

pub fn void() -> Configuration {
    Configuration::new("a code that is ended while a message has it", &[X, Y], &[])
        .message(Ada, &[(SPRING, PerMessage)])
        .message(Bob, &[(SPRING, PerMessage)])
        .workers(&[M1, M1, M2])
        .till(M1)
        .operation(Operation::Void(M1))
}

pub fn all() -> Vec<Configuration> {
    vec![
        wider_key(),
        two_workers(),
        late_packet(),
        two_pools(),
        crossed_pools(),
        test_beside_live(),
        overflow(),
        fallback(),
        last_code(),
        release(),
        release_beside_wider_key(),
        release_of_a_wider_key(),
        two_tills(),
        use_taken_back(),
        release_of_a_used_code(),
        void(),
    ]
}
