//! The domain: pools, vouchers, claims, bindings and leases, and the ports that a store implements. No I/O.
//!
//! The words are those of the field; their rules stand with the types and in `docs/PROTOCOL.md`.

mod channel;
mod claim;
mod code;
mod generation;
mod id;
mod journal;
mod lease;
mod pace;
mod pattern;
mod period;
mod pool;
mod pool_form;
mod port;
mod record;
mod redemption;
mod time;

pub use channel::Channel;
pub use claim::{
    Binding, Claim, ClaimKey, Claimed, Kept, KeyOwner, MessageIdentity, Mode, Refusal, Rejection, Settled, Shown,
    Source, Width,
};
pub use code::{Code, Metadata, NewVoucher, Voucher};
pub use generation::Generator;
pub use id::{CampaignId, CustomerId, EventId, ImportId, MessageId, PoolName, check_name};
pub use journal::{Change, JournalEntry, JournalPosition, JournalSize};
pub use lease::{Lease, LeaseId};
pub use pace::Pace;
pub use pattern::{Charset, Pattern};
pub use period::Period;
pub use pool::{
    Catalogue, Count, Forgotten, LimitUse, Limits, LowStock, PeriodLimit, PoolCard, PoolCounts, PoolSettings,
    PoolStatus, RedemptionRules, Thresholds, Undone,
};
pub use pool_form::{CountsForm, PoolForm};
pub use port::{Assignments, Claims, Desk, Finding, Imported, Journal, Lookup, Redemptions, Stock, Store};
pub use record::{ReleasedMessage, State, VoucherRecord};
pub use redemption::{ByOthers, Redemption, RedemptionResult, RolledBack, Voided};
pub use time::{parse_duration, parse_timestamp, span_text};
