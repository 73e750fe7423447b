//! One value of a row, and what it says about a voucher.

use icu_normalizer::ComposingNormalizerBorrowed;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Number, Value};

use super::Options;
use crate::voucher::{Code, parse_timestamp};

/// The largest whole number that a sheet keeps to its last digit, plus one: 15 digits.
const EXACT: f64 = 1e15;

/// One value of a row. Delimited text has only text, sheets and JSON have more.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Empty,
    Text(&'a str),
    Number(&'a Number),
    /// A sheet's date; it has no zone.
    Date(DateTime),
    /// A kind of value that says nothing about a voucher.
    Other(&'static str),
}

/// What is asked of a code beside what every code must be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CodeRules {
    pub(super) accept_numeric: bool,
    /// The encoding is a guess, and another one would make another code of the same bytes.
    pub(super) only_ascii: bool,
}

impl CodeRules {
    pub(super) fn new(options: &Options) -> CodeRules {
        CodeRules { accept_numeric: options.accept_numeric, only_ascii: false }
    }

    /// The code in a cell, or why there is none.
    pub(super) fn code(self, cell: &Cell<'_>) -> Result<Code, String> {
        match cell {
            Cell::Text(text) => self.written(text),
            Cell::Empty => self.written(""),
            Cell::Number(number) if self.accept_numeric => self.written(&digits(number)?),
            Cell::Number(_) => Err("the code is a number, which has lost leading zeros, if there were any; \
                make it text, or import with --accept-numeric"
                .to_owned()),
            Cell::Date(_) => Err("the code is a date: the program that wrote the file took it for one".to_owned()),
            Cell::Other(kind) => Err(format!("the code is {kind}")),
        }
    }

    fn written(self, text: &str) -> Result<Code, String> {
        let text = text.trim();
        if text.is_ascii() {
            return Code::new(text).map_err(|error| error.to_string());
        }
        if self.only_ascii {
            return Err("the code has letters that depend on the encoding, which is a guess; say --encoding".to_owned());
        }
        Code::new(ComposingNormalizerBorrowed::new_nfc().normalize(text)).map_err(|error| error.to_string())
    }
}

/// A number as a code. Sheets write whole numbers like others.
fn digits(number: &Number) -> Result<String, String> {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.abs() >= EXACT => {
            Err("the code is a number of more than 15 digits, the last of which are lost".to_owned())
        }
        Some(float) if number.is_f64() => Ok(float.to_string()),
        _ => Ok(number.to_string()),
    }
}

impl Cell<'_> {
    /// What a JSON value says.
    pub(super) fn of_json(value: &Value) -> Cell<'_> {
        match value {
            Value::Null => Cell::Empty,
            Value::String(text) => Cell::Text(text),
            Value::Number(number) => Cell::Number(number),
            Value::Bool(_) => Cell::Other("true or false"),
            Value::Array(_) => Cell::Other("a list"),
            Value::Object(_) => Cell::Other("an object"),
        }
    }

    /// Until when a voucher is valid: a date is valid all that day.
    pub(super) fn end(&self, column: &str) -> Result<Option<Timestamp>, String> {
        self.moment(column, |date| date.at(23, 59, 59, 0), parse_timestamp)
    }

    /// From when on a voucher is valid: a date begins with its day.
    pub(super) fn start(&self, column: &str) -> Result<Option<Timestamp>, String> {
        let begin = |date: Date| date.at(0, 0, 0, 0);
        self.moment(column, begin, |text| match text.parse::<Date>() {
            Ok(date) if text.len() == 10 => utc(begin(date)).map_or_else(|| parse_timestamp(text), Ok),
            _ => parse_timestamp(text),
        })
    }

    fn moment(
        &self,
        column: &str,
        of_day: impl Fn(Date) -> DateTime,
        parse: impl Fn(&str) -> crate::Result<Timestamp>,
    ) -> Result<Option<Timestamp>, String> {
        match self {
            Cell::Empty => Ok(None),
            Cell::Text(text) if text.trim().is_empty() => Ok(None),
            Cell::Text(text) => parse(text.trim()).map(Some).map_err(|error| {
                let help = error.help().unwrap_or_default();
                format!("{column} is {error}; {help}")
            }),
            Cell::Date(moment) => {
                let is_day = moment.time() == jiff::civil::Time::midnight();
                let moment = if is_day { of_day(moment.date()) } else { *moment };
                utc(moment).map(Some).ok_or_else(|| format!("{column} is out of range"))
            }
            Cell::Number(_) => Err(format!("{column} is a number; make it a date")),
            Cell::Other(kind) => Err(format!("{column} is {kind}; make it a date")),
        }
    }
}

fn utc(moment: DateTime) -> Option<Timestamp> {
    moment.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STRICT: CodeRules = CodeRules { accept_numeric: false, only_ascii: false };
    const NUMERIC: CodeRules = CodeRules { accept_numeric: true, only_ascii: false };

    fn code(rules: CodeRules, value: &Value) -> Result<String, String> {
        rules.code(&Cell::of_json(value)).map(|code| code.as_str().to_owned())
    }

    #[test]
    fn text_is_trimmed_and_composed() {
        assert_eq!(code(STRICT, &json!("\u{a0} E\u{301}-1\u{a0}\t")), Ok("\u{c9}-1".to_owned()));
        assert_eq!(code(STRICT, &json!("  ")), Err("the code is empty".to_owned()));
        assert_eq!(code(STRICT, &json!(null)), Err("the code is empty".to_owned()));
    }

    #[test]
    fn numbers_only_where_they_are_accepted() {
        assert!(code(STRICT, &json!(123)).unwrap_err().contains("--accept-numeric"));
        for (number, text) in [(json!(123), "123"), (json!(123.0), "123"), (json!(1.5), "1.5"), (json!(1e5), "100000")]
        {
            assert_eq!(code(NUMERIC, &number).as_deref(), Ok(text), "{number}");
        }
        assert!(code(NUMERIC, &json!(1234567890123456.0)).unwrap_err().contains("15 digits"));
        assert_eq!(code(NUMERIC, &json!(12345678901234567890_u64)).as_deref(), Ok("12345678901234567890"));
        assert_eq!(code(NUMERIC, &json!(true)), Err("the code is true or false".to_owned()));
    }

    #[test]
    fn a_guessed_encoding_makes_no_code_of_its_letters() {
        let rules = CodeRules { only_ascii: true, ..STRICT };
        assert!(code(rules, &json!("É-1")).unwrap_err().contains("--encoding"));
        assert!(code(rules, &json!("E-1")).is_ok());
    }

    #[test]
    fn a_day_lasts_from_its_begin_to_its_end() {
        let day = Cell::Text(" 2027-06-30 ");
        assert_eq!(day.start("valid_from").unwrap().unwrap().to_string(), "2027-06-30T00:00:00Z");
        assert_eq!(day.end("expires_at").unwrap().unwrap().to_string(), "2027-06-30T23:59:59Z");
        let sheet = |hour| Cell::Date(jiff::civil::date(2027, 6, 30).at(hour, 0, 0, 0));
        assert_eq!(sheet(0).start("valid_from").unwrap().unwrap().to_string(), "2027-06-30T00:00:00Z");
        assert_eq!(sheet(0).end("expires_at").unwrap().unwrap().to_string(), "2027-06-30T23:59:59Z");
        assert_eq!(sheet(18).end("expires_at").unwrap().unwrap().to_string(), "2027-06-30T18:00:00Z");
        assert_eq!(Cell::Empty.end("expires_at"), Ok(None));
        assert!(Cell::Text("soon").end("expires_at").unwrap_err().starts_with("expires_at is not a moment in time; "));
    }
}
