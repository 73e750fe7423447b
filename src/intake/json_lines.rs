//! Vouchers from JSON, one a line.

use jiff::Timestamp;
use serde_json::Value;

use super::cell::{Cell, CodeRules};
use super::columns::named_voucher;
use super::{Lines, Options, Row};
use crate::error::Result;
use crate::voucher::{Metadata, NewVoucher};

const HELP: &str = r#"write {"code": "ABC", …} or "ABC" on each line"#;

/// The lines of a file of JSON, each a voucher.
pub(super) struct JsonRows {
    lines: Lines,
    column: Option<String>,
    rules: CodeRules,
    now: Timestamp,
    broken: bool,
}

impl JsonRows {
    pub(super) fn open(mut lines: Lines, options: &Options) -> Result<JsonRows> {
        if lines.peek()?.is_none() {
            return Err(lines.error("the file is empty").with_help(HELP));
        }
        let rules = CodeRules { only_ascii: lines.is_guessed(), ..CodeRules::new(options) };
        Ok(JsonRows { lines, column: options.column.clone(), rules, now: Timestamp::now(), broken: false })
    }

    pub(super) fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    fn read(&mut self) -> Result<Option<Row>> {
        if self.lines.peek()?.is_none() {
            return Ok(None);
        }
        let line = self.lines.line() + 1;
        let value = self.lines.next()?.map(|text| serde_json::from_str(text.trim()));
        match value {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(Row { line, content: self.voucher(value) })),
            // The parser's own words may quote the line.
            Some(Err(error)) => {
                let problem = format!("the line is not JSON (column {})", error.column());
                Err(self.lines.error_at(line, problem).with_help(HELP))
            }
        }
    }

    fn voucher(&self, value: Value) -> Result<NewVoucher, String> {
        match value {
            Value::Object(values) => named_voucher(values, self.column.as_deref(), self.rules, self.now),
            Value::Array(_) | Value::Null | Value::Bool(_) => Err("the line is neither an object nor text".to_owned()),
            value => {
                let code = self.rules.code(&Cell::of_json(&value))?;
                Ok(NewVoucher { code, expires_at: None, metadata: Metadata::new() })
            }
        }
    }
}

impl Iterator for JsonRows {
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
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::lines::lines_of;
    use super::*;

    fn rows(text: &str, options: &Options) -> Vec<Result<Row>> {
        JsonRows::open(lines_of(text.as_bytes()), options).unwrap().collect()
    }

    fn contents(text: &str, options: &Options) -> Vec<Result<NewVoucher, String>> {
        rows(text, options).into_iter().map(|row| row.unwrap().content).collect()
    }

    #[test]
    fn objects_and_texts_are_vouchers() {
        let text = "{\"Voucher_Code\": \" A \", \"discount\": 20, \"expires at\": \"2027-06-30\", \"valid_from\": \"2020-01-01\", \"tags\": [1]}\n\n\"B\"\n";
        let vouchers: Vec<_> = contents(text, &Options::default()).into_iter().map(Result::unwrap).collect();
        assert_eq!((vouchers[0].code.as_str(), vouchers[1].code.as_str()), ("A", "B"));
        assert_eq!(serde_json::to_value(&vouchers[0].metadata).unwrap(), json!({"discount": 20, "tags": [1]}));
        assert_eq!(vouchers[0].expires_at.unwrap().to_string(), "2027-06-30T23:59:59Z");
    }

    #[test]
    fn members_and_numbers_can_be_named() {
        let text = "{\"kod\": 123, \"code\": \"old\"}\n456\n";
        let options = Options { column: Some("kod".into()), ..Options::default() };
        assert!(
            contents(text, &options)
                .iter()
                .all(|content| content.as_ref().is_err_and(|reason| reason.contains("--accept-numeric")))
        );
        let options = Options { accept_numeric: true, ..options };
        let vouchers: Vec<_> = contents(text, &options).into_iter().map(Result::unwrap).collect();
        assert_eq!((vouchers[0].code.as_str(), vouchers[1].code.as_str()), ("123", "456"));
        assert_eq!(serde_json::to_value(&vouchers[0].metadata).unwrap(), json!({"code": "old"}));
    }

    #[test]
    fn other_lines_are_rejected() {
        let text = "{\"kod\": \"SECRET\"}\n[\"SECRET\"]\nnull\n{\"code\": [\"SECRET\"]}\n{\"code\": \"SECRET\", \"valid_from\": \"2999-01-01\"}\n";
        let reasons: Vec<String> = contents(text, &Options::default()).into_iter().map(Result::unwrap_err).collect();
        assert!(reasons.iter().all(|reason| !reason.contains("SECRET")));
        assert_eq!(reasons[0], "no member is called 'code'");
        assert_eq!(reasons[3], "the code is a list");
    }

    #[test]
    fn a_line_that_is_not_json_breaks_the_file() {
        let rows = rows("\"A\"\n{\"code\": SECRET}\n\"B\"\n", &Options::default());
        assert_eq!(rows.len(), 2, "nothing follows an error");
        assert_eq!(rows[1].as_ref().unwrap_err().to_string(), "test.csv:2: the line is not JSON (column 10)");
    }

    proptest! {
        #[test]
        fn codes_come_out_as_they_went_in(codes in prop::collection::vec(r#"[A-Za-z0-9\-,;"'=+é人\\]{1,12}"#, 1..20)) {
            let text: String = codes.iter().map(|code| format!("{}\n", json!({"code": code}))).collect();
            let read: Vec<_> = contents(&text, &Options::default()).into_iter().map(|content| content.unwrap().code.as_str().to_owned()).collect();
            prop_assert_eq!(read, codes);
        }
    }
}
