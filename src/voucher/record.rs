//! What is known of one voucher, for those who look it up.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CampaignId, Channel, Code, CustomerId, MessageId, Metadata, Mode, PoolName};

/// Where a voucher stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Free to be claimed.
    Available,
    /// Held by a message that is not settled yet.
    Reserved,
    /// Given to a customer.
    Assigned,
    /// Used.
    Redeemed,
    /// No longer valid, and never redeemed.
    Expired,
    /// Ended by hand.
    Void,
}

impl State {
    /// The name that files, JSON and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Available => "available",
            State::Reserved => "reserved",
            State::Assigned => "assigned",
            State::Redeemed => "redeemed",
            State::Expired => "expired",
            State::Void => "void",
        }
    }
}

/// One voucher with everything that happened to it. Its JSON is that of `voucher show`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VoucherRecord {
    /// The code.
    pub code: Code,
    /// The pool it came in by.
    pub pool: PoolName,
    /// Its state at the moment of asking.
    pub state: State,
    /// Who holds it.
    pub customer_id: Option<CustomerId>,
    /// The campaign of the message that took it.
    pub campaign_id: Option<CampaignId>,
    /// The message that took it.
    pub message_id: Option<MessageId>,
    /// The channel of that message.
    pub channel: Option<Channel>,
    /// Whether that message was live or a test.
    pub mode: Option<Mode>,
    /// When it was taken from its pool.
    pub assigned_at: Option<Timestamp>,
    /// When it stops being valid.
    pub expires_at: Option<Timestamp>,
    /// When it was used.
    pub redeemed_at: Option<Timestamp>,
    /// The further columns of its import.
    pub metadata: Metadata,
}

/// What releasing a message by hand did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReleasedMessage {
    /// Vouchers that went back to their pools.
    pub released: u64,
    /// Vouchers that stay with the customer, because their key is wider than the message or they are redeemed.
    pub kept: u64,
}
