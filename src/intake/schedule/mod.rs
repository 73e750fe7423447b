//! Imports that repeat.
//!
//! Whoever calls [`run_due`] now and then, by hand, from cron or from a server's clock, has every import run that is due. What
//! each did stands in [`ImportRecords`].

mod cron;
mod records;

pub use cron::Schedule;
pub use records::{Counts, ImportRecords, ImportRun};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::{ImportReport, Input, Options, Source, import};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{PoolName, Stock};

/// An import that repeats: an entry `[[imports]]` of `tearoff.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Entry")]
#[non_exhaustive]
pub struct ScheduledImport {
    /// What it is called in the record; the pool's name, unless it says so itself.
    pub name: String,
    /// What is imported.
    pub source: Input,
    /// Into which pool.
    pub pool: PoolName,
    /// When.
    pub schedule: Schedule,
    /// Whose clocks that is by.
    pub zone: TimeZone,
    /// How the source is read.
    pub options: Options,
}

/// An entry as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Option<String>,
    #[serde(deserialize_with = "source")]
    source: Input,
    pool: PoolName,
    cron: Schedule,
    #[serde(default = "utc", deserialize_with = "zone")]
    timezone: TimeZone,
    column: Option<String>,
    delimiter: Option<char>,
    encoding: Option<String>,
    sheet: Option<String>,
    #[serde(default)]
    accept_numeric: bool,
}

fn source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Input, D::Error> {
    match String::deserialize(deserializer)?.parse().map_err(D::Error::custom)? {
        Input::Standard => Err(D::Error::custom("standard input cannot be imported again and again")),
        source => Ok(source),
    }
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(deserializer)?;
    TimeZone::get(&name)
        .map_err(|_| D::Error::custom(format!("there is no time zone '{name}', as 'Europe/Prague' is one")))
}

fn utc() -> TimeZone {
    TimeZone::UTC
}

impl From<Entry> for ScheduledImport {
    fn from(entry: Entry) -> ScheduledImport {
        ScheduledImport {
            name: entry.name.unwrap_or_else(|| entry.pool.to_string()),
            source: entry.source,
            pool: entry.pool,
            schedule: entry.cron,
            zone: entry.timezone,
            options: Options {
                column: entry.column,
                delimiter: entry.delimiter,
                encoding: entry.encoding,
                sheet: entry.sheet,
                accept_numeric: entry.accept_numeric,
            },
        }
    }
}

/// Refuses two imports of one name: their records would be one.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] where there are such.
pub fn check_import_names(imports: &[ScheduledImport]) -> Result<()> {
    let double =
        imports.iter().enumerate().find(|(at, import)| imports[..*at].iter().any(|other| other.name == import.name));
    match double {
        None => Ok(()),
        Some((_, import)) => {
            Err(Error::new(ErrorKind::InvalidInput, format!("two of the imports are called '{}'", import.name))
                .with_help("give each [[imports]] a 'name' of its own; without one it is called after its pool"))
        }
    }
}

/// Runs every import that is due at `now`, one after the other, and records what each did before the next begins. One that fails
/// stops no other, and is due again at once.
///
/// # Errors
/// [`ErrorKind::Io`] where the record cannot be written. How an import failed stands in its [`ImportRun`].
pub async fn run_due(
    stock: &dyn Stock,
    imports: &[ScheduledImport],
    records: &mut ImportRecords,
    now: Timestamp,
    progress: &mut (dyn FnMut(&ScheduledImport, &ImportReport) + Send),
) -> Result<Vec<ImportRun>> {
    let mut runs = Vec::new();
    for import in imports {
        if records.is_due(import, now) {
            let began = Timestamp::now();
            let result = run(stock, import, &mut |report| progress(import, report)).await;
            let run = ImportRun::new(import, began, &result);
            records.add(run.clone())?;
            runs.push(run);
        }
    }
    Ok(runs)
}

async fn run(
    stock: &dyn Stock,
    scheduled: &ScheduledImport,
    progress: &mut (dyn FnMut(&ImportReport) + Send),
) -> Result<ImportReport> {
    let source = Source::of(&scheduled.source).await?;
    import(stock, &scheduled.pool, &source, &scheduled.options, progress).await
}
