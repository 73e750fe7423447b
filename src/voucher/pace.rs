//! How fast a pool is being given away.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{PoolStatus, Store};
use crate::error::Result;

/// The span over which the rate is measured.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many vouchers a pool gave lately, and when it is empty if that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pace {
    /// Vouchers given in the last 24 hours, less those that came back.
    pub given_last_day: u64,
    /// When the pool is empty at this rate.
    pub dry_at: Option<Timestamp>,
}

impl Pace {
    /// The pace of a pool at a moment.
    ///
    /// # Errors
    /// Those of [`Journal::given_since`](super::Journal::given_since).
    pub async fn of(store: &dyn Store, pool: &PoolStatus, now: Timestamp) -> Result<Pace> {
        let given = match pool.counts.assigned + pool.counts.redeemed {
            0 => 0,
            _ => store.given_since(&pool.name, now - DAY).await?,
        };
        Ok(Pace::at(given, pool.counts.available, now))
    }

    fn at(given: u64, available: u64, now: Timestamp) -> Pace {
        let left = (given > 0).then(|| DAY.as_secs_f64() * available as f64 / given as f64);
        let left = left.and_then(|seconds| Duration::try_from_secs_f64(seconds.round()).ok());
        let dry_at = left.and_then(|left| now.checked_add(left).ok());
        Pace { given_last_day: given, dry_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_runs_dry_at_the_rate_of_the_last_day() {
        let now: Timestamp = "2026-11-28T00:00:00Z".parse().unwrap();
        let dry_at = |given, available| Pace::at(given, available, now).dry_at.map(|moment| moment.to_string());
        assert_eq!(dry_at(100, 250).as_deref(), Some("2026-11-30T12:00:00Z"));
        assert_eq!(dry_at(100, 0).as_deref(), Some("2026-11-28T00:00:00Z"));
        assert_eq!(dry_at(0, 250), None);
        assert_eq!(dry_at(1, u64::MAX), None, "nobody lives to see that");
    }
}
