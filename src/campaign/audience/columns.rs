//! The types of columns.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::error::{Error, ErrorKind};
use crate::render::Field;
use crate::render::suggest::did_you_mean;

/// The types of the columns that are not text, by name.
pub type Columns = BTreeMap<String, ColumnType>;

/// What the fields of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text, as it stands there.
    Text,
    /// A whole number or a decimal fraction, with a point.
    Number,
    /// `true` or `false`, `yes` or `no`, `1` or `0`, in any case.
    Boolean,
    /// JSON of any form.
    Json,
}

impl ColumnType {
    const NAMES: [(&'static str, ColumnType); 4] = [
        ("text", ColumnType::Text),
        ("number", ColumnType::Number),
        ("boolean", ColumnType::Boolean),
        ("json", ColumnType::Json),
    ];

    /// Reads a field. An empty one is nothing, unless it is text.
    ///
    /// # Errors
    /// What was expected, where the field is something else.
    pub(super) fn read(self, text: &str) -> Result<Field, &'static str> {
        if self == ColumnType::Text {
            return Ok(Field::text(text));
        }
        let text = text.trim();
        if text.is_empty() {
            return Ok(Field::none());
        }
        match self {
            ColumnType::Text => Ok(Field::text(text)),
            ColumnType::Number => Field::number(text).ok_or("a number such as 12 or 9.5"),
            ColumnType::Boolean => boolean(text).map(Field::boolean).ok_or("true or false"),
            ColumnType::Json => Field::json(text).ok_or("JSON"),
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    let is_any = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_any(["true", "yes", "1"]) {
        return Some(true);
    }
    is_any(["false", "no", "0"]).then_some(false)
}

impl FromStr for ColumnType {
    type Err = Error;

    fn from_str(text: &str) -> Result<ColumnType, Error> {
        let known = ColumnType::NAMES.into_iter().find(|(name, _)| *name == text);
        known.map(|(_, column_type)| column_type).ok_or_else(|| {
            let names = ColumnType::NAMES.map(|(name, _)| name);
            let error = Error::new(ErrorKind::InvalidInput, format!("unknown column type '{text}'"));
            error.with_help(format!("use one of {}{}", names.join(", "), did_you_mean(text, names)))
        })
    }
}
