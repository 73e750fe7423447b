//! `export`: what a downstream system wants to know of vouchers, as rows.

mod cursor;
mod journal;
mod rows;
mod vouchers;

use std::io::{self, Stdout};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub(super) use rows::Rows;

use self::cursor::Cursor;
use super::pool::named_or_all;
use super::report::in_argument;
use super::sheet::Form;
use super::{Context, Exit};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{PoolName, Store, parse_timestamp};

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff export vouchers --pool spring > spring.csv
  tearoff export assignments --cursor assignments.json --format jsonl >> assignments.jsonl
  tearoff export journal --cursor journal.json --trim >> journal.csv

With --cursor, an export goes on where the last one with that file ended. The file is written once all rows are out, so that
a run that failed is repeated and nothing is missed; a row may then come twice. A CSV cell that a spreadsheet would take for a
formula begins with an apostrophe.")]
pub(super) struct Export {
    /// What to export
    what: What,
    /// Only this pool [default: all pools of the project]
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
    /// Only what happened since: a date, whose first second in UTC is meant, or a time such as 2026-11-20T09:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// CSV with a header, or JSON lines
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Form::Csv)]
    format: Form,
    /// Go on where the last export with this file ended, and remember in it where this one ends
    #[arg(long, value_name = "FILE")]
    cursor: Option<PathBuf>,
    /// Remove from the journal what is exported; needs --cursor
    #[arg(long, requires = "cursor")]
    trim: bool,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Vouchers that somebody got, as they are now: new ones only, with --cursor
    Assignments,
    /// All vouchers as they are now; with --since, those that were given or used since
    Vouchers,
    /// What happened, one row for each voucher
    Journal,
}

/// Where rows go.
type Sink = Rows<Stdout>;

impl Export {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        self.check()?;
        let since = self.since.as_deref().map(beginning).transpose();
        let since = since.map_err(|error| in_argument("--since", &error))?;
        let store = context.open().await?;
        let mut cursor =
            self.cursor.as_deref().map(|path| Cursor::read(path, self.kind(), &context.project)).transpose()?;
        let mut sink = Rows::new(io::stdout(), self.format, "standard output");
        for pool in named_or_all(&*store, self.pool.as_deref()).await? {
            self.export(&*store, &pool, since, cursor.as_mut(), &mut sink).await?;
        }
        sink.finish()?;
        if let Some(cursor) = &cursor {
            cursor.write()?;
            if self.trim {
                cursor.trim(&*store).await?;
            }
        }
        Ok(Exit::Done)
    }

    fn check(&self) -> Result<()> {
        let (problem, help) = match (self.what, &self.cursor) {
            (What::Vouchers, Some(_)) => (
                "vouchers are exported as they are now, so there is nothing to go on with",
                "leave --cursor out, or export assignments or the journal",
            ),
            (What::Assignments, _) if self.trim => {
                ("--trim removes what was never exported: assignments are a part of the journal", "export the journal")
            }
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::InvalidInput, problem).with_help(help))
    }

    fn kind(&self) -> &'static str {
        match self.what {
            What::Assignments => "assignments",
            What::Vouchers => "vouchers",
            What::Journal => "journal",
        }
    }

    async fn export(
        &self,
        store: &dyn Store,
        pool: &PoolName,
        since: Option<Timestamp>,
        cursor: Option<&mut Cursor>,
        sink: &mut Sink,
    ) -> Result<()> {
        match (self.what, cursor) {
            (What::Journal, cursor) => journal::entries(store, pool, since, cursor, sink).await,
            (What::Assignments, Some(cursor)) => vouchers::new_assignments(store, pool, since, cursor, sink).await,
            (What::Assignments, None) => vouchers::assignments(store, pool, since, sink).await,
            (What::Vouchers, _) => vouchers::all(store, pool, since, sink).await,
        }
    }
}

/// A moment; a date begins with its first second in UTC.
fn beginning(text: &str) -> Result<Timestamp> {
    let date = (text.len() == "2027-06-30".len()).then(|| text.parse::<Date>().ok()).flatten();
    let midnight = date.and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    midnight.map_or_else(|| parse_timestamp(text), |midnight| Ok(midnight.timestamp()))
}
