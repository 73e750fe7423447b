//! A pool's settings, for people and for programs.

use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::cli::output::{grouped, moment};
use crate::voucher::{ByOthers, Code, Pattern, PeriodLimit, PoolName, PoolSettings, PoolStatus};

/// A pool's settings as names and values, those that are set.
pub(super) fn rows(pool: &PoolStatus) -> Vec<(&'static str, String)> {
    let PoolSettings { valid_for, expires_at, limits, fallback, overflow, pattern, paused, .. } = &pool.settings;
    let PoolSettings { eligible, floor, low_stock, redemption, .. } = &pool.settings;
    let limit = |limit: Option<u64>| limit.map(grouped);
    let by_others = redemption.by_others;
    let rows = [
        ("new claims", Some(if *paused { "paused" } else { "allowed" }.to_owned())),
        ("valid for", valid_for.map(span)),
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

/// A span as `--valid-for` takes it, in the largest unit that fits.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let (unit, letter) = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit)).unwrap_or((1, 's'));
    format!("{}{letter}", seconds / unit)
}

/// A pool's settings, as programs read them: under the names of a campaign file, `null` where one is not set.
pub(super) struct SettingsForm<'a>(pub(super) &'a PoolStatus);

impl Serialize for SettingsForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let PoolStatus { name, settings, .. } = self.0;
        let limits = &settings.limits;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("paused", &settings.paused)?;
        map.serialize_entry("valid_for", &settings.valid_for.map(span))?;
        map.serialize_entry("expires_at", &settings.expires_at)?;
        map.serialize_entry("limit_per_customer", &limits.per_customer)?;
        map.serialize_entry("limit_per_campaign", &limits.per_campaign)?;
        map.serialize_entry("limit_total", &limits.total)?;
        map.serialize_entry("limit_in_period", &limits.per_period.map(|limit| limit.to_string()))?;
        map.serialize_entry("eligible", &settings.eligible)?;
        map.serialize_entry("floor", &settings.floor)?;
        map.serialize_entry("low_stock", &settings.low_stock.iter().collect::<Vec<_>>())?;
        map.serialize_entry("fallback", &settings.fallback)?;
        map.serialize_entry("overflow", &settings.overflow)?;
        map.serialize_entry("pattern", &settings.pattern.as_ref().map(Pattern::to_string))?;
        map.serialize_entry("preview_code", &settings.preview_code(name))?;
        map.serialize_entry("redeem_rule", &settings.redemption.rule)?;
        map.serialize_entry("redeem_by_others", &settings.redemption.by_others)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_print_as_they_are_written() {
        for text in ["30d", "36h", "45m", "90s"] {
            assert_eq!(span(crate::voucher::parse_duration(text).unwrap()), text);
        }
    }
}
