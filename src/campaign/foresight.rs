//! What messages will probably claim, learnt from those before them, so that it can be reserved before they render.
//!
//! A guess saves a message its second render. It must not be felt by anybody: it is made only where a pool has plenty and
//! nothing but its stock decides who gets a voucher, and what a message does not show after all goes back when its lease is
//! settled.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::attempt::{Draft, Stage};
use crate::voucher::{Limits, Lookup, PoolName, PoolStatus, Width};

/// How many messages are watched before the first guess.
const WATCHED: u64 = 16;
/// When so many messages have been counted, the older ones begin to count for less.
const MEMORY: u64 = 4096;
/// A pool has plenty where it has so many times what a guess takes.
const PLENTY: u64 = 32;
/// How long a look at a pool counts.
const LOOK: Duration = Duration::from_secs(1);
/// How many vouchers of a pool are reserved ahead for one message at most.
const MOST_AHEAD: u32 = 64;

/// Learns what messages of one template claim, and guesses what the next ones will.
pub(super) struct Foresight {
    lookup: Arc<dyn Lookup>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// Whether somebody looks at what a guess would change.
    is_off: bool,
    messages: u64,
    /// How many of these messages showed each claim.
    claims: Vec<(PoolName, Width, u64)>,
    pools: HashMap<PoolName, Stock>,
}

/// A pool as it was when it was looked at.
struct Stock {
    looked: Instant,
    /// How many vouchers it had; none where a guess could be felt.
    available: u64,
    /// How many were asked for since, in earnest or on a guess.
    taken: u64,
}

impl Foresight {
    pub(super) fn new(lookup: Arc<dyn Lookup>) -> Foresight {
        Foresight { lookup, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what complete messages show.
    pub(super) fn learn(&self, drafts: &[Draft]) {
        let mut memory = self.memory();
        for draft in drafts {
            if let Stage::Complete(rendered) = &draft.stage {
                memory.messages += 1;
                rendered.vouchers.iter().for_each(|used| memory.count(&used.pool, used.width));
            }
        }
        if memory.messages >= MEMORY {
            memory.fade();
        }
    }

    /// Takes note of what messages ask for in earnest.
    pub(super) fn note_asked<'a>(&self, pools: impl Iterator<Item = &'a PoolName>) {
        let mut memory = self.memory();
        for pool in pools {
            if let Some(stock) = memory.pools.get_mut(pool) {
                stock.taken += 1;
            }
        }
    }

    /// Guesses no more: the template looks at how many vouchers there are.
    pub(super) fn stop(&self) {
        self.memory().is_off = true;
    }

    /// Leaves pools alone until they are looked at again.
    pub(super) fn spare(&self, pools: &BTreeSet<PoolName>) {
        let stock = || Stock { looked: Instant::now(), available: 0, taken: 0 };
        self.memory().pools.extend(pools.iter().map(|pool| (pool.clone(), stock())));
    }

    /// What each of so many messages will probably claim.
    pub(super) async fn guess(&self, messages: usize) -> Vec<(PoolName, Width)> {
        let mut likely = self.memory().likely();
        let mut pools: HashMap<PoolName, u64> = HashMap::new();
        for (pool, _) in &likely {
            *pools.entry(pool.clone()).or_default() += messages as u64;
        }
        for (pool, count) in pools {
            if !self.may_take(&pool, count).await {
                likely.retain(|(name, _)| *name != pool);
            }
        }
        likely
    }

    /// Which claims come after the n-th of a pool in one message, if it goes on as it did: as many as there were before.
    pub(super) async fn ahead(&self, pool: &PoolName, width: Width) -> Vec<Width> {
        let Width::Occurrence(n) = width else { return Vec::new() };
        let ahead = (n - 1).min(MOST_AHEAD);
        let may = ahead > 0 && !self.memory().is_off && self.may_take(pool, ahead.into()).await;
        if may { (n + 1..=n + ahead).map(Width::Occurrence).collect() } else { Vec::new() }
    }

    /// Whether so many vouchers of a pool may be taken on a guess; if so, they count as taken.
    async fn may_take(&self, pool: &PoolName, count: u64) -> bool {
        if let Some(may) = self.memory().take(pool, count) {
            return may;
        }
        // Who cannot be looked at is not guessed about; the store says what is wrong when it is asked in earnest.
        let status = self.lookup.pool(pool).await.ok().flatten();
        let available = status.as_ref().map_or(0, felt_by_nobody);
        let mut memory = self.memory();
        memory.pools.insert(pool.clone(), Stock { looked: Instant::now(), available, taken: 0 });
        memory.take(pool, count).unwrap_or(false)
    }
}

/// How many vouchers of a pool guesses may count on: none where a limit could be reached by them, or where a rule decides who
/// gets one; and not those that web layers could not take any more.
fn felt_by_nobody(status: &PoolStatus) -> u64 {
    let settings = &status.settings;
    let is_free = !settings.paused && settings.limits == Limits::default() && settings.eligible.is_none();
    if is_free { status.counts.available.saturating_sub(settings.floor) } else { 0 }
}

impl Memory {
    fn count(&mut self, pool: &PoolName, width: Width) {
        match self.claims.iter_mut().find(|(name, of, _)| name == pool && *of == width) {
            Some((.., count)) => *count += 1,
            None => self.claims.push((pool.clone(), width, 1)),
        }
    }

    fn fade(&mut self) {
        self.messages /= 2;
        self.claims.iter_mut().for_each(|(.., count)| *count /= 2);
        self.claims.retain(|(.., count)| *count > 0);
    }

    /// The claims that more messages made than not.
    fn likely(&self) -> Vec<(PoolName, Width)> {
        if self.is_off || self.messages < WATCHED {
            return Vec::new();
        }
        let likely = self.claims.iter().filter(|(.., count)| count * 2 > self.messages);
        likely.map(|(pool, width, _)| (pool.clone(), *width)).collect()
    }

    /// Whether so many may be taken from a pool; `None` where it has to be looked at first.
    fn take(&mut self, pool: &PoolName, count: u64) -> Option<bool> {
        let stock = self.pools.get_mut(pool)?;
        let left = stock.available.saturating_sub(stock.taken);
        let has_plenty = left / PLENTY >= count;
        if stock.looked.elapsed() >= LOOK || (has_plenty && left <= stock.available / 2) {
            return None;
        }
        if has_plenty {
            stock.taken += count;
        }
        Some(has_plenty)
    }
}
