//! A pool as programs read it: on the command line and over HTTP.

use jiff::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Pace, Pattern, PoolCounts, PoolName, PoolStatus, Store, span_text};
use crate::error::Result;

/// A pool with everything that is known of it. Its JSON is that of `pool show`.
#[derive(Debug, Serialize)]
pub struct PoolForm<'a> {
    #[serde(flatten)]
    counts: CountsForm<'a>,
    #[serde(flatten)]
    pace: Pace,
    settings: SettingsForm<'a>,
}

/// A pool's counts. Its JSON is that of `pool list`.
#[derive(Debug, Serialize)]
pub struct CountsForm<'a> {
    pool: &'a PoolName,
    #[serde(flatten)]
    counts: &'a PoolCounts,
}

/// A pool's settings under the names of a campaign file, `null` where one is not set.
#[derive(Debug)]
struct SettingsForm<'a>(&'a PoolStatus);

impl<'a> PoolForm<'a> {
    /// Looks up how fast the pool is being given away.
    ///
    /// # Errors
    /// Those of [`Pace::of`].
    pub async fn of(store: &dyn Store, pool: &'a PoolStatus) -> Result<PoolForm<'a>> {
        Ok(PoolForm::at(pool, Pace::of(store, pool, Timestamp::now()).await?))
    }

    /// A pool of which the pace is known.
    pub fn at(pool: &'a PoolStatus, pace: Pace) -> PoolForm<'a> {
        PoolForm { counts: CountsForm::from(pool), pace, settings: SettingsForm(pool) }
    }
}

impl<'a> From<&'a PoolStatus> for CountsForm<'a> {
    fn from(pool: &'a PoolStatus) -> CountsForm<'a> {
        CountsForm { pool: &pool.name, counts: &pool.counts }
    }
}

impl Serialize for SettingsForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let PoolStatus { name, settings, .. } = self.0;
        let limits = &settings.limits;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("paused", &settings.paused)?;
        map.serialize_entry("valid_for", &settings.valid_for.map(span_text))?;
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
