//! Vouchers from text with a code on each line.

use super::cell::Cell;
use super::columns::{Columns, is_code_name};
use super::table::is_delimited;
use super::{Lines, Options, Row};
use crate::error::Result;

/// The lines of a text, each a code.
pub(super) struct TextRows {
    lines: Lines,
    columns: Columns,
    header: Option<String>,
    broken: bool,
}

impl TextRows {
    /// Passes over a first line that only says that codes follow.
    pub(super) fn open(mut lines: Lines, options: &Options) -> Result<TextRows> {
        let mut header = None;
        match lines.peek()?.map(str::trim) {
            None => return Err(lines.error("the file is empty").with_help("write a code on each line")),
            Some(first) if is_code_name(first) => {
                header = Some(first.to_owned());
                lines.next()?;
            }
            Some(first) if is_delimited(first, None) => {
                return Err(lines.error("the first line looks like several columns without names").with_help(
                    "name the columns in the first line and call one 'code'; \
                     if each whole line is a code, write a line 'code' above them",
                ));
            }
            Some(_) => {}
        }
        let columns = Columns::single(options).with_guessed_encoding(lines.is_guessed());
        Ok(TextRows { lines, columns, header, broken: false })
    }

    /// Whether text with this first line has columns with names, in spite of what its name says.
    pub(super) fn has_columns(lines: &mut Lines, options: &Options) -> Result<bool> {
        let names_column = |line: &str| {
            let names = line.split(|c: char| !c.is_alphanumeric() && !matches!(c, ' ' | '_' | '-'));
            is_delimited(line, None) && names.into_iter().any(is_code_name)
        };
        Ok(options.column.is_some() || options.delimiter.is_some() || lines.peek()?.is_some_and(names_column))
    }

    pub(super) fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    fn read(&mut self) -> Result<Option<Row>> {
        if self.lines.peek()?.is_none() {
            return Ok(None);
        }
        let line = self.lines.line() + 1;
        let Some(text) = self.lines.next()? else { return Ok(None) };
        let content = self.columns.voucher(1, |_| Cell::Text(text), |_| text.into());
        Ok(Some(Row { line, content }))
    }
}

impl Iterator for TextRows {
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

#[cfg(test)]
mod tests {
    use super::super::lines::lines_of;
    use super::*;

    fn codes(text: &str) -> Vec<String> {
        let rows = TextRows::open(lines_of(text.as_bytes()), &Options::default()).unwrap();
        rows.map(|row| row.unwrap().content.unwrap().code.as_str().to_owned()).collect()
    }

    #[test]
    fn every_line_is_a_code() {
        assert_eq!(codes("SUMMER\r\n\n\u{a0}\"QUOTED\" \n0012\n a, b"), ["SUMMER", "\"QUOTED\"", "0012", "a, b"]);
        assert_eq!(codes("Voucher Code\na;b\n"), ["a;b"], "a header says that each line is a code");
    }

    #[test]
    fn a_bad_line_is_rejected_with_its_number() {
        let mut rows = TextRows::open(lines_of("A\n\nB\u{200b}C\n".as_bytes()), &Options::default()).unwrap();
        let row = rows.nth(1).unwrap().unwrap();
        assert_eq!(
            (row.line, row.content.unwrap_err().as_str()),
            (3, "the code holds a control or invisible character")
        );
    }

    #[test]
    fn columns_without_names_are_ambiguous() {
        for text in ["SECRET-1;10\n", "SECRET-1\t10\n", ""] {
            let error = TextRows::open(lines_of(text.as_bytes()), &Options::default()).err().unwrap();
            assert!(error.help().is_some() && !error.to_string().contains("SECRET"), "{error}");
        }
    }

    #[test]
    fn columns_with_names_are_seen() {
        let has = |text: &str| TextRows::has_columns(&mut lines_of(text.as_bytes()), &Options::default()).unwrap();
        assert!(has("note\tcode\n") && has("Promo_Code;\"discount\"\n"));
        assert!(!has("code\nA;B\n") && !has("A;B\n"));
    }
}
