//! The recipients of a campaign, row by row.

mod columns;
mod delimited;
mod json_lines;
mod position;

pub use columns::{ColumnType, Columns};
pub use position::{Fingerprint, Position};

use std::fmt;

use sha2::{Digest, Sha256};

use super::AudienceSource;
use crate::error::Result;
use crate::intake::Lines;
use crate::render::Attributes;
use crate::voucher::CustomerId;
use delimited::DelimitedRows;
use json_lines::JsonRows;

/// Reads an audience as it is asked for; at no time is more than one row in memory.
///
/// ```
/// use tearoff::campaign::{Audience, AudienceSource, Columns};
///
/// let source = AudienceSource::File("examples/spring-sale/audience.csv".into());
/// let mut audience = Audience::open(&source, &Columns::new())?;
/// let first = audience.next_row()?.expect("there are rows");
/// assert_eq!((first.number, first.line), (1, 2));
/// let recipient = first.content.expect("it makes a message");
/// assert_eq!(recipient.customer.text("id"), recipient.customer.text("customer_id"));
/// # Ok::<(), tearoff::Error>(())
/// ```
pub struct Audience {
    rows: Rows,
    count: u64,
    hash: Sha256,
    /// Where it ends, if that is before its last row.
    end: Option<Position>,
}

/// One row of an audience.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which row it is, from 1; a header is none.
    pub number: u64,
    /// The line it begins on, from 1.
    pub line: u64,
    /// Whom it is about, where that is known, even if it makes no message. A customer who was there before is a duplicate.
    pub customer_id: Option<CustomerId>,
    /// Whom to write to, or why the row makes no message. The reason names line and column and holds no data.
    pub content: Result<Recipient, String>,
}

/// Somebody to write to.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// Whom the message is for.
    pub customer_id: CustomerId,
    /// `customer.…`; `id` is the customer's id.
    pub customer: Attributes,
    /// Further variables.
    pub context: Attributes,
}

enum Rows {
    Delimited(DelimitedRows),
    Json(JsonRows),
}

impl Audience {
    /// Opens an audience: `.csv`, `.tsv` or `.txt` with a header that has a column `customer_id`; `.jsonl` or `.ndjson` with
    /// `{"customer": {…}, "context": {…}}` on each line; or standard input in either form. `columns` gives columns a type.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where it cannot be read,
    /// its format is unknown, it is empty, or its header is not as it should be.
    pub fn open(source: &AudienceSource, columns: &Columns) -> Result<Audience> {
        let extension = source.extension();
        match extension.as_deref() {
            Some("csv" | "tsv" | "txt") => Audience::delimited(source.open()?, columns),
            Some("jsonl" | "ndjson") => Audience::json(source.open()?, columns),
            Some(_) => Err(source.unknown_format("an audience ends in .csv or .jsonl")),
            None => Audience::by_content(source.open()?, columns),
        }
    }

    fn by_content(mut lines: Lines, columns: &Columns) -> Result<Audience> {
        let is_json = lines.peek()?.is_some_and(|line| line.trim_start().starts_with('{'));
        if is_json { Audience::json(lines, columns) } else { Audience::delimited(lines, columns) }
    }

    fn delimited(lines: Lines, columns: &Columns) -> Result<Audience> {
        let mut hash = Sha256::new();
        let rows = Rows::Delimited(DelimitedRows::open(lines, columns, &mut hash)?);
        Ok(Audience { rows, count: 0, hash, end: None })
    }

    fn json(lines: Lines, columns: &Columns) -> Result<Audience> {
        let rows = Rows::Json(JsonRows::open(lines, columns)?);
        Ok(Audience { rows, count: 0, hash: Sha256::new(), end: None })
    }

    /// The next row, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where the file is broken: a quote that is never closed, a
    /// row with more or fewer fields than the header, text that is not UTF-8, a line that is not JSON of the right form.
    pub fn next_row(&mut self) -> Result<Option<Row>> {
        match &self.end {
            Some(end) if self.count == end.rows => self.verify(end).map(|()| None),
            _ => match (self.read()?, &self.end) {
                (None, Some(end)) => Err(self.changed(end)),
                (row, _) => Ok(row),
            },
        }
    }

    fn read(&mut self) -> Result<Option<Row>> {
        let number = self.count + 1;
        let row = match &mut self.rows {
            Rows::Delimited(rows) => rows.next(number, &mut self.hash)?,
            Rows::Json(rows) => rows.next(number, &mut self.hash)?,
        };
        self.count += u64::from(row.is_some());
        Ok(row)
    }

    /// Where the audience is after the row returned last, with a hash of everything up to there.
    pub fn position(&self) -> Position {
        let lines = self.lines();
        let hash = Fingerprint::new(self.hash.clone());
        Position { bytes: lines.bytes(), rows: self.count, line: lines.line(), hash }
    }

    /// Reads again, from the start, what was done before; `seen` is told the customer of each row that names one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where that part of the audience is no longer what it was.
    pub fn skip_to(&mut self, position: &Position, mut seen: impl FnMut(&CustomerId)) -> Result<()> {
        while self.count < position.rows {
            let Some(row) = self.next_row()? else { return Err(self.changed(position)) };
            if let Some(customer_id) = &row.customer_id {
                seen(customer_id);
            }
        }
        self.verify(position)
    }

    /// Ends the audience at `position`, whatever was added behind it.
    #[must_use]
    pub fn ending_at(mut self, position: Position) -> Audience {
        self.end = Some(position);
        self
    }

    fn verify(&self, position: &Position) -> Result<()> {
        if self.position().hash == position.hash { Ok(()) } else { Err(self.changed(position)) }
    }

    fn changed(&self, position: &Position) -> crate::Error {
        let rendered = match position.rows {
            1 => "row was".to_owned(),
            rows => format!("{rows} rows were"),
        };
        let error = self.lines().error(format!("the audience changed since its first {rendered} rendered"));
        error.with_help("restore the file as it was (rows may be added at its end), or render into a new folder")
    }

    fn lines(&self) -> &Lines {
        match &self.rows {
            Rows::Delimited(rows) => rows.lines(),
            Rows::Json(rows) => rows.lines(),
        }
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audience")
            .field("source", &self.lines().name())
            .field("rows", &self.count)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
