//! `pool delete`: removes a pool, once its vouchers are archived if any were given.

use std::path::PathBuf;

use clap::Args;

use super::archive::Archive;
use super::find;
use crate::cli::output::counted;
use crate::cli::{Context, Exit};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{PoolName, PoolSettings, PoolStatus, Store};

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff pool delete spring
  tearoff pool delete spring --archive spring-2026.csv

Without --archive, a pool is deleted only while none of its codes is assigned or redeemed.")]
pub(in crate::cli) struct Delete {
    /// The pool
    pool: String,
    /// Write all vouchers of the pool to this new file first: JSON lines if it ends in .jsonl, else CSV
    #[arg(long, value_name = "FILE")]
    archive: Option<PathBuf>,
}

impl Delete {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let store = context.open().await?;
        let pool = find(&*store, &self.pool).await?;
        match &self.archive {
            None => store.delete_pool(&pool.name, false).await?,
            Some(file) => archive_and_delete(&*store, &pool, Archive::create(file)?).await?,
        }
        let vouchers = counted(pool.counts.total, "voucher");
        context.output.remark(match &self.archive {
            None => format!("deleted pool '{}' with {vouchers}", pool.name),
            Some(file) => {
                let are = if pool.counts.total == 1 { "is" } else { "are" };
                format!("deleted pool '{}'; its {vouchers} {are} in {}", pool.name, file.display())
            }
        });
        Ok(Exit::Done)
    }
}

/// The pool is paused meanwhile, so that the archive tells of every voucher what it was in the end. If the pool cannot be
/// deleted, it is as before and there is no archive.
async fn archive_and_delete(store: &dyn Store, pool: &PoolStatus, mut archive: Archive) -> Result<()> {
    let PoolStatus { name, settings, .. } = pool;
    store.set_pool(name, &PoolSettings { paused: true, ..settings.clone() }).await?;
    let deleted = match write(store, name, &mut archive).await {
        Ok(()) => store.delete_pool(name, true).await,
        Err(error) => Err(error),
    };
    if deleted.is_err() {
        archive.remove();
        store.set_pool(name, settings).await?;
    }
    deleted
}

async fn write(store: &dyn Store, name: &PoolName, archive: &mut Archive) -> Result<()> {
    const PAGE: usize = 1_000;
    if store.pool(name).await?.is_some_and(|pool| pool.counts.reserved > 0) {
        let message = format!("codes of pool '{name}' are reserved at this moment");
        return Err(
            Error::new(ErrorKind::Refused, message).with_help("wait until the messages that need them are done")
        );
    }
    let mut last = None;
    loop {
        let page = store.vouchers(name, last.as_ref(), PAGE).await?;
        let Some(voucher) = page.last() else { return archive.finish() };
        last = Some(voucher.code.clone());
        archive.write(&page)?;
    }
}
