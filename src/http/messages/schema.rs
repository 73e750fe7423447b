//! What answers look like, for the document: their JSON is made by the rooms below.
#![expect(dead_code, reason = "these forms describe; nobody makes them")]

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What became of a message.
#[derive(ToSchema)]
#[schema(example = json!({
    "message_id": "hello/c42", "customer_id": "c42", "channel": "sms", "mode": "live", "status": "rendered",
    "parts": {"body.txt": "Hi Ada"}, "vouchers": [],
    "event": {
        "type": "campaign", "timestamp": "2026-11-20T09:00:00.000Z", "customer_id": "c42",
        "properties": {
            "campaign_id": null, "message_id": "hello/c42", "channel": "sms", "mode": "live", "status": "enqueued",
            "reason": null, "pool": null, "message": null,
        },
    },
}))]
pub(super) struct Outcome {
    /// The message's id.
    message_id: String,
    /// Whom it is for.
    #[schema(required)]
    customer_id: Option<String>,
    /// How it travels.
    channel: String,
    /// What it was rendered for.
    mode: String,
    /// How it ended.
    status: OutcomeStatus,
    /// The text of every part, where it is rendered.
    #[schema(nullable = false)]
    parts: Option<BTreeMap<String, String>>,
    /// Every voucher that it shows, where it is rendered.
    #[schema(nullable = false)]
    vouchers: Option<Vec<ShownVoucher>>,
    /// Why it is not rendered.
    #[schema(nullable = false)]
    reason: Option<OutcomeReason>,
    /// The pool that this is about, if it is about one.
    pool: Option<String>,
    /// The reason, for people.
    #[schema(nullable = false)]
    message: Option<String>,
    /// The campaign event that tells it; none for what is suppressed, and for a preview.
    #[schema(required)]
    event: Option<CampaignEvent>,
}

/// How a message ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum OutcomeStatus {
    /// It is complete.
    Rendered,
    /// It is not to be sent, and an event says so.
    EnqueueFailed,
    /// It is not to be shown, and nothing says so.
    Suppressed,
}

/// Why a message cannot be personalised.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum OutcomeReason {
    PoolEmpty,
    PoolPaused,
    UnknownPool,
    LimitReached,
    NotEligible,
    TemplateError,
    OutputTooLarge,
    Aborted,
}

/// A voucher that a message shows.
#[derive(ToSchema)]
struct ShownVoucher {
    /// The pool that the template names.
    pool: String,
    /// The code.
    code: String,
    /// What gave it: `pool`, `overflow` or `fallback`.
    source: String,
    /// The pool that gave it.
    from: String,
    /// When it stops being valid.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    /// The further columns of its import.
    metadata: Map<String, Value>,
}

/// What analytics are fed with.
#[derive(ToSchema)]
struct CampaignEvent {
    /// Always `campaign`.
    r#type: String,
    /// When the outcome was decided.
    #[schema(format = DateTime)]
    timestamp: String,
    /// Whom the message is for.
    #[schema(required)]
    customer_id: Option<String>,
    /// What happened.
    properties: CampaignEventProperties,
}

/// What a campaign event says.
#[derive(ToSchema)]
struct CampaignEventProperties {
    #[schema(required)]
    campaign_id: Option<String>,
    message_id: String,
    channel: String,
    mode: String,
    /// `enqueued` or `enqueue_failed`.
    status: String,
    #[schema(required)]
    reason: Option<OutcomeReason>,
    #[schema(required)]
    pool: Option<String>,
    #[schema(required)]
    message: Option<String>,
}

/// What releasing a message did.
#[derive(ToSchema)]
#[schema(example = json!({"released": 1, "kept": 0}))]
pub(super) struct ReleasedMessage {
    /// Vouchers that went back to their pools.
    released: u64,
    /// Vouchers that stay with the customer, because they are the customer's for longer than the message, or redeemed.
    kept: u64,
}
