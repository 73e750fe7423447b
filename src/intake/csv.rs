//! Vouchers from delimited text.

use super::table::normalized;
use super::{Lines, Options, Record, Row, Table};
use crate::error::Result;
use crate::render::suggest::nearest;
use crate::voucher::{Code, Metadata, NewVoucher, parse_timestamp};

/// What a column of codes is called, as the systems that export codes call it; the first that is there counts.
const CODE_NAMES: [&str; 6] = ["code", "coupon", "coupon code", "voucher", "voucher code", "promo code"];

const EXPIRY_NAME: &str = "expires_at";

/// The rows of a file with a header.
pub(super) struct CsvRows {
    table: Table,
    columns: Columns,
    broken: bool,
}

/// What each column is.
struct Columns {
    code: usize,
    expires_at: Option<usize>,
    metadata: Vec<(usize, String)>,
    count: usize,
}

impl CsvRows {
    pub(super) fn open(lines: Lines, options: &Options) -> Result<CsvRows> {
        let table = Table::open(lines, options.delimiter)?;
        let columns = Columns::of(&table, options.column.as_deref())?;
        table.check_names()?;
        Ok(CsvRows { table, columns, broken: false })
    }

    /// Passes all rows without making vouchers of them.
    pub(super) fn check(mut self) -> Result<()> {
        while self.table.next()?.is_some() {}
        Ok(())
    }
}

impl Iterator for CsvRows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        if self.broken {
            return None;
        }
        match self.table.next() {
            Ok(None) => None,
            Ok(Some(record)) => Some(Ok(Row { line: record.line(), content: self.columns.voucher(record) })),
            Err(error) => {
                self.broken = true;
                Some(Err(error))
            }
        }
    }
}

impl Columns {
    fn of(table: &Table, column: Option<&str>) -> Result<Columns> {
        let code = match column {
            Some(column) => named_column(table, column)?,
            None => code_column(table)?,
        };
        let others = || table.names().iter().enumerate().filter(|(index, name)| *index != code && !name.is_empty());
        let expires_at = others().find(|(_, name)| normalized(name) == normalized(EXPIRY_NAME)).map(|(index, _)| index);
        let metadata = others().filter(|(index, _)| Some(*index) != expires_at);
        let metadata = metadata.map(|(index, name)| (index, name.clone())).collect();
        Ok(Columns { code, expires_at, metadata, count: table.names().len() })
    }

    fn voucher(&self, record: &Record) -> Result<NewVoucher, String> {
        if record.len() != self.count {
            return Err(format!("the row has {} fields, the header has {}", record.len(), self.count));
        }
        let field = |index| record.get(index).unwrap_or_default();
        let code = Code::new(field(self.code).trim()).map_err(|error| error.to_string())?;
        let expires_at = self.expires_at.map(|index| field(index).trim()).filter(|text| !text.is_empty());
        let expires_at = expires_at.map(parse_timestamp).transpose().map_err(|error| {
            let help = error.help().unwrap_or_default();
            format!("{EXPIRY_NAME} is {error}; {help}")
        })?;
        let metadata: Metadata =
            self.metadata.iter().map(|(index, name)| (name.clone(), field(*index).into())).collect();
        Ok(NewVoucher { code, expires_at, metadata })
    }
}

fn code_column(table: &Table) -> Result<usize> {
    let position = |known: &&str| table.names().iter().position(|name| normalized(name) == normalized(known));
    CODE_NAMES.iter().find_map(position).ok_or_else(|| {
        // Without a header the first line holds a code, so it is not shown.
        let error = table.lines().error("the first line names no column of codes");
        error.with_help(format!(
            "call the column one of {}, or say which one it is with --column NAME; a file without a header needs one",
            CODE_NAMES.join(", ")
        ))
    })
}

fn named_column(table: &Table, column: &str) -> Result<usize> {
    let names = || table.names().iter().map(String::as_str);
    let exact = names().position(|name| name == column.trim());
    exact.or_else(|| names().position(|name| normalized(name) == normalized(column))).ok_or_else(|| {
        let error = table.lines().error(format!("there is no column '{column}'"));
        match nearest(column, names()) {
            Some(near) => error.with_help(format!("did you mean '{near}'?")),
            None => error.with_help("give the name as it stands in the first line"),
        }
    })
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
        let options = Options { column: Some(column.to_owned()), delimiter: None };
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
        let error: Error = open("SECRET-1\nSECRET-2\n").err().unwrap();
        assert_eq!(error.to_string(), "test.csv: the first line names no column of codes");
        assert!(error.help().unwrap().contains("--column NAME"));
        let error = named("kod,sleva\n", "kud").err().unwrap();
        assert_eq!(error.help(), Some("did you mean 'kod'?"));
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
