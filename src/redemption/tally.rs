//! What became of many wishes.

use serde::Serialize;

use crate::voucher::RedemptionResult;

/// How many wishes got which answer. Its JSON is part of that of `events ingest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Used now.
    pub redeemed: u64,
    /// Used before by another event.
    pub already_redeemed: u64,
    /// Codes that the project does not have.
    pub unknown: u64,
    /// Assigned to nobody.
    pub not_assigned: u64,
    /// Over.
    pub expired: u64,
    /// Ended by hand.
    pub void: u64,
    /// Kept from being used by a rule of their pool.
    pub rule_failed: u64,
}

impl Tally {
    /// Counts an answer.
    pub fn count(&mut self, result: RedemptionResult) {
        let count = match result {
            RedemptionResult::Redeemed => &mut self.redeemed,
            RedemptionResult::AlreadyRedeemed => &mut self.already_redeemed,
            RedemptionResult::Unknown => &mut self.unknown,
            RedemptionResult::Expired => &mut self.expired,
            RedemptionResult::Void => &mut self.void,
            RedemptionResult::RuleFailed => &mut self.rule_failed,
            // The redeemer asks again until it is decided, so nothing is left moved.
            RedemptionResult::NotAssigned | RedemptionResult::Moved => &mut self.not_assigned,
        };
        *count += 1;
    }
}
