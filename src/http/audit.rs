//! Who changed what, for the log: never a code, and never a customer.

use super::access::Caller;
use crate::voucher::PoolName;

/// Tells that a call changed something, of one pool where that is known.
pub(super) fn audit(caller: &Caller, call: &'static str, pool: Option<&PoolName>) {
    tracing::info!(audit = true, key = %caller, call, pool = pool.map(PoolName::as_str), "changed");
}
