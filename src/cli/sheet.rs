//! Rows for another program: as CSV that a spreadsheet may open without harm, or as JSON lines.

use std::str::FromStr;

use clap::ValueEnum;
use serde_json::{Map, Value};

use crate::campaign::Assigned;
use crate::error::{Error, ErrorKind, Result};
use crate::intake::guarded;
use crate::render::suggest::did_you_mean;
use crate::voucher::Binding;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// With a header; text that a spreadsheet would run as a formula has a ' before it
    Csv,
    /// A JSON object a line, every value as it is
    Jsonl,
}

/// What is told of an assigned voucher.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Column {
    Code,
    ExpiresAt,
    AssignedAt,
    Pool,
    Metadata(String),
}

/// The first column of every row.
const CUSTOMER: &str = "customer_id";
/// The columns that have no name of their owner's.
const NAMES: [&str; 4] = ["code", "expires_at", "assigned_at", "pool"];
/// What stands before the name of a column of the import.
const METADATA: &str = "metadata.";

impl FromStr for Column {
    type Err = Error;

    fn from_str(name: &str) -> Result<Column> {
        match name.trim() {
            "code" => Ok(Column::Code),
            "expires_at" => Ok(Column::ExpiresAt),
            "assigned_at" => Ok(Column::AssignedAt),
            "pool" => Ok(Column::Pool),
            name => match name.strip_prefix(METADATA) {
                Some(column) if !column.is_empty() => Ok(Column::Metadata(column.to_owned())),
                _ => {
                    let hint = did_you_mean(name, NAMES);
                    let error = Error::new(ErrorKind::InvalidInput, format!("there is no column '{name}'{hint}"));
                    Err(error.with_help("use code, expires_at, assigned_at, pool or metadata.COLUMN"))
                }
            },
        }
    }
}

impl Column {
    fn name(&self) -> String {
        match self {
            Column::Code => "code".to_owned(),
            Column::ExpiresAt => "expires_at".to_owned(),
            Column::AssignedAt => "assigned_at".to_owned(),
            Column::Pool => "pool".to_owned(),
            Column::Metadata(column) => format!("{METADATA}{column}"),
        }
    }

    fn value(&self, binding: &Binding) -> Value {
        match self {
            Column::Code => binding.voucher.code.as_str().into(),
            Column::ExpiresAt => binding.voucher.expires_at.map_or(Value::Null, |moment| moment.to_string().into()),
            Column::AssignedAt => binding.assigned_at.to_string().into(),
            Column::Pool => binding.from.as_str().into(),
            Column::Metadata(column) => binding.voucher.metadata.get(column).cloned().unwrap_or_default(),
        }
    }
}

/// The rows as text, the first ones of a table with its header.
pub(super) fn write_rows(form: Form, columns: &[Column], assigned: &[Assigned], is_first: bool) -> Result<String> {
    match form {
        Form::Csv => csv(columns, assigned, is_first),
        Form::Jsonl => json_lines(columns, assigned),
    }
}

fn csv(columns: &[Column], assigned: &[Assigned], is_first: bool) -> Result<String> {
    let failed = |error: csv::Error| Error::new(ErrorKind::Io, "the rows cannot be written").with_source(error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    if is_first {
        let header = std::iter::once(CUSTOMER.to_owned()).chain(columns.iter().map(Column::name));
        writer.write_record(header).map_err(failed)?;
    }
    for Assigned { customer_id, binding } in assigned {
        let values = columns.iter().map(|column| cell(&column.value(binding)));
        writer
            .write_record(std::iter::once(guarded(customer_id.as_str()).into_owned()).chain(values))
            .map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => guarded(text).into_owned(),
        // Neither a number nor a structure begins like a formula, except a negative number, which is one already.
        other => other.to_string(),
    }
}

fn json_lines(columns: &[Column], assigned: &[Assigned]) -> Result<String> {
    let mut lines = String::new();
    for Assigned { customer_id, binding } in assigned {
        let mut row = Map::new();
        row.insert(CUSTOMER.to_owned(), customer_id.as_str().into());
        row.extend(columns.iter().map(|column| (column.name(), column.value(binding))));
        lines.push_str(&Value::Object(row).to_string());
        lines.push('\n');
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+49", "-a", "@x", "\t=1"] {
            assert_eq!(cell(&text.into()), format!("'{text}"));
        }
        for text in ["a=1", "49", ""] {
            assert_eq!(cell(&text.into()), text);
        }
        assert_eq!((cell(&Value::Null), cell(&(-5).into())), (String::new(), "-5".to_owned()));
    }

    #[test]
    fn a_column_that_is_not_there_is_told_with_the_nearest() {
        let error = "expires".parse::<Column>().unwrap_err();
        assert!(error.to_string().starts_with("there is no column 'expires'"), "{error}");
        let error = "expires_a".parse::<Column>().unwrap_err();
        assert_eq!(error.to_string(), "there is no column 'expires_a'; did you mean 'expires_at'?");
        assert!("metadata.".parse::<Column>().is_err());
        assert_eq!("metadata.a b".parse::<Column>().unwrap(), Column::Metadata("a b".to_owned()));
    }
}
