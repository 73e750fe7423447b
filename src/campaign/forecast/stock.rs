//! What is left of each pool while an audience is counted.

use std::collections::BTreeMap;

use super::Upcoming;
use crate::voucher::{Count, PoolName, PoolStatus, Refusal};

/// What is left of each pool while the audience is counted.
pub(super) struct Stock(BTreeMap<PoolName, Shelf>);

struct Shelf {
    at_first: Count,
    left: u64,
    paused: bool,
    overflow: Option<PoolName>,
    fallback: bool,
}

impl Stock {
    pub(super) fn new(pools: Vec<PoolStatus>, upcoming: &Upcoming) -> Stock {
        let mut stock: BTreeMap<PoolName, Shelf> =
            pools.into_iter().map(|pool| (pool.name.clone(), Shelf::new(pool))).collect();
        for (pool, (added, settings)) in upcoming {
            let shelf = stock.entry(pool.clone()).or_insert_with(Shelf::empty);
            shelf.at_first.available += added;
            shelf.at_first.total += added;
            shelf.left += added;
            if let Some(settings) = settings {
                shelf.overflow.clone_from(&settings.overflow);
                shelf.fallback = settings.fallback.is_some();
            }
        }
        Stock(stock)
    }

    pub(super) fn refusal(&self, pool: &PoolName) -> Option<Refusal> {
        match self.0.get(pool) {
            None => Some(Refusal::UnknownPool),
            Some(shelf) => shelf.paused.then_some(Refusal::PoolPaused),
        }
    }

    pub(super) fn count(&self, pool: &PoolName) -> Option<Count> {
        self.0.get(pool).map(|shelf| Count { available: shelf.left, total: shelf.at_first.total })
    }

    pub(super) fn available_at_first(&self, pool: &PoolName) -> u64 {
        self.0.get(pool).map_or(0, |shelf| shelf.at_first.available)
    }

    /// Takes one from the pool or its overflow chain; whether there was one, or a fallback code in its place.
    pub(super) fn take(&mut self, pool: &PoolName) -> bool {
        let (mut next, mut fallback, mut steps) = (Some(pool.clone()), false, 0);
        while let (Some(name), true) = (next.take(), steps <= self.0.len()) {
            let Some(shelf) = self.0.get_mut(&name) else { break };
            if shelf.left > 0 && !shelf.paused {
                shelf.left -= 1;
                return true;
            }
            fallback |= shelf.fallback;
            next.clone_from(&shelf.overflow);
            steps += 1;
        }
        fallback
    }
}

impl Shelf {
    fn empty() -> Shelf {
        Shelf { at_first: Count::default(), left: 0, paused: false, overflow: None, fallback: false }
    }

    fn new(pool: PoolStatus) -> Shelf {
        let at_first = Count { available: pool.counts.available, total: pool.counts.total };
        let PoolStatus { settings, .. } = pool;
        let fallback = settings.fallback.is_some();
        Shelf { at_first, left: at_first.available, paused: settings.paused, overflow: settings.overflow, fallback }
    }
}
