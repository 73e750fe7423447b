//! The mark under which one attempt reserves.

use std::fmt;
use std::time::Duration;

use rand::RngExt;

/// One attempt at one batch of messages: what is reserved under it is settled or goes back together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// New for each attempt; never used again.
    pub id: LeaseId,
    /// How long the store waits for a sign of life before anyone may give back what is reserved, by the store's clock.
    pub time: Duration,
}

impl Lease {
    /// How long a lease lasts unless it is renewed.
    pub const TIME: Duration = Duration::from_secs(60);

    /// A new lease of `time`.
    pub fn new(time: Duration) -> Lease {
        Lease { id: LeaseId(rand::rng().random_range(1..=i64::MAX as u64)), time }
    }
}

/// The id of a lease: 63 random bits, so that it is a positive integer in every store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(u64);

impl LeaseId {
    /// The id as a number from 1 to 2^63 - 1.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
