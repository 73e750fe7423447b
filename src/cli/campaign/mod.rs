//! `tearoff campaign`: a template over an audience, from files to files.

mod check;
mod prepared;
mod run;

use clap::Subcommand;

use super::{Context, Exit};
use crate::error::Result;

/// The commands of a campaign.
#[derive(Subcommand)]
pub(super) enum Campaign {
    /// Forecast how many vouchers the audience still needs, without touching any
    Check(check::Check),
    /// Check, then render a message for every recipient
    Run(run::Run),
}

impl Campaign {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            Campaign::Check(check) => super::interruptible(check.run(context)).await,
            Campaign::Run(run) => run.run(context).await,
        }
    }
}
