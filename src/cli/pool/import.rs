//! `pool import`: a file of codes into a pool.

use clap::Args;

use crate::cli::output::{card, counted, grouped};
use crate::cli::progress::Progress;
use crate::cli::{Context, Exit, Format};
use crate::error::Result;
use crate::intake::{self, ImportReport, Input, Options};
use crate::voucher::PoolName;

/// How many rejected rows are shown to a person.
const SHOWN: usize = 20;

const EXAMPLES: &str = "\
Examples:
  tearoff pool import spring codes.csv
  tearoff pool import spring codes.csv --column 'Promo code' --delimiter ';'
  zcat codes.csv.gz | tearoff pool import spring -

The first line names the columns. The code stands in the column 'code', 'coupon', 'voucher' or the like; 'expires_at' is when
a voucher stops being valid; every other column becomes metadata. Importing a file again does no harm.";

/// Import codes into a pool, which is made if it does not exist.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Import {
    /// The pool
    pool: String,
    /// A CSV file, or - for standard input
    source: Input,
    /// The column that holds the code [default: found by its name]
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// The character between two fields, or 'tab' [default: found in the first line]
    #[arg(long, value_name = "C", value_parser = delimiter)]
    delimiter: Option<char>,
    #[command(flatten)]
    format: Format,
}

fn delimiter(text: &str) -> Result<char, &'static str> {
    match text {
        "tab" => Ok('\t'),
        text => text.parse().map_err(|_| "it is one character, or 'tab'"),
    }
}

impl Import {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let pool = PoolName::new(&self.pool)?;
        let options = Options { column: self.column.clone(), delimiter: self.delimiter };
        // A file that cannot be read makes no store.
        if self.source != Input::Standard {
            drop(intake::open(&self.source, &options)?);
        }
        let store = context.open_or_make().await?;
        let mut progress = Progress::start(&context.output, "importing", None);
        let report =
            intake::import(&*store, &pool, &self.source, &options, &mut |report| progress.read(report.read)).await;
        progress.end();
        let report = report?;
        if self.format.json {
            context.output.json(&report)?;
        } else {
            self.show(context, &report)?;
        }
        Ok(Exit::Done)
    }

    fn show(&self, context: &Context, report: &ImportReport) -> Result<()> {
        let rows = [
            ("read", report.read),
            ("added", report.added),
            ("duplicates in source", report.duplicates_in_source),
            ("already in pool", report.already_in_pool),
            ("in other pool", report.in_other_pool),
            ("rejected", report.rejected_count()),
        ];
        context.output.table(card(rows.map(|(name, count)| (name, grouped(count)))))?;
        for rejected in report.rejected.iter().take(SHOWN) {
            context.output.warn(format!("{}:{}: {}", self.source, rejected.line, rejected.reason));
        }
        let more = report.rejected_count().saturating_sub(SHOWN as u64);
        if more > 0 {
            context.output.warn(format!("{} more; --json lists up to 1,000", counted(more, "rejected row")));
        }
        Ok(())
    }
}
