//! `key create`.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::super::{Context, Exit};
use crate::error::Result;
use crate::http::Scope;

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff key create --scope render --scope pools:read --name shop
  tearoff key create --scope render:web --name website > key.txt

Scopes:
  render       messages of every channel
  render:web   web layers alone
  test         test messages
  pools:read   settings and counts of pools, and /metrics
  pools:write  imports, and settings of pools
  codes:read   codes and who has them
  redeem       the use of vouchers, and events
  admin        everything

Of the key, only a hash is kept.")]
pub(in crate::cli) struct Create {
    /// What the key allows; give it once for each scope
    #[arg(long = "scope", value_name = "SCOPE", required = true,
        value_parser = PossibleValuesParser::new(Scope::ALL.map(Scope::as_str)))]
    scopes: Vec<String>,
    /// Whose key it is
    #[arg(long)]
    name: Option<String>,
}

impl Create {
    pub(super) fn run(&self, context: &Context) -> Result<Exit> {
        let mut scopes = self.scopes.iter().map(|scope| scope.parse()).collect::<Result<Vec<Scope>>>()?;
        scopes.sort_unstable();
        scopes.dedup();
        let (key, presented) = super::file(context).create(self.name.as_deref(), &scopes)?;
        super::show(&presented, &key, &context.output)?;
        Ok(Exit::Done)
    }
}
