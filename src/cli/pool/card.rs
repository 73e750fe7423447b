//! A pool's settings and its pace, for people.

use crate::cli::output::{grouped, moment};
use crate::voucher::{ByOthers, Code, Pace, Pattern, PeriodLimit, PoolName, PoolSettings, PoolStatus, span_text};

/// A pool's settings as names and values, those that are set.
pub(super) fn rows(pool: &PoolStatus) -> Vec<(&'static str, String)> {
    let PoolSettings { valid_for, expires_at, limits, fallback, overflow, pattern, paused, .. } = &pool.settings;
    let PoolSettings { eligible, floor, low_stock, redemption, .. } = &pool.settings;
    let limit = |limit: Option<u64>| limit.map(grouped);
    let by_others = redemption.by_others;
    let rows = [
        ("new claims", Some(if *paused { "paused" } else { "allowed" }.to_owned())),
        ("valid for", valid_for.map(span_text)),
        ("expires at", expires_at.map(moment)),
        ("limit per customer", limit(limits.per_customer)),
        ("limit per campaign", limit(limits.per_campaign)),
        ("limit in total", limit(limits.total)),
        ("limit in a period", limits.per_period.map(in_period)),
        ("eligible", eligible.clone()),
        ("floor", (*floor > 0).then(|| format!("{} not for web layers", grouped(*floor)))),
        ("low stock", (!low_stock.is_empty()).then(|| low_stock.to_string())),
        ("fallback code", fallback.as_ref().map(Code::as_str).map(str::to_owned)),
        ("overflow pool", overflow.as_ref().map(PoolName::to_string)),
        ("pattern", pattern.as_ref().map(Pattern::to_string)),
        ("preview code", Some(pool.settings.preview_code(&pool.name).into())),
        ("redeem rule", redemption.rule.clone()),
        ("redeem by others", (by_others != ByOthers::default()).then(|| by_others.as_str().to_owned())),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn in_period(limit: PeriodLimit) -> String {
    format!("{} in each {}", grouped(limit.vouchers), limit.period.as_str())
}

/// How fast a pool is being given away, if it is.
pub(super) fn pace_row(pace: Pace) -> Option<(&'static str, String)> {
    let dry = pace.dry_at.map(|moment_of_end| format!("; empty at this rate {}", moment(moment_of_end)));
    let told = || format!("{} given{}", grouped(pace.given_last_day), dry.unwrap_or_default());
    (pace.given_last_day > 0).then(|| ("last 24 hours", told()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_says_when_the_pool_is_empty() {
        let pace = Pace { given_last_day: 1_200, dry_at: Some("2026-11-28T12:00:00Z".parse().unwrap()) };
        let told = pace_row(pace).unwrap().1;
        assert_eq!(told, "1,200 given; empty at this rate 2026-11-28 12:00:00 UTC");
        assert_eq!(pace_row(Pace { given_last_day: 0, dry_at: None }), None);
    }
}
