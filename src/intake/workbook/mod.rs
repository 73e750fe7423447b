//! Vouchers from an Excel workbook.

mod archive;
mod sheet;

pub(super) use archive::{LIMIT, protected};

use std::collections::BTreeMap;

use serde_json::Value;

use self::sheet::{Sheet, SheetCell, SheetRow};
use super::cell::Cell;
use super::columns::{Columns, is_code_name};
use super::spool::Spool;
use super::{Options, Row, invalid};
use crate::error::Result;
use crate::voucher::NewVoucher;

/// The rows of one sheet under their header.
pub(super) struct WorkbookRows {
    sheet: Sheet,
    header: Vec<String>,
    columns: Columns,
    /// A first row that is no header.
    first: Option<SheetRow>,
    broken: bool,
}

impl WorkbookRows {
    pub(super) fn open(source: &str, spool: &Spool, options: &Options) -> Result<WorkbookRows> {
        let mut sheet = Sheet::open(source, spool, options.sheet.as_deref())?;
        let Some(first) = sheet.next()? else {
            let error = invalid(source, format!("the sheet '{}' is empty", sheet.name));
            return Err(error.with_help("its first row has to name the columns; '--sheet NAME' reads another one"));
        };
        if options.column.is_none() && is_code(&first) {
            let columns = Columns::single(options);
            return Ok(WorkbookRows { sheet, header: Vec::new(), columns, first: Some(first), broken: false });
        }
        let header = names(&first);
        let columns = Columns::of(source, &header, options)?;
        Ok(WorkbookRows { sheet, header, columns, first: None, broken: false })
    }

    pub(super) fn sheet(&self) -> &str {
        &self.sheet.name
    }

    pub(super) fn other_sheets(&self) -> &[String] {
        &self.sheet.others
    }

    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    fn read(&mut self) -> Result<Option<Row>> {
        let row = match self.first.take() {
            Some(row) => Some(row),
            None => self.sheet.next()?,
        };
        Ok(row.map(|row| Row { line: row.number, content: self.voucher(row) }))
    }

    /// Empty cells are not written, so only a row with more of them than the header is wrong.
    fn voucher(&self, row: SheetRow) -> Result<NewVoucher, String> {
        let width = self.header.len().max(1);
        let cells: BTreeMap<usize, SheetCell> = row.cells.into_iter().collect();
        let fields = cells.keys().next_back().map_or(width, |last| width.max(last + 1));
        self.columns.voucher(
            fields,
            |index| cells.get(&index).map_or(Cell::Empty, SheetCell::cell),
            |index| cells.get(&index).map_or_else(|| "".into(), SheetCell::value),
        )
    }
}

/// Whether a first row is a single code, and no header.
fn is_code(row: &SheetRow) -> bool {
    match row.cells.as_slice() {
        [(0, SheetCell::Text(text))] => {
            let text = text.trim();
            text.contains(|c: char| c.is_ascii_digit()) && !text.contains(char::is_whitespace) && !is_code_name(text)
        }
        _ => false,
    }
}

fn names(row: &SheetRow) -> Vec<String> {
    let width = row.cells.iter().map(|(column, _)| column + 1).max().unwrap_or_default();
    let mut names = vec![String::new(); width];
    for (column, cell) in &row.cells {
        names[*column] = match cell.value() {
            Value::String(text) => text.trim().to_owned(),
            value => value.to_string(),
        };
    }
    names
}

impl SheetCell {
    fn cell(&self) -> Cell<'_> {
        match self {
            SheetCell::Text(text) => Cell::Text(text),
            SheetCell::Number(number) => Cell::Number(number),
            SheetCell::Date(date) => Cell::Date(*date),
            SheetCell::Bool(_) => Cell::Other("true or false"),
            SheetCell::Failed(_) => Cell::Other("the error of a formula"),
            SheetCell::Odd => Cell::Other("a span of time, or no value"),
        }
    }

    fn value(&self) -> Value {
        match self {
            SheetCell::Text(text) | SheetCell::Failed(text) => text.as_str().into(),
            SheetCell::Number(number) => number.clone().into(),
            SheetCell::Bool(value) => (*value).into(),
            SheetCell::Date(date) if date.time() == jiff::civil::Time::midnight() => date.date().to_string().into(),
            SheetCell::Date(date) => date.to_string().into(),
            SheetCell::Odd => Value::Null,
        }
    }
}

impl Iterator for WorkbookRows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        if self.broken {
            return None;
        }
        let row = self.read();
        self.broken = row.is_err();
        row.transpose()
    }
}
