//! `pool reconcile`: whether the numbers add up.

use clap::Args;
use serde::Serialize;

use super::named_or_all;
use crate::cli::doctor;
use crate::cli::{Context, Exit, Format};
use crate::error::Result;
use crate::voucher::{Finding, PoolName};

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff pool reconcile
  tearoff pool reconcile spring --json | jq '.[] | select(.ok | not)'

Everything of a pool is counted anew and held against what the pool says of itself. The exit code is 1 if a number differs.")]
pub(in crate::cli) struct Reconcile {
    /// The pool [default: all pools of the project]
    pool: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// A number of a pool, as programs read it.
#[derive(Serialize)]
struct PoolFinding {
    pool: PoolName,
    #[serde(flatten)]
    finding: Finding,
}

impl Reconcile {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let store = context.open().await?;
        let mut findings = Vec::new();
        for pool in named_or_all(&*store, self.pool.as_deref()).await? {
            let found = store.reconcile(&pool).await?;
            findings.extend(found.into_iter().map(|finding| PoolFinding { pool: pool.clone(), finding }));
        }
        let adds_up = findings.iter().all(|found| found.finding.ok);
        if self.format.json {
            context.output.json(&findings)?;
        } else {
            let named = findings.into_iter().map(|PoolFinding { pool, finding }| {
                let check = format!("{pool}: {}", finding.check);
                Finding { check, ..finding }
            });
            context.output.text(&doctor::lines(&named.collect::<Vec<_>>(), context))?;
        }
        Ok(if adds_up { Exit::Done } else { Exit::Unexpected })
    }
}
