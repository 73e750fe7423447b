//! A named stock of vouchers with its settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{ByOthers, Code, Metadata, Pattern, Period, PoolName};
use crate::error::{Error, ErrorKind};

/// What a pool's owner may set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PoolSettings {
    /// How long a voucher is valid once it is taken from the pool.
    pub valid_for: Option<Duration>,
    /// When every voucher of the pool stops being valid.
    pub expires_at: Option<Timestamp>,
    /// How many may be given.
    pub limits: Limits,
    /// The code that everybody gets once the pool and its overflow chain are empty.
    pub fallback: Option<Code>,
    /// The pool to take from once this one is empty.
    pub overflow: Option<PoolName>,
    /// What a preview prints instead of a code; `<pool>-preview` where it is not set.
    pub preview_code: Option<Code>,
    /// Who may get a voucher: an expression in the template language over `customer`, `campaign` and what a message's
    /// context names, which is judged before anything new is claimed.
    pub eligible: Option<String>,
    /// How many vouchers web layers may not take, so that campaigns have them.
    pub floor: u64,
    /// Whoever watches the stock is told when no more than so many vouchers are left.
    pub low_stock: Thresholds,
    /// What codes look like that are made where the stock is not enough. A pool without makes none.
    pub pattern: Option<Pattern>,
    /// Who may use a voucher, and when.
    pub redemption: RedemptionRules,
    /// Whether new claims are refused. Existing bindings are served all the same.
    pub paused: bool,
}

impl PoolSettings {
    /// What a preview prints for a pool of this name.
    pub fn preview_code(&self, pool: &PoolName) -> Code {
        self.preview_code.clone().unwrap_or_else(|| Code::preview_of(pool))
    }

    /// Follows the overflow chain that the pool `name` would have with these settings; `settings_of` knows the other pools.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if a pool of the chain does not exist or stands in it twice; what `settings_of` says.
    pub fn check_overflow<E: From<Error>>(
        &self,
        name: &PoolName,
        settings_of: impl Fn(&PoolName) -> Result<Option<PoolSettings>, E>,
    ) -> Result<(), E> {
        let invalid = |message, help| Err(Error::new(ErrorKind::InvalidInput, message).with_help(help).into());
        let mut chain = vec![name.clone()];
        let mut next = self.overflow.clone();
        while let Some(overflow) = next {
            if chain.contains(&overflow) {
                let again = if overflow == *name { "it".to_owned() } else { format!("'{overflow}'") };
                let message = format!("the overflow pools of '{name}' lead back to {again}");
                return invalid(message, "choose another overflow pool");
            }
            let Some(settings) = settings_of(&overflow)? else {
                let message = format!("the overflow pool '{overflow}' of '{name}' does not exist");
                return invalid(message, "create it first");
            };
            next = settings.overflow;
            chain.push(overflow);
        }
        Ok(())
    }
}

/// Numbers of vouchers of which somebody wants to know when no more are left: the largest first, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thresholds(Vec<u64>);

impl Thresholds {
    /// The numbers, the largest first.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Thresholds {
    type Err = Error;

    /// Reads `1000,100`.
    fn from_str(text: &str) -> Result<Thresholds, Error> {
        let numbers: Result<BTreeSet<u64>, _> = text.split(',').map(|number| number.trim().parse()).collect();
        let numbers = numbers.map_err(|_| {
            let error = Error::new(ErrorKind::InvalidInput, format!("'{text}' is no list of numbers of vouchers"));
            error.with_help("write whole numbers with commas between them, such as 1000,100")
        })?;
        Ok(Thresholds(numbers.into_iter().rev().collect()))
    }
}

impl fmt::Display for Thresholds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.iter().map(|number| number.to_string()).collect();
        f.write_str(&numbers.join(","))
    }
}

/// Who may use a pool's vouchers, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedemptionRules {
    /// An expression in the template language over `customer`, `order`, `voucher` and `channel` that has to be true.
    pub rule: Option<String>,
    /// Whether somebody else may use what a customer was given.
    pub by_others: ByOthers,
}

/// How many vouchers of a pool may be given, counted over reserved, assigned and redeemed ones. Tests count for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// To one customer.
    pub per_customer: Option<u64>,
    /// To all customers of one campaign together.
    pub per_campaign: Option<u64>,
    /// Altogether.
    pub total: Option<u64>,
    /// Altogether within each period of the calendar in UTC.
    pub per_period: Option<PeriodLimit>,
}

/// So many vouchers in each period. A voucher counts in the period in which it was taken from its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodLimit {
    /// How many, at least one.
    pub vouchers: u64,
    /// In each of these.
    pub period: Period,
}

/// How many vouchers count for a pool's limits at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitUse {
    /// Of all customers.
    pub total: u64,
    /// Of all customers in the present period; 0 where the pool has no such limit.
    pub in_period: u64,
    /// Of the campaign that was asked for.
    pub in_campaign: u64,
    /// Of each customer that was asked for, in their order.
    pub of_customers: Vec<u64>,
}

/// How many vouchers a pool has, in total and by state; `total` is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PoolCounts {
    /// All of them.
    pub total: u64,
    /// Free to be claimed.
    pub available: u64,
    /// Held by a message that is not settled yet.
    pub reserved: u64,
    /// Given to a customer.
    pub assigned: u64,
    /// Used by a customer.
    pub redeemed: u64,
    /// No longer valid, and never redeemed.
    pub expired: u64,
    /// Ended by hand.
    pub void: u64,
}

/// A pool with its settings and counts.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolStatus {
    /// Its name.
    pub name: PoolName,
    /// Its settings.
    pub settings: PoolSettings,
    /// Its counts.
    pub counts: PoolCounts,
}

/// A pool that has become low.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LowStock {
    /// The pool.
    pub pool: PoolName,
    /// The threshold that it fell to or below: the smallest one, where it crossed several.
    pub threshold: u64,
    /// How many vouchers are not given yet: available and reserved.
    pub left: u64,
}

/// What undoing an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Undone {
    /// Vouchers of the import that were available, and are void now.
    pub voided: u64,
    /// Vouchers of the import that are somebody's or over, and stay as they are.
    pub kept: u64,
}

/// What forgetting a customer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Forgotten {
    /// Vouchers of which nobody knows any more who got them. Their codes stay spent.
    pub vouchers: u64,
}

/// What a template may count: one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Count {
    /// Vouchers free to be claimed.
    pub available: u64,
    /// All vouchers that were ever imported.
    pub total: u64,
}

/// What a preview may know of a pool.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PoolCard {
    /// What is printed instead of a code.
    pub preview_code: Code,
    /// How many there are.
    pub count: Count,
    /// The metadata of one available voucher, to show what messages will say.
    pub metadata: Arc<Metadata>,
    /// When that voucher stops being valid.
    pub expires_at: Option<Timestamp>,
}

/// All pools of a project, as a preview may know them: there is no way from here to a code.
pub type Catalogue = BTreeMap<PoolName, PoolCard>;
