//! `import-due`: the imports that repeat, as far as they are due.

use std::path::Path;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::output::{minute, table};
use super::progress::Progress;
use super::{Context, Exit, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::intake::{ImportRecords, ImportRun, ScheduledImport, run_due};

/// The file's name; it is beside `tearoff.toml`.
const RECORDS: &str = "tearoff.imports.json";

const EXAMPLES: &str = "\
Examples:
  tearoff import-due              run what is due; call it every minute, from cron, say
  tearoff import-due --list       when each import is due, and what it did last

The imports stand in tearoff.toml:
  [[imports]]
  source = \"https://shop.example/exports/codes.csv\"
  pool = \"spring\"
  cron = \"30 2 * * *\"            # minute, hour, day, month, day of the week
  timezone = \"Europe/Prague\"     # UTC, if it is left out

What they did stands in tearoff.imports.json beside it. An import that failed is due again at once.";

/// Run the imports of tearoff.toml that are due since they last ran
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ImportDue {
    /// Only tell when each import is due
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    format: Format,
}

/// What the imports of this folder did.
pub(super) fn records() -> Result<ImportRecords> {
    ImportRecords::read(Path::new(RECORDS))
}

/// When an import is due.
#[derive(Serialize)]
struct Due<'a> {
    name: &'a str,
    pool: &'a str,
    source: String,
    cron: String,
    due: Option<Timestamp>,
    last: Option<&'a ImportRun>,
}

impl ImportDue {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let imports = &context.imports;
        if imports.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "tearoff.toml has no [[imports]]")
                .with_help("'tearoff import-due --help' shows how they are written"));
        }
        let mut records = records()?;
        let now = Timestamp::now();
        if self.list {
            return self.show_due(context, &records, now);
        }
        let runs = match imports.iter().any(|import| records.is_due(import, now)) {
            true => run(context, &mut records, now).await?,
            false => Vec::new(),
        };
        self.show_runs(context, &runs)?;
        Ok(exit(&runs))
    }

    fn show_due(&self, context: &Context, records: &ImportRecords, now: Timestamp) -> Result<Exit> {
        let all: Vec<Due<'_>> = context.imports.iter().map(|import| due(import, records, now)).collect();
        if self.format.json {
            context.output.json(&all)?;
            return Ok(Exit::Done);
        }
        let mut rows = table(&["import", "pool", "due (UTC)", "last run (UTC)", "result"]);
        for import in &all {
            let due = import
                .due
                .map_or_else(|| "never".to_owned(), |due| if due <= now { "now".to_owned() } else { minute(due) });
            let last = import.last.map(|run| minute(run.began)).unwrap_or_default();
            rows.add_row([import.name, import.pool, &due, &last, &import.last.map(result).unwrap_or_default()]);
        }
        context.output.table(rows)?;
        Ok(Exit::Done)
    }

    fn show_runs(&self, context: &Context, runs: &[ImportRun]) -> Result<()> {
        if self.format.json {
            return context.output.json(&runs);
        }
        if runs.is_empty() {
            context.output.remark("nothing is due; 'tearoff import-due --list' tells when something is");
            return Ok(());
        }
        let mut rows = table(&["import", "pool", "result"]);
        for run in runs {
            rows.add_row([&run.name, run.pool.as_str(), &result(run)]);
        }
        context.output.table(rows)
    }
}

fn due<'a>(import: &'a ScheduledImport, records: &'a ImportRecords, now: Timestamp) -> Due<'a> {
    Due {
        name: &import.name,
        pool: import.pool.as_str(),
        source: import.source.to_string(),
        cron: import.schedule.to_string(),
        due: records.due(import, now),
        last: records.last(import),
    }
}

async fn run(context: &Context, records: &mut ImportRecords, now: Timestamp) -> Result<Vec<ImportRun>> {
    let store = context.open_or_make().await?;
    let mut progress = Progress::start(&context.output, "importing", None);
    let runs = run_due(&*store, &context.imports, records, now, &mut |_, report| progress.read(report.read)).await;
    progress.end();
    runs
}

fn result(run: &ImportRun) -> String {
    match (&run.report, &run.error) {
        (_, Some(error)) => {
            format!("failed: {error}{}", run.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default())
        }
        (Some(report), None) => {
            let counts = [
                (report.added, "added"),
                (report.already_in_pool, "already there"),
                (report.in_other_pool, "in another pool"),
                (report.rejected, "rejected"),
            ];
            let parts = counts.into_iter().enumerate().filter(|(at, (count, _))| *at == 0 || *count > 0);
            parts
                .map(|(_, (count, what))| format!("{} {what}", super::output::grouped(count)))
                .collect::<Vec<_>>()
                .join(", ")
        }
        (None, None) => String::new(),
    }
}

/// A store that cannot be reached is told apart from everything else that can be wrong with an import.
fn exit(runs: &[ImportRun]) -> Exit {
    let failures = || runs.iter().filter(|run| run.failed());
    match failures().filter_map(|run| run.kind).any(|kind| Exit::from(kind) == Exit::StoreUnreachable) {
        true => Exit::StoreUnreachable,
        false if failures().next().is_some() => Exit::BadInput,
        false => Exit::Done,
    }
}
