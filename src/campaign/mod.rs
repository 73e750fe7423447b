//! Messages through the protocol: rendered, reserved, settled.
//!
//! [`Personalizer`] takes batches of messages of one template and gives their [`Outcome`]s.

mod attempt;
mod outcome;
mod personalizer;
mod render_threads;

pub use outcome::{CampaignEvent, Outcome, Personalized, Reason, Shortfall, Status};
pub use personalizer::Personalizer;
pub use render_threads::RenderThreads;
