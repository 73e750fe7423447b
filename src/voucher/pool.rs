//! A named stock of vouchers with its settings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Code, Metadata, PoolName};
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

/// How many vouchers of a pool may be given, counted over reserved, assigned and redeemed ones. Tests count for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// To one customer.
    pub per_customer: Option<u64>,
    /// To all customers of one campaign together.
    pub per_campaign: Option<u64>,
    /// Altogether.
    pub total: Option<u64>,
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

/// What a template may count: one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Vouchers free to be claimed.
    pub available: u64,
    /// All vouchers that were ever imported.
    pub total: u64,
}

/// What a preview may know of a pool.
#[derive(Debug, Clone, PartialEq)]
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
