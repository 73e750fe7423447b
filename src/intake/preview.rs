//! The first rows of a source, before anything is taken.

use jiff::Timestamp;
use serde::Serialize;

use super::{Options, Row, Shape, Source};
use crate::error::Result;
use crate::voucher::{Code, Metadata};

/// How many rows are shown.
const ROWS: usize = 5;

/// What a source is, and its first rows. Its JSON is that of `pool import --preview`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Preview {
    /// What stands in errors.
    pub source: String,
    /// What it turned out to be.
    #[serde(flatten)]
    pub shape: Shape,
    /// The first five rows.
    pub rows: Vec<PreviewRow>,
}

/// A row as an import would take it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PreviewRow {
    /// It makes a voucher.
    Voucher {
        /// The line it begins on.
        line: u64,
        /// The code.
        code: Code,
        /// When it stops being valid.
        expires_at: Option<Timestamp>,
        /// The further columns.
        metadata: Metadata,
    },
    /// It makes none.
    Rejected {
        /// The line it begins on.
        line: u64,
        /// Why.
        rejected: String,
    },
}

/// Looks at the first rows of a source, and changes nothing.
///
/// # Errors
/// Those of [`Source::open`], and [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where one of the rows is broken.
pub fn preview(source: &Source, options: &Options) -> Result<Preview> {
    let reading = source.open(options)?;
    let shape = reading.shape().clone();
    let rows = reading.take(ROWS).map(|row| row.map(PreviewRow::from)).collect::<Result<_>>()?;
    Ok(Preview { source: source.to_string(), shape, rows })
}

impl From<Row> for PreviewRow {
    fn from(Row { line, content }: Row) -> PreviewRow {
        match content {
            Err(rejected) => PreviewRow::Rejected { line, rejected },
            Ok(voucher) => PreviewRow::Voucher {
                line,
                code: voucher.code,
                expires_at: voucher.expires_at,
                metadata: voucher.metadata,
            },
        }
    }
}
