//! Messages through the protocol, one by one or a whole audience.
//!
//! [`Personalizer`] takes batches of messages of one template and gives their [`Outcome`]s;
//! [`preview`] shows one without touching a pool.

mod attempt;
mod audience;
mod document;
mod file;
mod outcome;
mod personalizer;
mod preview;
mod render_threads;

pub use crate::intake::Seen;
pub use audience::{Audience, ColumnType, Columns, Fingerprint, Position, Recipient, Row};
pub use file::{CampaignFile, CampaignPool, WhenEmpty};
pub use outcome::{CampaignEvent, Outcome, Personalized, Reason, Shortfall, Status};
pub use personalizer::Personalizer;
pub use preview::preview;
pub use render_threads::RenderThreads;

/// Where an audience comes from.
pub type AudienceSource = crate::intake::Input;
