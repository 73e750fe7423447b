//! The mark under which one attempt reserves.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt;

use super::PoolName;

/// One attempt at one batch of messages: what is reserved under it is settled or goes back together.
#[derive(Debug, Clone)]
pub struct Lease {
    /// New for each attempt; never used again.
    pub id: LeaseId,
    /// How long the store waits for a sign of life before anyone may give back what is reserved, by the store's clock.
    pub time: Duration,
    touched: Arc<Mutex<Touched>>,
}

/// Where a lease may hold something.
#[derive(Debug, Default)]
struct Touched {
    pools: BTreeSet<PoolName>,
    by_overflow: bool,
}

impl Lease {
    /// How long a lease lasts unless it is renewed.
    pub const TIME: Duration = Duration::from_secs(60);

    /// A new lease of `time`.
    pub fn new(time: Duration) -> Lease {
        Lease { id: LeaseId(rand::rng().random_range(1..=i64::MAX as u64)), time, touched: Arc::default() }
    }

    /// Takes note that the lease may hold something in a pool: a store that keeps pools apart has to end it there.
    pub fn touch(&self, pool: &PoolName, by_overflow: bool) {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        touched.by_overflow |= by_overflow;
        if !touched.pools.contains(pool) {
            touched.pools.insert(pool.clone());
        }
    }

    /// The pools in which the lease may hold something.
    pub fn touched(&self) -> Vec<PoolName> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).pools.iter().cloned().collect()
    }

    /// Whether the lease may hold something that another pool's overflow took.
    pub fn touched_by_overflow(&self) -> bool {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).by_overflow
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
