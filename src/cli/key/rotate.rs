//! `key rotate`.

use std::time::Duration;

use clap::Args;

use super::super::{Context, Exit};
use crate::error::Result;
use crate::voucher::parse_duration;

#[derive(Args)]
#[command(after_help = "Examples:\n  tearoff key rotate 1f3a9c04\n  tearoff key rotate 1f3a9c04 --grace 7d")]
pub(in crate::cli) struct Rotate {
    /// The key's id: the part of it behind 'tro_', or what 'tearoff key list' shows
    id: String,
    /// How long the secret from before goes on to be valid; 'tearoff key revoke' ends it at once
    #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = parse_duration)]
    grace: Duration,
}

impl Rotate {
    pub(super) fn run(&self, context: &Context) -> Result<Exit> {
        let (key, presented) = super::file(context).rotate(&self.id, self.grace)?;
        super::show(&presented, &key, &context.output)?;
        if let Some(until) = key.old_secret_until() {
            context
                .output
                .remark(format!("the one from before is valid until {}", super::super::output::moment(until)));
        }
        Ok(Exit::Done)
    }
}
