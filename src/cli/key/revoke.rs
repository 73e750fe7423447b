//! `key revoke`.

use clap::Args;

use super::super::{Context, Exit};
use crate::error::Result;

#[derive(Args)]
#[command(after_help = "Example:\n  tearoff key revoke 1f3a9c04")]
pub(in crate::cli) struct Revoke {
    /// The key's id: the part of it behind 'tro_', or what 'tearoff key list' shows
    id: String,
}

impl Revoke {
    pub(super) fn run(&self, context: &Context) -> Result<Exit> {
        let key = super::file(context).revoke(&self.id)?;
        context.output.remark(format!("key '{}' is revoked", key.id));
        Ok(Exit::Done)
    }
}
