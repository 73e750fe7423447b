//! Data that a template may print: attributes of a customer, of a campaign, and the rest of the context.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use minijinja::value::{Value, ValueKind};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::vouchers::instant;
use crate::error::{Error, ErrorKind, Result};

/// Named values for a template. They may hold personal data, so `Debug` does not show them.
///
/// ```
/// use tearoff::render::Attributes;
///
/// let customer = Attributes::from_json(r#"{"id": "c42", "first_name": "Ada"}"#)?;
/// assert_eq!(customer.text("first_name").as_deref(), Some("Ada"));
/// # Ok::<(), tearoff::Error>(())
/// ```
#[derive(Clone)]
pub struct Attributes(pub(super) Value);

impl Attributes {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the text is no JSON object, with line and column.
    pub fn from_json(text: &str) -> Result<Attributes> {
        serde_json::from_str(text).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, format!("not a JSON object: {}", without_data(&error)))
        })
    }

    /// Takes named fields, such as those of a row.
    pub fn from_fields<N: AsRef<str>>(fields: impl IntoIterator<Item = (N, Field)>) -> Attributes {
        Attributes(Value::from_pairs(fields.into_iter().map(|(name, field)| (Value::from(name.as_ref()), field.0))))
    }

    /// Takes the fields of a row, in the order of `names`.
    pub fn from_row(names: &Names, fields: impl IntoIterator<Item = Field>) -> Attributes {
        Attributes(Value::from_pairs(names.0.iter().cloned().zip(fields.into_iter().map(|field| field.0))))
    }

    /// Takes a JSON object that is read already.
    pub fn from_map(object: &serde_json::Map<String, serde_json::Value>) -> Attributes {
        Attributes(Value::from(minijinja::value::Serde(object)))
    }

    /// These attributes with another one, in place of one of that name.
    #[must_use]
    pub fn with(&self, name: &str, field: Field) -> Attributes {
        let others = self.0.try_iter().into_iter().flatten().filter(|key| key.as_str() != Some(name));
        let others = others.filter_map(|key| self.0.get_item(&key).ok().map(|value| (key, value)));
        Attributes(Value::from_pairs(others.chain([(Value::from(name), field.0)])))
    }

    /// The attribute as text, where it is text or an integer.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.0.get_attr(name).ok()?;
        match value.kind() {
            ValueKind::String => value.as_str().map(str::to_owned),
            ValueKind::Number if value.is_integer() => Some(value.to_string()),
            _ => None,
        }
    }

    /// The names of all attributes.
    pub fn names(&self) -> Vec<String> {
        self.0.try_iter().map(|names| names.map(|name| name.to_string()).collect()).unwrap_or_default()
    }

    pub(super) fn get(&self, name: &str) -> Option<Value> {
        self.0.get_attr(name).ok().filter(|value| !value.is_undefined())
    }
}

/// What went wrong in a JSON text and where, without the text itself.
fn without_data(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "it does not parse",
        serde_json::error::Category::Data => return "it is another kind of value".to_owned(),
        serde_json::error::Category::Io => "it cannot be read",
    };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

impl Default for Attributes {
    fn default() -> Attributes {
        Attributes(Value::from_pairs(std::iter::empty::<(Value, Value)>()))
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attributes(…)")
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Attributes, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.kind() {
            ValueKind::Map => Ok(Attributes(value)),
            kind => Err(serde::de::Error::custom(format!("expected an object, found {kind}"))),
        }
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The names of a row's attributes, made once for all rows.
#[derive(Debug, Clone)]
pub struct Names(Vec<Value>);

impl Names {
    /// Takes the names in the order of the fields.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Names {
        Names(names.into_iter().map(|name| Value::from(Arc::<str>::from(name.as_ref()))).collect())
    }
}

/// One value of a row.
#[derive(Clone)]
pub struct Field(Value);

impl Field {
    /// Text, as every field of a CSV file is unless its column has a type.
    pub fn text(text: &str) -> Field {
        Field(Value::from(text))
    }

    /// Nothing: it prints as nothing and counts as false.
    pub fn none() -> Field {
        Field(Value::from(()))
    }

    /// Yes or no.
    pub fn boolean(value: bool) -> Field {
        Field(Value::from(value))
    }

    /// A number: an integer where the text is one, a decimal fraction otherwise; `None` where it is neither.
    pub fn number(text: &str) -> Option<Field> {
        if let Ok(integer) = text.parse::<i64>() {
            return Some(Field(Value::from(integer)));
        }
        text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| Field(Value::from(number)))
    }

    /// A moment, as `now()` gives it.
    pub fn moment(moment: Timestamp) -> Field {
        Field(instant(moment))
    }

    /// Any JSON value; `None` where the text is none.
    pub fn json(text: &str) -> Option<Field> {
        serde_json::from_str(text).ok().map(Field)
    }
}

impl From<Attributes> for Field {
    fn from(attributes: Attributes) -> Field {
        Field(attributes.0)
    }
}

impl From<&serde_json::Value> for Field {
    fn from(value: &serde_json::Value) -> Field {
        Field(Value::from(minijinja::value::Serde(value)))
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Field(…)")
    }
}
