//! Using a voucher: once, whatever races.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Code, CustomerId, EventId};
use crate::error::{Error, ErrorKind, Result};

/// Who may use a voucher that was given to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByOthers {
    /// Anybody who has the code.
    #[default]
    Allow,
    /// Anybody, but it is marked where it was not the one it was given to.
    Flag,
    /// Only the one it was given to.
    Refuse,
}

impl FromStr for ByOthers {
    type Err = Error;

    fn from_str(text: &str) -> Result<ByOthers> {
        let all = [ByOthers::Allow, ByOthers::Flag, ByOthers::Refuse];
        all.into_iter().find(|known| known.as_str() == text).ok_or_else(|| {
            let error = Error::new(ErrorKind::InvalidInput, format!("'{text}' says nothing about other customers"));
            error.with_help("write allow, flag or refuse")
        })
    }
}

impl ByOthers {
    /// The name that files, JSON and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            ByOthers::Allow => "allow",
            ByOthers::Flag => "flag",
            ByOthers::Refuse => "refuse",
        }
    }
}

/// A wish to use a voucher.
#[derive(Debug, Clone)]
pub struct Redemption {
    /// The code.
    pub code: Code,
    /// The purchase, or whatever uses it: the key under which a repeated wish gets the same answer.
    pub event_id: EventId,
    /// Who uses it, where that is known.
    pub customer_id: Option<CustomerId>,
    /// When it was used, where that is known; else it is now. A voucher whose time was not over at that moment is used, also
    /// where the event is told later.
    pub at: Option<Timestamp>,
    /// Who held the voucher when the rules of its pool were judged. If it is somebody else by now, the answer is
    /// [`RedemptionResult::Moved`] and nothing is done.
    pub holder: Option<CustomerId>,
    /// Whether the rules of its pool let it be used.
    pub passes: bool,
    /// Whether it is used by somebody else than its customer, and that is to be marked.
    pub flagged: bool,
}

/// What became of a wish to use a voucher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedemptionResult {
    /// It is used now, by this event.
    Redeemed,
    /// Another event has used it, or this one's use was taken back.
    AlreadyRedeemed,
    /// Its time is over.
    Expired,
    /// It was ended by hand.
    Void,
    /// The project has no such code.
    Unknown,
    /// Nobody was given it.
    NotAssigned,
    /// A rule of its pool forbids it.
    RuleFailed,
    /// It is somebody else's than when the rules were judged: judge again.
    #[serde(skip)]
    Moved,
}

impl RedemptionResult {
    /// The name that files, JSON and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            RedemptionResult::Redeemed => "redeemed",
            RedemptionResult::AlreadyRedeemed => "already_redeemed",
            RedemptionResult::Expired => "expired",
            RedemptionResult::Void => "void",
            RedemptionResult::Unknown => "unknown",
            RedemptionResult::NotAssigned => "not_assigned",
            RedemptionResult::RuleFailed => "rule_failed",
            RedemptionResult::Moved => "moved",
        }
    }
}

/// What became of the wish to take a use back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RolledBack {
    /// The voucher is its customer's again, as if it had not been used; the event cannot use it any more.
    RolledBack,
    /// It was taken back before.
    AlreadyRolledBack,
    /// This event has not used it.
    NotRedeemed,
    /// The project has no such code.
    Unknown,
}

/// What became of the wish to end a voucher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Voided {
    /// It is over.
    Voided,
    /// It was over by hand before.
    AlreadyVoid,
    /// It was used; that stands.
    Redeemed,
    /// The project has no such code.
    Unknown,
}
