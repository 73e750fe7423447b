//! `pool import`: a file of codes into a pool, or a look at it.

use clap::Args;

use super::preview;
use crate::cli::output::{card, counted, grouped};
use crate::cli::progress::Progress;
use crate::cli::{Context, Exit, Format};
use crate::error::Result;
use crate::intake::{self, Format as FileFormat, ImportReport, Options, Shape, Source, parse_delimiter};
use crate::voucher::PoolName;

/// How many rejected rows are shown to a person.
const SHOWN: usize = 20;

const EXAMPLES: &str = "\
Examples:
  tearoff pool import spring codes.xlsx --preview      how the file is read; nothing is taken
  tearoff pool import spring codes.csv
  tearoff pool import spring codes.csv.gz --column 'Promo code' --delimiter ';' --encoding windows-1250
  tearoff pool import spring https://shop.example/exports/codes.csv
  unzip -p codes.zip | tearoff pool import spring -

Reads .csv, .tsv, .txt (a code on each line), .jsonl and .xlsx, each also with .gz behind it. The first line names the columns.
The code stands in the column 'code', 'coupon', 'voucher' or the like; 'expires_at' is when a voucher stops being valid; every
other column becomes metadata. Importing a file again does no harm.";

/// Import codes into a pool, which is made if it does not exist.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Import {
    /// The pool
    pool: String,
    /// A file, an https URL, or - for standard input
    source: String,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Show how the source is read, with its header and first five rows, and change nothing
    #[arg(long)]
    preview: bool,
    #[command(flatten)]
    format: Format,
}

/// How a file is to be read where it does not say so itself.
#[derive(Args)]
struct ReadingArgs {
    /// The column that holds the code [default: found by its name]
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// The character between two fields, or 'tab' [default: found in the first line]
    #[arg(long, value_name = "C", value_parser = parse_delimiter)]
    delimiter: Option<char>,
    /// The encoding of a text, such as windows-1250 [default: found in the text]
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// The sheet of a workbook [default: the first]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Take numbers for codes, though what made them numbers has dropped leading zeros
    #[arg(long)]
    accept_numeric: bool,
}

impl ReadingArgs {
    fn options(&self) -> Options {
        Options {
            column: self.column.clone(),
            delimiter: self.delimiter,
            encoding: self.encoding.clone(),
            sheet: self.sheet.clone(),
            accept_numeric: self.accept_numeric,
        }
    }
}

impl Import {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let pool = PoolName::new(&self.pool)?;
        let options = self.reading.options();
        let source = Source::of(&self.source.parse()?).await?;
        if self.preview {
            preview::show(context, self.format, &intake::preview(&source, &options)?)?;
        } else {
            let report = import(context, &pool, &source, &options).await?;
            if self.format.json {
                context.output.json(&report)?;
            } else {
                self.show(context, &report)?;
            }
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
        let taken = (report.added > 0).then(|| ("import", report.import.to_string()));
        context.output.table(card(rows.map(|(name, count)| (name, grouped(count))).into_iter().chain(taken)))?;
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

async fn import(context: &Context, pool: &PoolName, source: &Source, options: &Options) -> Result<ImportReport> {
    // A file that cannot be read makes no store.
    if source.is_repeatable() {
        warn(context, source, source.open(options)?.shape());
    }
    let store = context.open_or_make().await?;
    let mut progress = Progress::start(&context.output, "importing", None);
    let report = intake::import(&*store, pool, source, options, &mut |report| progress.read(report.read)).await;
    progress.end();
    report
}

/// Says what was taken for granted, and could be wrong.
fn warn(context: &Context, source: &Source, shape: &Shape) {
    if let Some(encoding) = shape.encoding.filter(|_| shape.encoding_guessed) {
        context.output.warn(format!("{source}: the encoding is taken for {encoding}; --encoding says what it is"));
    }
    if shape.header.is_none() && matches!(shape.format, FileFormat::Csv | FileFormat::Xlsx) {
        context.output.warn(format!("{source}: there is no header; the first line is taken for a code"));
    }
}
