//! What is left of each pool while an audience is counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Upcoming;
use super::limits::LimitCount;
use crate::campaign::rules::Rule;
use crate::voucher::{Channel, Count, CustomerId, LimitUse, Limits, PoolName, PoolSettings, PoolStatus, Refusal};

/// What is left of each pool while the audience is counted.
pub(in crate::campaign) struct Stock {
    shelves: BTreeMap<PoolName, Shelf>,
    /// Whether the last vouchers of a pool are left to others.
    respects_floor: bool,
}

#[derive(Default)]
struct Shelf {
    at_first: Count,
    left: u64,
    over: bool,
    settings: PoolSettings,
    rule: Option<Arc<Rule>>,
    limits: LimitCount,
}

impl Stock {
    pub(in crate::campaign) fn new(
        pools: Vec<PoolStatus>,
        upcoming: &Upcoming,
        channel: Channel,
        now: Timestamp,
    ) -> Stock {
        let mut shelves: BTreeMap<PoolName, Shelf> =
            pools.into_iter().map(|pool| (pool.name.clone(), Shelf::new(pool))).collect();
        for (pool, (added, settings)) in upcoming {
            let shelf = shelves.entry(pool.clone()).or_default();
            shelf.at_first.available += added;
            shelf.at_first.total += added;
            if let Some(settings) = settings {
                shelf.settings = PoolSettings { paused: shelf.settings.paused, ..settings.clone() };
            }
        }
        shelves.iter_mut().for_each(|(name, shelf)| shelf.open(name, now));
        Stock { shelves, respects_floor: channel == Channel::WebLayer }
    }

    /// Why a customer gets nothing new of a pool, whatever its stock.
    pub(in crate::campaign) fn refusal(&self, pool: &PoolName, customer: &CustomerId) -> Option<Refusal> {
        match self.shelves.get(pool) {
            None => Some(Refusal::UnknownPool),
            Some(shelf) if shelf.settings.paused => Some(Refusal::PoolPaused),
            Some(_) => self.reaches_limit(pool, customer, 0).then_some(Refusal::LimitReached),
        }
    }

    /// Whether a limit leaves nothing for a customer that takes `more` of the pool already.
    pub(in crate::campaign) fn reaches_limit(&self, pool: &PoolName, customer: &CustomerId, more: u64) -> bool {
        let shelf = self.shelves.get(pool);
        shelf.is_some_and(|shelf| shelf.limits.is_reached(&shelf.settings.limits, customer, more))
    }

    /// Whether it has to be looked up what counts for a customer in a pool.
    pub(in crate::campaign) fn lacks_limit_use(&self, pool: &PoolName, customer: &CustomerId) -> bool {
        let shelf = self.shelves.get(pool);
        shelf.is_some_and(|shelf| shelf.settings.limits != Limits::default() && !shelf.limits.knows(customer))
    }

    pub(in crate::campaign) fn learn_limit_use(&mut self, pool: &PoolName, customers: Vec<CustomerId>, used: LimitUse) {
        if let Some(shelf) = self.shelves.get_mut(pool) {
            shelf.limits.learn(customers, used);
        }
    }

    /// The next batch has other customers.
    pub(in crate::campaign) fn end_batch(&mut self) {
        self.shelves.values_mut().for_each(|shelf| shelf.limits.end_batch());
    }

    pub(in crate::campaign) fn rule(&self, pool: &PoolName) -> Option<Arc<Rule>> {
        self.shelves.get(pool)?.rule.clone()
    }

    pub(in crate::campaign) fn count(&self, pool: &PoolName) -> Option<Count> {
        self.shelves.get(pool).map(|shelf| Count { available: shelf.left, total: shelf.at_first.total })
    }

    /// How many vouchers of a pool the audience could have at first.
    pub(in crate::campaign) fn available_at_first(&self, pool: &PoolName) -> u64 {
        self.shelves.get(pool).map_or(0, |shelf| shelf.above_floor(shelf.at_first.available, self.respects_floor))
    }

    /// Takes one from the pool or its overflow chain for a customer.
    pub(in crate::campaign) fn take(&mut self, pool: &PoolName, customer: &CustomerId) -> Taken {
        if let Some(shelf) = self.shelves.get_mut(pool) {
            shelf.limits.add(customer);
        }
        let (mut next, mut otherwise, mut steps) = (Some(pool.clone()), Taken::Nothing, 0);
        while let (Some(name), true) = (next.take(), steps <= self.shelves.len()) {
            let Some(shelf) = self.shelves.get_mut(&name) else { break };
            if !shelf.settings.paused {
                if shelf.above_floor(shelf.left, self.respects_floor) > 0 {
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
pub(in crate::campaign) enum Taken {
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
        Shelf { at_first, settings: pool.settings, ..Shelf::default() }
    }

    /// What comes into a pool whose time is over expires at once.
    fn open(&mut self, name: &PoolName, now: Timestamp) {
        self.over = self.settings.expires_at.is_some_and(|end| end <= now);
        if self.over {
            self.at_first.available = 0;
        }
        self.left = self.at_first.available;
        self.rule = Rule::of(name, &self.settings).map(Arc::new);
    }

    fn above_floor(&self, vouchers: u64, respects_floor: bool) -> u64 {
        if respects_floor { vouchers.saturating_sub(self.settings.floor) } else { vouchers }
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
