//! What somebody wants to use a voucher for.

use jiff::Timestamp;

use crate::render::Attributes;
use crate::voucher::{Code, CustomerId, EventId};

/// What a rule may look at beside the voucher.
#[derive(Debug, Clone, Default)]
pub struct Purchase {
    /// Who uses the voucher, where that is known.
    pub customer_id: Option<CustomerId>,
    /// What a rule finds in `customer`, beside the id.
    pub customer: Attributes,
    /// What a rule finds in `order`.
    pub order: Attributes,
}

/// A wish to use a voucher, before its rules are judged.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The voucher's code.
    pub code: Code,
    /// The event that uses it: the key under which a repeated wish gets the same answer.
    pub event_id: EventId,
    /// When it was used, where that is known; else it is now.
    pub at: Option<Timestamp>,
    /// By whom and for what.
    pub purchase: Purchase,
}
