//! The forms of answers that rooms below this one have, for the document. `tests/http/schemas.rs` holds them against answers.
#![expect(dead_code, reason = "they are described, and never made")]

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A pool.
#[derive(ToSchema)]
pub(super) struct Pool {
    /// Its name.
    #[schema(example = "spring")]
    pool: String,
    /// The sum of the others.
    total: u64,
    /// Free to be claimed.
    available: u64,
    /// Held by messages that are under way.
    reserved: u64,
    /// Given to customers.
    assigned: u64,
    /// Used by customers.
    redeemed: u64,
    /// No longer valid, and never used.
    expired: u64,
    /// Ended by hand.
    void: u64,
    /// Given in the last 24 hours.
    given_last_day: u64,
    /// When the pool is empty at this rate.
    #[schema(required)]
    dry_at: Option<String>,
    /// Its settings.
    settings: PoolSettings,
}

/// What can be set of a pool: under the names of a campaign's file, `null` where it is not set.
#[derive(ToSchema)]
pub(super) struct PoolSettings {
    /// Whether new claims are refused.
    paused: Option<bool>,
    /// How long a voucher is valid once a message took it.
    #[schema(example = "30d")]
    valid_for: Option<String>,
    /// When all vouchers of the pool stop being valid: a time with its offset, or a date, whose end in UTC is meant.
    #[schema(example = "2027-06-30T18:00:00Z")]
    expires_at: Option<String>,
    /// How many vouchers one customer may get.
    #[schema(minimum = 1, example = 1)]
    limit_per_customer: Option<u64>,
    /// How many vouchers all customers of one campaign may get together.
    #[schema(minimum = 1)]
    limit_per_campaign: Option<u64>,
    /// How many vouchers may be given altogether.
    #[schema(minimum = 1)]
    limit_total: Option<u64>,
    /// How many in each hour, day, week or month (UTC).
    #[schema(example = "10000/day")]
    limit_in_period: Option<String>,
    /// Who may get a voucher: an expression.
    #[schema(example = "customer.ltv < 500")]
    eligible: Option<String>,
    /// How many vouchers web layers may not take.
    floor: Option<u64>,
    /// When to warn that few vouchers are left.
    #[schema(example = json!([1000, 100]))]
    low_stock: Option<Vec<u64>>,
    /// The code that everybody gets once the pool and its overflow pools are empty.
    fallback: Option<String>,
    /// The pool to take from once this one is empty.
    overflow: Option<String>,
    /// What codes look like that are made when the pool is empty.
    #[schema(example = "SUM-####-####")]
    pattern: Option<String>,
    /// What a preview prints instead of a code.
    preview_code: Option<String>,
    /// When a voucher may be used: an expression.
    #[schema(example = "order.total >= 50")]
    redeem_rule: Option<String>,
    /// Whether somebody else may use what a customer was given.
    redeem_by_others: Option<ByOthers>,
}

/// Whether somebody else may use what a customer was given.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum ByOthers {
    Allow,
    Flag,
    Refuse,
}

/// A voucher, with whoever has it.
#[derive(ToSchema)]
pub(super) struct VoucherRecord {
    #[schema(example = "SPR-7Q2K")]
    code: String,
    #[schema(example = "spring")]
    pool: String,
    state: VoucherState,
    #[schema(required)]
    customer_id: Option<String>,
    #[schema(required)]
    campaign_id: Option<String>,
    #[schema(required)]
    message_id: Option<String>,
    /// How it was given: `email`, `sms`, `web_layer` and so on; `webhook` outside of messages.
    #[schema(required)]
    channel: Option<String>,
    /// `live`, or `test` for what a test message took.
    #[schema(required)]
    mode: Option<String>,
    #[schema(required)]
    assigned_at: Option<String>,
    #[schema(required)]
    expires_at: Option<String>,
    #[schema(required)]
    redeemed_at: Option<String>,
    /// The further columns of its import.
    metadata: Map<String, Value>,
}

/// Where a voucher stands in its life.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum VoucherState {
    Available,
    Reserved,
    Assigned,
    Redeemed,
    Expired,
    Void,
}

/// What became of a wish to use a voucher.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum RedemptionResult {
    /// It is used now, by this event.
    Redeemed,
    /// Another event has used it, or this one's use was taken back.
    AlreadyRedeemed,
    Expired,
    Void,
    Unknown,
    NotAssigned,
    RuleFailed,
}

/// Why a voucher cannot be used. A key without `codes:read` hears `not_valid` alone.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum InvalidReason {
    NotValid,
    AlreadyRedeemed,
    Expired,
    Void,
    Unknown,
    NotAssigned,
    RuleFailed,
}

/// A tracked event. The names of the type, of the property with the code and of the event's own id are those of the section
/// `[redemption]` of `tearoff.toml`; these are the defaults.
#[derive(Deserialize, ToSchema)]
pub(super) struct TrackedEvent {
    /// Text. Other types than the mapped one use no voucher.
    #[schema(example = "purchase")]
    r#type: Option<Value>,
    /// Text or an integer.
    #[schema(example = "c42")]
    customer_id: Option<Value>,
    /// A time with its offset, or seconds since 1970.
    #[schema(example = "2026-11-20T09:00:00Z")]
    timestamp: Option<Value>,
    /// An object. The code has to be text.
    #[schema(example = json!({"event_id": "order-1001", "voucher_code": "SPR-7Q2K", "total": 80}))]
    properties: Option<Value>,
}

/// One tracked event, or a list of them.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum TrackedEvents {
    One(Box<TrackedEvent>),
    Many(Vec<TrackedEvent>),
}

/// What became of tracked events.
#[derive(ToSchema)]
pub(super) struct EventsReport {
    read: u64,
    redeemed: u64,
    already_redeemed: u64,
    unknown: u64,
    not_assigned: u64,
    expired: u64,
    void: u64,
    rule_failed: u64,
    /// Events of another type, or without a code.
    unmapped: u64,
    /// Events that cannot be read: the first 1,000.
    rejected: Vec<Rejected>,
    /// What became of each event, in their order.
    results: Vec<EventResult>,
}

/// What became of one event.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum EventResult {
    Redeemed,
    AlreadyRedeemed,
    Expired,
    Void,
    Unknown,
    NotAssigned,
    RuleFailed,
    Unmapped,
    Rejected,
}

/// A line of a file, or an event, that cannot be taken.
#[derive(ToSchema)]
struct Rejected {
    /// Which one, from 1.
    line: u64,
    /// Why, without its data.
    reason: String,
}

/// An Excel workbook.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct Workbook(Vec<u8>);

/// What became of the rows of a file.
#[derive(ToSchema)]
pub(super) struct ImportReport {
    #[schema(example = "spring")]
    pool: String,
    /// What names this import, to take it back.
    import: String,
    /// Rows under the header.
    read: u64,
    /// Codes that are available now.
    added: u64,
    duplicates_in_source: u64,
    already_in_pool: u64,
    in_other_pool: u64,
    /// Rows that make no voucher: the first 1,000.
    rejected: Vec<Rejected>,
}

/// What was generated.
#[derive(ToSchema)]
pub(super) struct GenerationReport {
    #[schema(example = "spring")]
    pool: String,
    /// The import as a part of which the codes came, to take them back.
    import: String,
    generated: u64,
    #[schema(example = "SUM-####-####")]
    pattern: String,
    /// How many codes the pattern has, in bits.
    possibilities_bits: f64,
}

/// A voucher that was assigned, as a message's outcome tells it.
#[derive(ToSchema)]
pub(super) struct AssignedVoucher {
    /// The pool that was asked for.
    #[schema(example = "spring")]
    pool: String,
    #[schema(example = "SPR-7Q2K")]
    code: String,
    source: VoucherSource,
    /// The pool that gave the code.
    #[schema(example = "spring")]
    from: String,
    #[schema(required)]
    expires_at: Option<String>,
    /// The further columns of its import.
    metadata: Map<String, Value>,
}

/// Where a code came from.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum VoucherSource {
    Pool,
    Overflow,
    Fallback,
}
