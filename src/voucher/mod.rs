//! The domain: pools, vouchers, claims, bindings and leases, and the ports that a store implements. No I/O.
//!
//! The words are those of the field; their rules stand with the types and in `docs/PROTOCOL.md`.

mod channel;
mod claim;
mod code;
mod generation;
mod id;
mod lease;
mod pattern;
mod pool;
mod port;
mod record;
mod time;

pub use channel::Channel;
pub use claim::{
    Binding, Claim, ClaimKey, Claimed, Kept, KeyOwner, MessageIdentity, Mode, Refusal, Rejection, Settled, Shown,
    Source, Width,
};
pub use code::{Code, Metadata, NewVoucher, Voucher};
pub use generation::generate;
pub use id::{CampaignId, CustomerId, MessageId, PoolName, check_name};
pub use lease::{Lease, LeaseId};
pub use pattern::{Charset, Pattern};
pub use pool::{Catalogue, Count, Limits, PoolCard, PoolCounts, PoolSettings, PoolStatus};
pub use port::{Claims, Desk, Finding, Imported, Lookup, Stock, Store};
pub use record::{ReleasedMessage, State, VoucherRecord};
pub use time::{parse_duration, parse_timestamp};
