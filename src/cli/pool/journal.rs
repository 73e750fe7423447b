//! `pool trim-journal`: what happened long ago.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::named_or_all;
use crate::cli::output::grouped;
use crate::cli::report::in_argument;
use crate::cli::{Context, Exit, Format};
use crate::error::Result;
use crate::voucher::{PoolName, parse_duration};

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff pool trim-journal
  tearoff pool trim-journal spring --keep 30d

What the journal tells of vouchers is gone then; the vouchers and who has them stay. 'tearoff export journal' saves it first.
A store may leave some of the entries that are old enough.")]
pub(in crate::cli) struct TrimJournal {
    /// The pool [default: all pools of the project]
    pool: Option<String>,
    /// How long entries are kept: 30d, 12h, 45m or 90s [default: 'journal_keep' of ./tearoff.toml, else 90d]
    #[arg(long, value_name = "SPAN")]
    keep: Option<String>,
    #[command(flatten)]
    format: Format,
}

impl TrimJournal {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let keep = self.keep.as_deref().map(parse_duration).transpose();
        let keep: Duration =
            keep.map_err(|error| in_argument("--keep", &error))?.unwrap_or(context.opening.journal_keep);
        let before = Timestamp::now().checked_sub(keep).unwrap_or(Timestamp::MIN);
        let store = context.open().await?;
        let mut removed: BTreeMap<PoolName, u64> = BTreeMap::new();
        for pool in named_or_all(&*store, self.pool.as_deref()).await? {
            let entries = store.trim_journal(&pool, before).await?;
            removed.insert(pool, entries);
        }
        if self.format.json {
            context.output.json(&removed)?;
        } else {
            let all: u64 = removed.values().sum();
            context.output.text(&format!("removed entries: {}", grouped(all)))?;
        }
        Ok(Exit::Done)
    }
}
