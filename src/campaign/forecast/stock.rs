//! What is left of each pool while an audience is counted.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Upcoming;
use crate::voucher::{Count, PoolName, PoolSettings, PoolStatus, Refusal};

/// What is left of each pool while the audience is counted.
pub(super) struct Stock(BTreeMap<PoolName, Shelf>);

#[derive(Default)]
struct Shelf {
    at_first: Count,
    left: u64,
    over: bool,
    settings: PoolSettings,
}

impl Stock {
    pub(super) fn new(pools: Vec<PoolStatus>, upcoming: &Upcoming, now: Timestamp) -> Stock {
        let mut stock: BTreeMap<PoolName, Shelf> =
            pools.into_iter().map(|pool| (pool.name.clone(), Shelf::new(pool))).collect();
        for (pool, (added, settings)) in upcoming {
            let shelf = stock.entry(pool.clone()).or_default();
            shelf.at_first.available += added;
            shelf.at_first.total += added;
            if let Some(settings) = settings {
                shelf.settings = PoolSettings { paused: shelf.settings.paused, ..settings.clone() };
            }
        }
        stock.values_mut().for_each(|shelf| shelf.open(now));
        Stock(stock)
    }

    pub(super) fn refusal(&self, pool: &PoolName) -> Option<Refusal> {
        match self.0.get(pool) {
            None => Some(Refusal::UnknownPool),
            Some(shelf) => shelf.settings.paused.then_some(Refusal::PoolPaused),
        }
    }

    pub(super) fn count(&self, pool: &PoolName) -> Option<Count> {
        self.0.get(pool).map(|shelf| Count { available: shelf.left, total: shelf.at_first.total })
    }

    pub(super) fn available_at_first(&self, pool: &PoolName) -> u64 {
        self.0.get(pool).map_or(0, |shelf| shelf.at_first.available)
    }

    /// Takes one from the pool or its overflow chain.
    pub(super) fn take(&mut self, pool: &PoolName) -> Taken {
        let (mut next, mut otherwise, mut steps) = (Some(pool.clone()), Taken::Nothing, 0);
        while let (Some(name), true) = (next.take(), steps <= self.0.len()) {
            let Some(shelf) = self.0.get_mut(&name) else { break };
            if !shelf.settings.paused {
                if shelf.left > 0 {
                    shelf.left -= 1;
                    return Taken::Voucher;
                }
                otherwise = otherwise.max(shelf.otherwise());
            }
            next.clone_from(&shelf.settings.overflow);
            steps += 1;
        }
        otherwise
    }
}

/// What a claim would get. Of what comes without stock, a fallback code goes before one that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Taken {
    /// Nothing.
    Nothing,
    /// A code that is made for it.
    Made,
    /// A fallback code.
    Fallback,
    /// A voucher of the stock.
    Voucher,
}

impl Shelf {
    fn new(pool: PoolStatus) -> Shelf {
        let at_first = Count { available: pool.counts.available, total: pool.counts.total };
        Shelf { at_first, left: 0, over: false, settings: pool.settings }
    }

    /// What comes into a pool whose time is over expires at once.
    fn open(&mut self, now: Timestamp) {
        self.over = self.settings.expires_at.is_some_and(|end| end <= now);
        if self.over {
            self.at_first.available = 0;
        }
        self.left = self.at_first.available;
    }

    /// What it has for who finds it empty.
    fn otherwise(&self) -> Taken {
        match &self.settings {
            PoolSettings { fallback: Some(_), .. } => Taken::Fallback,
            PoolSettings { pattern: Some(_), .. } if !self.over => Taken::Made,
            _ => Taken::Nothing,
        }
    }
}
