//! The settings of a pool, under the names that a campaign's file and JSON have for them.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::render::Expression;
use crate::render::suggest::did_you_mean;
use crate::voucher::{Code, Limits, PoolName, PoolSettings, RedemptionRules, parse_duration, parse_timestamp};

/// What can be set.
pub(super) const NAMES: [&str; 15] = [
    "valid_for",
    "expires_at",
    "limit_per_customer",
    "limit_per_campaign",
    "limit_total",
    "fallback",
    "overflow",
    "preview_code",
    "limit_in_period",
    "eligible",
    "floor",
    "low_stock",
    "pattern",
    "redeem_rule",
    "redeem_by_others",
];

/// Where settings are written down.
pub(super) trait Written {
    /// What stands under a name, read by `read`.
    fn text<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>>;

    /// The whole number under a name, at least 1.
    fn number(&self, name: &str) -> Result<Option<u64>>;
}

/// The settings that are written there; whether the pool is paused is not.
pub(super) fn settings(written: &impl Written) -> Result<PoolSettings> {
    Ok(PoolSettings {
        valid_for: written.text("valid_for", parse_duration)?,
        expires_at: written.text("expires_at", parse_timestamp)?,
        limits: Limits {
            per_customer: written.number("limit_per_customer")?,
            per_campaign: written.number("limit_per_campaign")?,
            total: written.number("limit_total")?,
            per_period: written.text("limit_in_period", str::parse)?,
        },
        fallback: written.text("fallback", |code| Code::new(code))?,
        overflow: written.text("overflow", |name| PoolName::new(name))?,
        preview_code: written.text("preview_code", |code| Code::new(code))?,
        paused: false,
        eligible: written.text("eligible", Expression::checked)?,
        floor: written.number("floor")?.unwrap_or_default(),
        low_stock: written.text("low_stock", str::parse)?.unwrap_or_default(),
        pattern: written.text("pattern", str::parse)?,
        redemption: RedemptionRules {
            rule: written.text("redeem_rule", Expression::checked)?,
            by_others: written.text("redeem_by_others", str::parse)?.unwrap_or_default(),
        },
    })
}

/// Reads settings from JSON, as `pool show` prints them. What is missing or `null` is not set; but a pool that is `paused`
/// stays so until it is told otherwise, since that is how codes are kept in that have leaked.
///
/// # Errors
/// [`ErrorKind::InvalidInput`], naming the setting, where there is none of that name, or its value is none that it takes.
pub fn pool_settings(json: &Map<String, Value>, present: Option<&PoolSettings>) -> Result<PoolSettings> {
    let known = || NAMES.into_iter().chain(["paused"]);
    if let Some(name) = json.keys().find(|name| !known().any(|known| known == name.as_str())) {
        let help =
            format!("the settings are {}{}", known().collect::<Vec<_>>().join(", "), did_you_mean(name, known()));
        return Err(Error::new(ErrorKind::InvalidInput, format!("there is no setting '{name}'")).with_help(help));
    }
    let paused = match json.get("paused") {
        None | Some(Value::Null) => present.is_some_and(|present| present.paused),
        Some(Value::Bool(paused)) => *paused,
        Some(_) => return Err(takes("paused", "true or false")),
    };
    Ok(PoolSettings { paused, ..settings(json)? })
}

impl Written for Map<String, Value> {
    fn text<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
        let listed;
        let text = match self.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text,
            Some(Value::Array(numbers)) if name == "low_stock" && numbers.is_empty() => return Ok(None),
            Some(Value::Array(numbers)) if name == "low_stock" => {
                listed = numbers.iter().map(Value::to_string).collect::<Vec<_>>().join(",");
                &listed
            }
            Some(_) if name == "low_stock" => return Err(takes(name, "a list of whole numbers")),
            Some(_) => return Err(takes(name, "text")),
        };
        let told = |error: Error| {
            let named = Error::new(error.kind(), format!("'{name}': {error}"));
            match error.help() {
                Some(help) => named.with_help(help),
                None => named,
            }
        };
        read(text).map(Some).map_err(told)
    }

    fn number(&self, name: &str) -> Result<Option<u64>> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                Some(0) if name == "floor" => Ok(None),
                Some(number) if number > 0 => Ok(Some(number)),
                _ => Err(takes(name, "a whole number of 1 or more")),
            },
        }
    }
}

fn takes(name: &str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("'{name}' takes {what}")).with_help("null, or nothing, leaves it unset")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::voucher::{Pace, PoolCounts, PoolForm, PoolStatus};

    fn read(json: &Value) -> Result<PoolSettings> {
        pool_settings(json.as_object().unwrap(), None)
    }

    #[test]
    fn what_is_printed_reads_back() {
        let given = json!({
            "paused": true, "valid_for": "30d", "expires_at": "2027-06-30", "limit_per_customer": 1, "limit_per_campaign": 2,
            "limit_total": 3, "limit_in_period": "10/day", "eligible": "customer.ltv < 500", "floor": 4,
            "low_stock": [1000, 100], "fallback": "SORRY", "overflow": "vip", "pattern": "S-####[digits]",
            "preview_code": "SPR-XXXX", "redeem_rule": "order.total >= 50", "redeem_by_others": "flag",
        });
        for json in [given, json!({})] {
            let settings = read(&json).unwrap();
            let pool = PoolStatus { name: PoolName::new("spring").unwrap(), settings, counts: PoolCounts::default() };
            let form = PoolForm::at(&pool, Pace { given_last_day: 0, dry_at: None });
            let printed = serde_json::to_value(&form).unwrap()["settings"].clone();
            let mut again = read(&printed).unwrap();
            if pool.settings.preview_code.is_none() {
                again.preview_code = None;
            }
            assert_eq!(again, pool.settings);
        }
    }

    #[test]
    fn a_pool_stays_paused_until_somebody_says_otherwise() {
        let present = PoolSettings { paused: true, ..PoolSettings::default() };
        let paused = |json: Value| pool_settings(json.as_object().unwrap(), Some(&present)).unwrap().paused;
        assert!(paused(json!({})) && paused(json!({ "paused": null })) && !paused(json!({ "paused": false })));
    }

    #[test]
    fn errors_name_the_setting_and_no_code() {
        for (json, problem) in [
            (json!({ "valid-for": "3d" }), "there is no setting 'valid-for'"),
            (json!({ "valid_for": 3 }), "'valid_for' takes text"),
            (json!({ "valid_for": "3w" }), "'valid_for': '3w' is not a span of time"),
            (json!({ "limit_total": 0 }), "'limit_total' takes a whole number of 1 or more"),
            (json!({ "limit_total": 1.5 }), "'limit_total' takes a whole number of 1 or more"),
            (json!({ "limit_total": "5" }), "'limit_total' takes a whole number of 1 or more"),
            (json!({ "floor": -1 }), "'floor' takes a whole number of 1 or more"),
            (json!({ "low_stock": 5 }), "'low_stock' takes a list of whole numbers"),
            (json!({ "low_stock": [5, "x"] }), "'low_stock': '5,\"x\"' is no list of numbers of vouchers"),
            (json!({ "paused": "yes" }), "'paused' takes true or false"),
            (json!({ "fallback": " SECRET" }), "'fallback': the code begins or ends with white space"),
            (json!({ "redeem_by_others": "no" }), "'redeem_by_others': 'no' says nothing about other customers"),
        ] {
            let error = read(&json).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidInput, problem));
        }
        assert!(
            read(&json!({ "valid-for": "3d" })).unwrap_err().help().unwrap().ends_with("did you mean 'valid_for'?")
        );
    }
}
