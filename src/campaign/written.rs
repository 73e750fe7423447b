//! The files of a campaign, as they are read back.

use serde::Deserialize;

use super::outcome::Reason;
use crate::voucher::{CampaignId, Channel, Code, CustomerId, MessageId, Mode, PoolName, Source};

pub(super) const CHECKPOINT: &str = "checkpoint.json";
pub(super) const EVENTS: &str = "events.jsonl";
pub(super) const LOCK: &str = ".lock";
pub(super) const MESSAGES: &str = "messages.jsonl";
pub(super) const REPORT: &str = "report.json";
pub(super) const SUPPRESSED: &str = "suppressed.jsonl";

/// A line of the rendered messages.
#[derive(Deserialize)]
pub(super) struct WrittenMessage {
    pub(super) message_id: MessageId,
    pub(super) customer_id: CustomerId,
    pub(super) channel: Channel,
    pub(super) mode: Mode,
    pub(super) vouchers: Vec<WrittenVoucher>,
}

/// A code that a rendered message shows.
#[derive(Deserialize)]
pub(super) struct WrittenVoucher {
    pub(super) pool: PoolName,
    pub(super) code: Code,
    pub(super) source: Source,
    pub(super) from: PoolName,
}

/// A line of the suppressed messages.
#[derive(Deserialize)]
pub(super) struct WrittenSuppressed {
    pub(super) message_id: Option<MessageId>,
    pub(super) customer_id: Option<CustomerId>,
    pub(super) reason: Reason,
}

/// A line of the campaign events.
#[derive(Deserialize)]
pub(super) struct WrittenEvent {
    pub(super) customer_id: Option<CustomerId>,
    pub(super) properties: WrittenProperties,
}

/// What an event says.
#[derive(Deserialize)]
pub(super) struct WrittenProperties {
    pub(super) campaign_id: Option<CampaignId>,
    pub(super) message_id: Option<MessageId>,
    pub(super) status: WrittenStatus,
    pub(super) reason: Option<Reason>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenStatus {
    Enqueued,
    EnqueueFailed,
}
