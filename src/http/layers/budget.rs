//! How often a layer is shown: to one visitor, to one address, to all together.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota};

use super::settings::LayerSettings;
use crate::voucher::CustomerId;

/// How many visitors or addresses are remembered at a time; more than that are refused.
const MOST: usize = 1 << 18;
/// After how many displays those are forgotten who have all of their budget again.
const SWEEP: usize = 1 << 12;

/// The budgets of a layer. Each lets so many displays through at once, and gains as many in a minute, evenly.
#[derive(Debug)]
pub(super) struct Budgets {
    addresses: Shares,
    visitors: Shares,
    layer: DefaultDirectRateLimiter,
}

impl Budgets {
    /// Full budgets.
    pub(super) fn new(settings: &LayerSettings) -> Budgets {
        Budgets {
            addresses: Shares::new(settings.per_address_per_minute),
            visitors: Shares::new(settings.per_visitor_per_minute),
            layer: DefaultDirectRateLimiter::direct(Quota::per_minute(settings.displays_per_minute)),
        }
    }

    /// Takes one display, or says after how long there is one. Nobody's refused displays use up what is for all.
    pub(super) fn take(&self, address: IpAddr, visitor: &CustomerId) -> Result<(), Duration> {
        self.addresses.take(address)?;
        self.visitors.take(visitor.as_str())?;
        self.layer.check().map_err(|refusal| wait(&refusal))
    }
}

/// One budget for each of many.
#[derive(Debug)]
struct Shares {
    /// By hash, so that nobody's id is kept.
    limiter: DefaultKeyedRateLimiter<u64>,
    hashes: RandomState,
    taken: AtomicUsize,
    is_full: AtomicBool,
}

impl Shares {
    fn new(per_minute: NonZeroU32) -> Shares {
        Shares {
            limiter: DefaultKeyedRateLimiter::keyed(Quota::per_minute(per_minute)),
            hashes: RandomState::new(),
            taken: AtomicUsize::new(0),
            is_full: AtomicBool::new(false),
        }
    }

    fn take(&self, whose: impl Hash) -> Result<(), Duration> {
        if self.taken.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
            self.is_full.store(self.limiter.len() >= MOST, Ordering::Relaxed);
        }
        if self.is_full.load(Ordering::Relaxed) {
            return Err(Duration::from_secs(1));
        }
        self.limiter.check_key(&self.hashes.hash_one(whose)).map_err(|refusal| wait(&refusal))
    }
}

fn wait(refusal: &NotUntil<<DefaultClock as Clock>::Instant>) -> Duration {
    refusal.wait_time_from(DefaultClock::default().now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let shares = Shares::new(NonZeroU32::MIN);
        let taken = (0..MOST + 2 * SWEEP).filter(|whose| shares.take(whose).is_ok()).count();
        assert!((MOST..MOST + SWEEP).contains(&taken), "{taken}");
        assert_eq!(shares.limiter.len(), taken);
    }

    #[test]
    fn who_has_all_of_a_budget_again_is_forgotten() {
        let shares = Shares::new(NonZeroU32::MAX);
        let taken = (0..10 * SWEEP).filter(|whose| shares.take(whose).is_ok()).count();
        assert_eq!(taken, 10 * SWEEP);
        assert!(shares.limiter.len() <= SWEEP, "{}", shares.limiter.len());
    }
}
