//! Files and patterns → vouchers.
//!
//! [`open`] reads vouchers row by row from a file or from standard input, [`import`] adds them to a pool, and [`new_codes`]
//! counts beforehand how many an import would add. A row that makes no voucher is rejected with its line and a reason; a
//! file that is broken is an error and leaves the pool as it is. [`generate()`] adds random codes instead.

mod csv;
mod generate;
mod import;
mod input;
mod lines;
mod record;
mod seen;
mod table;

pub use generate::{Generation, GenerationReport, generate};
pub use import::{ImportReport, Rejected, import, new_codes};
pub use input::Input;
pub use seen::Seen;

pub(crate) use lines::Lines;
pub(crate) use record::Record;
pub(crate) use seen::hash;
pub(crate) use table::{Table, normalized};

use crate::error::Result;
use crate::voucher::NewVoucher;

/// How a file of vouchers is to be read, where it does not say so itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The column that holds the code; found by its name where it is not set.
    pub column: Option<String>,
    /// The character between two fields; found in the header where it is not set.
    pub delimiter: Option<char>,
}

/// One row of a file of vouchers.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The line it begins on.
    pub line: u64,
    /// The voucher, or why there is none. The reason does not repeat the code.
    pub content: Result<NewVoucher, String>,
}

/// The rows of a file of vouchers, read as they are asked for. After an error there is no more.
pub type Rows = Box<dyn Iterator<Item = Result<Row>> + Send>;

/// Opens a file of vouchers.
///
/// # Errors
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where it cannot be read,
/// its format is unknown, it is empty, or its header names no column of codes.
pub fn open(input: &Input, options: &Options) -> Result<Rows> {
    Ok(Box::new(open_csv(input, options)?))
}

/// Reads a file of vouchers to its end, which says whether it is broken.
fn check(input: &Input, options: &Options) -> Result<()> {
    open_csv(input, options)?.check()
}

fn open_csv(input: &Input, options: &Options) -> Result<csv::CsvRows> {
    match input.extension().as_deref() {
        None | Some("csv" | "tsv" | "txt") => csv::CsvRows::open(input.open()?, options),
        Some(_) => Err(input.unknown_format("a file of vouchers ends in .csv, .tsv or .txt")),
    }
}
