//! `pool imports` and `pool undo-import`: what came in by which import.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::find;
use crate::cli::output::{counted, grouped, minute, table};
use crate::cli::{Context, Exit, Format};
use crate::error::Result;
use crate::voucher::{Change, ImportId, JournalEntry, PoolName, Store, Undone};

/// How many entries of the journal are read at once.
const PAGE: usize = 1_000;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  tearoff pool imports spring\n  tearoff pool imports spring --json | jq '.[-1].import_id'"
)]
pub(in crate::cli) struct Imports {
    /// The pool
    pool: String,
    #[command(flatten)]
    format: Format,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  tearoff pool undo-import spring 20261120-090000-5f3a91c2

The codes of the import that are still available become void: no message gets them, and they cannot be imported again. Those
that somebody has stay as they are. 'tearoff pool imports POOL' lists the ids. Doing it again does no harm.")]
pub(in crate::cli) struct UndoImport {
    /// The pool
    pool: String,
    /// The import's id
    import_id: String,
    #[command(flatten)]
    format: Format,
}

/// One import, as far as the journal tells of it.
#[derive(Serialize)]
struct Import {
    import_id: ImportId,
    first_at: Timestamp,
    last_at: Timestamp,
    vouchers: u64,
}

/// What undoing did, as programs read it.
#[derive(Serialize)]
struct UndoneForm<'a> {
    pool: &'a PoolName,
    import_id: &'a ImportId,
    #[serde(flatten)]
    undone: Undone,
}

impl Imports {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let store = context.open().await?;
        let pool = find(&*store, &self.pool).await?.name;
        let imports = imports(&*store, &pool).await?;
        if self.format.json {
            context.output.json(&imports)?;
        } else if imports.is_empty() {
            context.output.remark(format!("the journal tells of no import into pool '{pool}'"));
        } else {
            let mut listing = table(&["IMPORT", "SINCE (UTC)", "UNTIL (UTC)", ">VOUCHERS"]);
            for Import { import_id, first_at, last_at, vouchers } in &imports {
                listing.add_row([import_id.to_string(), minute(*first_at), minute(*last_at), grouped(*vouchers)]);
            }
            context.output.table(listing)?;
        }
        Ok(Exit::Done)
    }
}

/// The imports of a pool, the oldest first.
async fn imports(store: &dyn Store, pool: &PoolName) -> Result<Vec<Import>> {
    let mut found = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store.journal(pool, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.position.clone());
        page.into_iter().filter(|entry| entry.change == Change::Imported).for_each(|entry| add(&mut found, entry));
    }
    let mut imports: Vec<Import> = found.into_values().collect();
    imports.sort_by_key(|import| import.first_at);
    Ok(imports)
}

fn add(found: &mut BTreeMap<ImportId, Import>, entry: JournalEntry) {
    let JournalEntry { at, count, import_id: Some(import_id), .. } = entry else { return };
    let import = found.entry(import_id.clone()).or_insert(Import { import_id, first_at: at, last_at: at, vouchers: 0 });
    import.last_at = at;
    import.vouchers += count;
}

impl UndoImport {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let import_id = ImportId::new(&self.import_id)?;
        let store = context.open().await?;
        let pool = find(&*store, &self.pool).await?.name;
        let undone = store.undo_import(&pool, &import_id).await?;
        if self.format.json {
            context.output.json(&UndoneForm { pool: &pool, import_id: &import_id, undone })?;
        } else {
            let (void, kept) = (counted(undone.voided, "voucher"), counted(undone.kept, "voucher"));
            context.output.text(&format!("void now: {void}\nstays as it is: {kept}"))?;
        }
        Ok(Exit::Done)
    }
}
