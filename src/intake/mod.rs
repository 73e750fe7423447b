//! Files and patterns → vouchers.
//!
//! A [`Source`] is a file of codes in one of several formats; [`Source::open`] reads vouchers from it row by row, [`preview`]
//! shows the first of them, [`import`] adds them to a pool, and [`new_codes`] counts beforehand how many an import would add.
//! [`run_due`] runs those of the imports that repeat whose time has come. [`generate()`] adds random codes instead.
//!
//! A row that makes no voucher is rejected with its line and a reason; a file that is broken is an error and leaves the pool
//! as it is.

mod cell;
mod columns;
mod csv;
mod encoding;
mod format;
mod generate;
mod import;
mod input;
mod json_lines;
mod lines;
mod preview;
mod reading;
mod record;
mod remote;
mod schedule;
mod seen;
mod source;
mod spool;
mod spreadsheet;
mod table;
mod text;
mod whole_file;
mod workbook;

pub use format::Format;
pub use generate::{Generation, GenerationReport, generate};
pub use import::{ImportReport, Rejected, import, new_codes};
pub use input::Input;
pub use preview::{Preview, PreviewRow, preview};
pub use reading::{Reading, Shape};
pub use remote::RemoteFile;
pub use schedule::{Counts, ImportRecords, ImportRun, Schedule, ScheduledImport, check_import_names, run_due};
pub use seen::Seen;
pub use source::Source;

pub(crate) use lines::Lines;
pub(crate) use record::Record;
pub(crate) use seen::hash;
pub(crate) use spreadsheet::{EXPORTED, guarded};
pub(crate) use table::{Table, normalized};
pub(crate) use whole_file::write_whole;

use std::fmt::Display;

use crate::error::{Error, ErrorKind, Result};
use crate::voucher::NewVoucher;

/// How a file of vouchers is to be read, where it does not say so itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The column that holds the code; found by its name where it is not set.
    pub column: Option<String>,
    /// The character between two fields; found in the header where it is not set.
    pub delimiter: Option<char>,
    /// The encoding of a text, by its name on the web, such as `windows-1250`; found in the text where it is not set.
    pub encoding: Option<String>,
    /// The sheet of a workbook; the first that is not hidden where it is not set.
    pub sheet: Option<String>,
    /// Whether a number may be a code. What wrote it as a number has dropped leading zeros.
    pub accept_numeric: bool,
}

/// Reads what stands between two fields: a character, or `tab`.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] for anything else.
pub fn parse_delimiter(text: &str) -> Result<char> {
    match text {
        "tab" => Ok('\t'),
        text => text.parse().map_err(|_| {
            let error = Error::new(ErrorKind::InvalidInput, "the delimiter is one character, or 'tab'");
            error.with_help("leave it out; it is found in the first line")
        }),
    }
}

/// One row of a file of vouchers.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The line it begins on, or the row of a sheet.
    pub line: u64,
    /// The voucher, or why there is none. The reason does not repeat the code.
    pub content: Result<NewVoucher, String>,
}

/// An error of a source as a whole.
fn invalid(source: &str, problem: impl Display) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("{source}: {problem}"))
}
