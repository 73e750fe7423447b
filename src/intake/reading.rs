//! The rows of a source, and what the source turned out to be.

use serde::Serialize;

use super::Row;
use super::csv::CsvRows;
use super::encoding::TextEncoding;
use super::format::Format;
use super::json_lines::JsonRows;
use super::text::TextRows;
use super::workbook::WorkbookRows;
use crate::error::Result;

/// What a source turned out to be. Its JSON is part of that of `pool import --preview`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Shape {
    /// The format.
    pub format: Format,
    /// Whether it is compressed.
    pub gzip: bool,
    /// Which characters its bytes stand for; a workbook says so itself.
    pub encoding: Option<&'static str>,
    /// Whether the encoding is only likely.
    pub encoding_guessed: bool,
    /// What stands between two fields.
    pub delimiter: Option<char>,
    /// The sheet of a workbook that is read.
    pub sheet: Option<String>,
    /// The sheets that are not.
    pub other_sheets: Vec<String>,
    /// The names of the columns; `None` where there is no header.
    pub header: Option<Vec<String>>,
    /// The column of codes, if it has a name.
    pub code_column: Option<String>,
}

/// The rows of a source, read as they are asked for. After an error there is no more.
pub struct Reading {
    shape: Shape,
    kind: Kind,
}

/// One reader for each format.
pub(super) enum Kind {
    Csv(CsvRows),
    Text(TextRows),
    Json(JsonRows),
    Workbook(WorkbookRows),
}

impl Shape {
    pub(super) fn new(gzip: bool) -> Shape {
        Shape {
            format: Format::Csv,
            gzip,
            encoding: None,
            encoding_guessed: false,
            delimiter: None,
            sheet: None,
            other_sheets: Vec::new(),
            header: None,
            code_column: None,
        }
    }

    pub(super) fn with_encoding(mut self, encoding: TextEncoding) -> Shape {
        (self.encoding, self.encoding_guessed) = (Some(encoding.encoding.name()), encoding.guessed);
        self
    }

    fn with_header(&mut self, header: &[String], code: usize) {
        self.header = (!header.is_empty()).then(|| header.to_vec());
        self.code_column = header.get(code).cloned();
    }
}

impl Reading {
    pub(super) fn new(mut shape: Shape, kind: Kind) -> Reading {
        match &kind {
            Kind::Csv(rows) => {
                shape.delimiter = Some(rows.table().delimiter());
                shape.with_header(rows.table().names(), rows.columns().code());
            }
            Kind::Text(rows) => {
                shape.format = Format::Text;
                shape.with_header(rows.header().map(str::to_owned).as_slice(), 0);
            }
            Kind::Json(rows) => {
                shape.format = Format::JsonLines;
                shape.code_column = rows.column().map(str::to_owned);
            }
            Kind::Workbook(rows) => {
                shape.format = Format::Xlsx;
                shape.sheet = Some(rows.sheet().to_owned());
                shape.other_sheets = rows.other_sheets().to_vec();
                shape.with_header(rows.header(), rows.columns().code());
            }
        }
        Reading { shape, kind }
    }

    /// What the source turned out to be.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Reads to the end, which says whether the source is broken.
    pub(super) fn check(self) -> Result<()> {
        match self.kind {
            Kind::Csv(rows) => rows.check(),
            Kind::Text(rows) => pass(rows),
            Kind::Json(rows) => pass(rows),
            Kind::Workbook(rows) => pass(rows),
        }
    }
}

fn pass(mut rows: impl Iterator<Item = Result<Row>>) -> Result<()> {
    rows.try_for_each(|row| row.map(drop))
}

impl Iterator for Reading {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        match &mut self.kind {
            Kind::Csv(rows) => rows.next(),
            Kind::Text(rows) => rows.next(),
            Kind::Json(rows) => rows.next(),
            Kind::Workbook(rows) => rows.next(),
        }
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("shape", &self.shape).finish_non_exhaustive()
    }
}
