//! Vouchers from delimited text.

use super::cell::Cell;
use super::columns::{Columns, is_code_name};
use super::spreadsheet::{EXPORTED, unguarded};
use super::table::is_delimited;
use super::{Lines, Options, Record, Row, Table};
use crate::error::Result;
use crate::voucher::NewVoucher;

/// The rows of delimited text.
pub(super) struct CsvRows {
    table: Table,
    columns: Columns,
    /// Whether this program exported the file, and guarded its cells.
    is_export: bool,
    broken: bool,
}

impl CsvRows {
    pub(super) fn open(mut lines: Lines, options: &Options) -> Result<CsvRows> {
        let (table, columns) = if options.column.is_none() && begins_with_code(&mut lines, options.delimiter)? {
            (Table::without_header(lines, options.delimiter), Columns::single(options))
        } else {
            let table = Table::open(lines, options.delimiter)?;
            let columns = Columns::of(table.lines().name(), table.names(), options)?;
            (table, columns)
        };
        let columns = columns.with_guessed_encoding(table.lines().is_guessed());
        let is_export = table.names().iter().eq(EXPORTED);
        Ok(CsvRows { table, columns, is_export, broken: false })
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Passes all rows without making vouchers of them.
    pub(super) fn check(mut self) -> Result<()> {
        while self.table.next()?.is_some() {}
        Ok(())
    }
}

/// Whether the first line is a code in a single column, and no header. A name has spaces or no digits.
fn begins_with_code(lines: &mut Lines, delimiter: Option<char>) -> Result<bool> {
    let Some(line) = lines.peek()? else { return Ok(false) };
    let field = line.trim().trim_matches('"');
    let is_code = field.contains(|c: char| c.is_ascii_digit()) && !field.contains(char::is_whitespace);
    Ok(is_code && !is_delimited(line, delimiter) && !is_code_name(field))
}

impl Iterator for CsvRows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        if self.broken {
            return None;
        }
        match self.table.next() {
            Ok(None) => None,
            Ok(Some(record)) => {
                Some(Ok(Row { line: record.line(), content: voucher(&self.columns, record, self.is_export) }))
            }
            Err(error) => {
                self.broken = true;
                Some(Err(error))
            }
        }
    }
}

fn voucher(columns: &Columns, record: &Record, is_export: bool) -> Result<NewVoucher, String> {
    let written = |index| record.get(index).unwrap_or_default();
    let field = |index| if is_export { unguarded(written(index)) } else { written(index) };
    columns.voucher(record.len(), |index| Cell::Text(field(index)), |index| field(index).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lines::lines_of;
    use super::*;
    use crate::error::Error;

    fn open(text: &str) -> Result<CsvRows> {
        CsvRows::open(lines_of(text.as_bytes()), &Options::default())
    }

    fn named(text: &str, column: &str) -> Result<CsvRows> {
        let options = Options { column: Some(column.to_owned()), ..Options::default() };
        CsvRows::open(lines_of(text.as_bytes()), &options)
    }

    fn codes(rows: CsvRows) -> Vec<String> {
        rows.map(|row| row.unwrap().content.unwrap().code.as_str().to_owned()).collect()
    }

    fn reasons(text: &str) -> Vec<(u64, String)> {
        let rows = open(text).unwrap().map(Result::unwrap);
        rows.filter_map(|row| row.content.err().map(|reason| (row.line, reason))).collect()
    }

    #[test]
    fn finds_the_column_of_codes() {
        for name in ["code", "Code", "COUPON", "Coupon Code", "coupon_code", "voucher", "Voucher code", "promo code"] {
            assert_eq!(codes(open(&format!("x;{name}\n1;ABC\n")).unwrap()), ["ABC"], "{name}");
        }
        assert_eq!(codes(open("voucher,code\nno,yes").unwrap()), ["yes"]);
        assert_eq!(codes(named("kod,code\nyes,no", "Kod").unwrap()), ["yes"]);
    }

    #[test]
    fn a_header_without_codes_shows_no_code() {
        for text in ["SECRET\nTOPSECRET\n", "SECRET-1,20\nSECRET-2,30\n", "SECRET 1\nSECRET 2\n"] {
            let error: Error = open(text).err().unwrap();
            assert_eq!(error.to_string(), "test.csv: the first line names no column of codes");
            assert!(error.help().unwrap().contains("--column NAME"));
        }
        let error = named("kod,sleva\n", "kud").err().unwrap();
        assert_eq!(error.help(), Some("did you mean 'kod'?"));
    }

    #[test]
    fn a_single_column_of_codes_needs_no_header() {
        assert_eq!(codes(open("A-1\n\"B,2\"\n\n C3 \n").unwrap()), ["A-1", "B,2", "C3"]);
        assert_eq!(reasons("A-1\nB,2\n"), [(2, "the row has 2 fields, the header has 1".to_owned())]);
        assert_eq!(codes(named("A-1\nB-2\n", "A-1").unwrap()), ["B-2"], "what is named is a header");
    }

    #[test]
    fn what_is_not_valid_yet_is_rejected() {
        let text = "code,Valid From,note\nA,2020-01-01,x\nB,2999-01-01,\nC,,\nD,soon,\n";
        let first = open(text).unwrap().next().unwrap().unwrap().content.unwrap();
        assert_eq!(serde_json::to_value(&first.metadata).unwrap(), serde_json::json!({"note": "x"}));
        let reasons = reasons(text);
        assert_eq!(reasons.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 5]);
        assert_eq!(reasons[0].1, "valid_from lies in the future; import the voucher when it is valid");
    }

    #[test]
    fn further_columns_become_metadata() {
        let mut rows = open("discount,code,Expires At,,note\n20,ABC,2027-06-30,x,\n,DEF,,,\n").unwrap();
        let first = rows.next().unwrap().unwrap().content.unwrap();
        assert_eq!(serde_json::to_value(&first.metadata).unwrap(), serde_json::json!({"discount": "20", "note": ""}));
        assert_eq!(first.expires_at.unwrap().to_string(), "2027-06-30T23:59:59Z");
        assert_eq!(rows.next().unwrap().unwrap().content.unwrap().expires_at, None);
        assert!(rows.next().is_none());
    }

    #[test]
    fn codes_are_trimmed_and_never_altered() {
        assert_eq!(
            codes(open("code\n\u{a0}ab cd\u{a0} \n000123\n\"a,\"\"b\"\n").unwrap()),
            ["ab cd", "000123", "a,\"b"]
        );
    }

    #[test]
    fn a_bad_row_is_rejected_with_its_line() {
        let long = "x".repeat(257);
        let text = format!("code,expires_at\nok,\n,\nSEC\u{200b}RET,\n\n{long},\nSECRET,soon\nSECRET\na,b,SECRET\n");
        let reasons = reasons(&text);
        let lines: Vec<u64> = reasons.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 6, 7, 8, 9]);
        assert!(reasons.iter().all(|(_, reason)| !reason.contains("SECRET") && !reason.contains("SEC\u{200b}RET")));
        assert_eq!(reasons[0].1, "the code is empty");
        assert!(reasons[3].1.starts_with("expires_at is not a moment in time; write a date"));
        assert_eq!(reasons[4].1, "the row has 1 fields, the header has 2");
    }

    #[test]
    fn nothing_follows_an_error() {
        let mut rows = open("code\nABC\n\"DEF\n").unwrap();
        assert!(rows.next().unwrap().is_ok());
        assert!(rows.next().unwrap().is_err());
        assert!(rows.next().is_none());
    }

    proptest! {
        #[test]
        fn codes_come_out_as_they_went_in(codes in prop::collection::vec(r#"[A-Za-z0-9\-,;"'=+é人]{1,12}"#, 0..20)) {
            let mut writer = ::csv::Writer::from_writer(Vec::new());
            writer.write_record(["discount", "code"]).unwrap();
            for code in &codes {
                writer.write_record(["20", code]).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(super::tests::codes(open(&text).unwrap()), codes);
        }

        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"\",;\r\n \xc2\xa0"[..])], 0..200)) {
            let lines = lines_of(&[b"code,expires_at\n".as_slice(), &bytes].concat());
            let rows = CsvRows::open(lines, &Options::default()).unwrap();
            prop_assert!(rows.count() <= bytes.len());
        }
    }
}
