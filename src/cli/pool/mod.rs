//! `pool`: pools, their settings and their stock.

mod archive;
mod card;
mod delete;
mod form;
mod generate;
mod import;
mod imports;
mod journal;
mod preview;
mod reconcile;
mod settings;
mod show;

use clap::{Args, Subcommand};

use super::{Context, Exit};
use crate::error::{Error, ErrorKind, Result};
use crate::render::suggest::did_you_mean;
use crate::voucher::{PoolName, PoolStatus, Store};

/// Pools, their settings and their stock.
#[derive(Subcommand)]
pub(super) enum Pool {
    /// Make a pool
    Create(settings::Create),
    /// Change settings of a pool; those that are not named stay as they are
    Set(settings::Set),
    /// List all pools with their counts
    List(show::List),
    /// Show a pool's counts and settings
    Show(show::Show),
    /// Stop new claims, when codes have leaked, say; vouchers that messages hold already stay theirs
    #[command(after_help = "Example:\n  tearoff pool pause spring")]
    Pause(Switch),
    /// Allow new claims again
    #[command(after_help = "Example:\n  tearoff pool resume spring")]
    Resume(Switch),
    /// Import codes into a pool, which is made if it does not exist
    Import(import::Import),
    /// List the imports of a pool, as far back as its journal goes
    Imports(imports::Imports),
    /// Take back an import that was a mistake: what is still available of it is void
    UndoImport(imports::UndoImport),
    /// Count everything anew, and name every number that does not add up
    Reconcile(reconcile::Reconcile),
    /// Remove old entries of the journal
    TrimJournal(journal::TrimJournal),
    /// Generate random codes into a pool, which is made if it does not exist
    Generate(generate::Generate),
    /// Remove a pool with all its vouchers
    Delete(delete::Delete),
}

impl Pool {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            Pool::Create(create) => create.run(context).await,
            Pool::Set(set) => set.run(context).await,
            Pool::List(list) => list.run(context).await,
            Pool::Show(show) => show.run(context).await,
            Pool::Pause(switch) => switch.run(context, true).await,
            Pool::Resume(switch) => switch.run(context, false).await,
            Pool::Import(import) => import.run(context).await,
            Pool::Imports(imports) => imports.run(context).await,
            Pool::UndoImport(undo) => undo.run(context).await,
            Pool::Reconcile(reconcile) => reconcile.run(context).await,
            Pool::TrimJournal(trim) => trim.run(context).await,
            Pool::Generate(generate) => generate.run(context).await,
            Pool::Delete(delete) => delete.run(context).await,
        }
    }
}

#[derive(Args)]
pub(super) struct Switch {
    /// The pool
    pool: String,
}

impl Switch {
    async fn run(&self, context: &Context, paused: bool) -> Result<Exit> {
        let store = context.open().await?;
        let PoolStatus { name, mut settings, .. } = find(&*store, &self.pool).await?;
        settings.paused = paused;
        store.set_pool(&name, &settings).await?;
        context.output.remark(match paused {
            true => format!("pool '{name}' takes no new claims; 'tearoff pool resume {name}' ends that"),
            false => format!("pool '{name}' takes new claims"),
        });
        Ok(Exit::Done)
    }
}

/// The pool of that name, or else all pools.
pub(super) async fn named_or_all(store: &dyn Store, name: Option<&str>) -> Result<Vec<PoolName>> {
    match name {
        Some(name) => Ok(vec![find(store, name).await?.name]),
        None => Ok(store.pools().await?.into_iter().map(|pool| pool.name).collect()),
    }
}

/// The pool of that name, or an error that says which one may have been meant.
async fn find(store: &dyn Store, name: &str) -> Result<PoolStatus> {
    let name = PoolName::new(name)?;
    if let Some(pool) = store.pool(&name).await? {
        return Ok(pool);
    }
    let known = store.pools().await?;
    let hint = did_you_mean(name.as_str(), known.iter().map(|pool| pool.name.as_str()));
    Err(Error::new(ErrorKind::NotFound, format!("there is no pool '{name}'{hint}"))
        .with_help("'tearoff pool list' shows those that exist"))
}
