//! A pool's header: its settings and tallies.

use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use redis::Value;

use super::RedisStore;
use super::reply::{self, strange};
use super::script::SHOW_POOL;
use crate::error::Result;
use crate::voucher::{
    ByOthers, Catalogue, Code, Count, Limits, Metadata, Pattern, PoolCard, PoolCounts, PoolName, PoolSettings,
    PoolStatus, RedemptionRules,
};

/// How many pools are asked side by side.
const AT_ONCE: usize = 64;

/// The names of the fields that hold settings.
const SETTINGS: [&str; 16] = [
    "valid_for",
    "expires_at",
    "limit_customer",
    "limit_campaign",
    "limit_total",
    "fallback",
    "overflow",
    "preview",
    "paused",
    "limit_in_period",
    "eligible",
    "floor",
    "low_stock",
    "pattern",
    "redeem_rule",
    "redeem_by_others",
];

/// The names of the fields that hold tallies.
const TALLIES: [&str; 6] = ["available", "reserved", "assigned", "redeemed", "expired", "void"];

/// Settings as fields of a header; nothing for what is not set.
pub(super) fn fields(settings: &PoolSettings) -> impl Iterator<Item = (&'static str, String)> {
    let PoolSettings {
        valid_for,
        expires_at,
        limits,
        fallback,
        overflow,
        preview_code,
        paused,
        eligible,
        floor,
        low_stock,
        pattern,
        redemption,
    } = settings;
    let RedemptionRules { rule, by_others } = redemption;
    let code = |code: &Option<Code>| code.as_ref().map(|code| code.as_str().to_owned());
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let values = [
        valid_for.map(|time| time.as_millis().to_string()),
        expires_at.map(|end| end.as_millisecond().to_string()),
        number(limits.per_customer),
        number(limits.per_campaign),
        number(limits.total),
        code(fallback),
        overflow.as_ref().map(|pool| pool.as_str().to_owned()),
        code(preview_code),
        paused.then(|| "1".to_owned()),
        limits.per_period.map(|limit| limit.to_string()),
        eligible.clone(),
        (*floor > 0).then(|| floor.to_string()),
        (!low_stock.is_empty()).then(|| low_stock.to_string()),
        pattern.as_ref().map(Pattern::to_string),
        rule.clone(),
        (*by_others != ByOthers::default()).then(|| by_others.as_str().to_owned()),
    ];
    SETTINGS.into_iter().zip(values).map(|(name, value)| (name, value.unwrap_or_default()))
}

/// A pool as its header shows it at one moment.
pub(super) struct Shown {
    pub(super) status: PoolStatus,
    now: i64,
    /// The voucher that comes next, if that was asked for: when it ends in milliseconds, and its metadata.
    next: Option<(Option<i64>, Metadata)>,
}

impl Shown {
    fn read(name: &PoolName, parts: Vec<Value>) -> Result<Shown> {
        let [now, values, ends, metadata] = parts.try_into().map_err(|_| strange())?;
        let now = moment(now)?;
        let mut fields = Fields(reply::list(values)?.into_iter());
        let settings = fields.settings()?;
        let is_over = settings.expires_at.is_some_and(|end| end.as_millisecond() <= now);
        let counts = fields.counts(is_over)?;
        let next = match reply::text(ends)?.as_str() {
            "" => None,
            _ if is_over => None,
            "inf" => Some((None, read_metadata(metadata)?)),
            ends => Some((Some(ends.parse().map_err(|_| strange())?), read_metadata(metadata)?)),
        };
        Ok(Shown { status: PoolStatus { name: name.clone(), settings, counts }, now, next })
    }

    fn count(&self) -> Count {
        let PoolCounts { available, total, .. } = self.status.counts;
        Count { available, total }
    }

    fn card(self) -> Result<(PoolName, PoolCard)> {
        let count = self.count();
        let PoolStatus { name, settings, .. } = self.status;
        let preview_code = settings.preview_code(&name);
        let run_out = settings.valid_for.map(|time| self.now.saturating_add_unsigned(milliseconds(time)));
        let pool_end = settings.expires_at.map(Timestamp::as_millisecond);
        let (expires_at, metadata) = match self.next {
            Some((ends, metadata)) => ([ends, pool_end, run_out].into_iter().flatten().min(), metadata),
            None => (None, Metadata::new()),
        };
        let expires_at = expires_at.map(timestamp).transpose()?;
        Ok((name, PoolCard { preview_code, count, metadata: metadata.into(), expires_at }))
    }
}

/// The values of a header's fields, in the order in which they were asked for.
struct Fields(std::vec::IntoIter<Value>);

impl Fields {
    fn next(&mut self) -> Result<Option<String>> {
        let bytes = reply::optional_bytes(self.0.next().ok_or_else(strange)?)?;
        bytes.map(|bytes| String::from_utf8(bytes).map_err(|_| strange())).transpose()
    }

    fn parsed<T: std::str::FromStr>(&mut self) -> Result<Option<T>> {
        self.next()?.map(|text| text.parse().map_err(|_| strange())).transpose()
    }

    fn checked<T>(&mut self, check: impl Fn(String) -> Result<T>) -> Result<Option<T>> {
        self.next()?.map(|text| check(text).map_err(|_| strange())).transpose()
    }

    fn settings(&mut self) -> Result<PoolSettings> {
        let mut settings = PoolSettings {
            valid_for: self.parsed()?.map(Duration::from_millis),
            expires_at: self.parsed()?.map(timestamp).transpose()?,
            limits: Limits {
                per_customer: self.parsed()?,
                per_campaign: self.parsed()?,
                total: self.parsed()?,
                per_period: None,
            },
            fallback: self.checked(Code::new)?,
            overflow: self.checked(PoolName::new)?,
            preview_code: self.checked(Code::new)?,
            paused: self.next()?.is_some_and(|paused| paused == "1"),
            ..PoolSettings::default()
        };
        settings.limits.per_period = self.parsed()?;
        settings.eligible = self.next()?;
        settings.floor = self.parsed()?.unwrap_or_default();
        settings.low_stock = self.parsed()?.unwrap_or_default();
        settings.pattern = self.parsed()?;
        settings.redemption = RedemptionRules { rule: self.next()?, by_others: self.parsed()?.unwrap_or_default() };
        Ok(settings)
    }

    /// What is available in a pool that is over has expired with it.
    fn counts(&mut self, is_over: bool) -> Result<PoolCounts> {
        let mut tallies = [0; TALLIES.len()];
        for tally in &mut tallies {
            *tally = self.parsed()?.unwrap_or_default();
        }
        let total = tallies.iter().sum();
        let [available, reserved, assigned, redeemed, expired, void] = tallies;
        let counts = PoolCounts { total, available, reserved, assigned, redeemed, expired, void };
        if !is_over {
            return Ok(counts);
        }
        Ok(PoolCounts { available: 0, expired: expired + available, ..counts })
    }
}

fn moment(value: Value) -> Result<i64> {
    reply::text(value)?.parse().map_err(|_| strange())
}

/// A moment as the store keeps it.
pub(super) fn timestamp(milliseconds: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| strange())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn read_metadata(json: Value) -> Result<Metadata> {
    match reply::bytes(json)?.as_slice() {
        [] => Ok(Metadata::new()),
        json => serde_json::from_slice(json).map_err(|_| strange()),
    }
}

impl RedisStore {
    /// What a pool's header shows; `None` without such a pool.
    async fn show_pool(&self, name: &PoolName, with_next: bool) -> Result<Option<Shown>> {
        let shown = self.call_pool(name, &SHOW_POOL, false, |_, call| {
            call.push(if with_next { "1" } else { "0" });
            SETTINGS.iter().chain(&TALLIES).for_each(|field| call.push(*field));
        });
        shown.await?.map(|parts| Shown::read(name, parts)).transpose()
    }

    async fn show_pools(&self, names: &[PoolName], with_next: bool) -> Result<Vec<Option<Shown>>> {
        let mut shown = Vec::with_capacity(names.len());
        for names in names.chunks(AT_ONCE) {
            shown.extend(try_join_all(names.iter().map(|name| self.show_pool(name, with_next))).await?);
        }
        Ok(shown)
    }

    /// The names of all pools that are listed, in order. One that is listed need not exist.
    pub(super) async fn pool_names(&self) -> Result<Vec<PoolName>> {
        let mut query = redis::cmd("HKEYS");
        query.arg(self.keys.pools());
        let names = reply::list(self.link.query(&query).await?)?;
        let name = |name| PoolName::new(reply::text(name)?).map_err(|_| strange());
        let mut names = names.into_iter().map(name).collect::<Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    /// `Claims::counts`.
    pub(super) async fn counts_of(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        let shown = self.show_pools(pools, false).await?;
        Ok(shown.iter().map(|shown| shown.as_ref().map(Shown::count)).collect())
    }

    /// `Lookup::pool`.
    pub(super) async fn status_of(&self, name: &PoolName) -> Result<Option<PoolStatus>> {
        Ok(self.show_pool(name, false).await?.map(|shown| shown.status))
    }

    /// `Lookup::pools`.
    pub(super) async fn all_pools(&self) -> Result<Vec<PoolStatus>> {
        let shown = self.show_pools(&self.pool_names().await?, false).await?;
        Ok(shown.into_iter().flatten().map(|shown| shown.status).collect())
    }

    /// `Lookup::catalogue`.
    pub(super) async fn cards(&self) -> Result<Catalogue> {
        let shown = self.show_pools(&self.pool_names().await?, true).await?;
        shown.into_iter().flatten().map(Shown::card).collect()
    }
}
