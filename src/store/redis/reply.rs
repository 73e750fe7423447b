//! Reading what scripts answer.

use redis::Value;

use crate::error::{Error, ErrorKind, Result};

/// The error for an answer that no script of ours gives.
pub(super) fn strange() -> Error {
    Error::new(ErrorKind::StoreCorrupt, "the store's answer is not what it should be")
        .with_help("were keys changed by hand, or by another version of the program? 'tearoff doctor' looks")
}

/// An answer's first element, a word, and the rest.
pub(super) fn status(value: Value) -> Result<(String, Vec<Value>)> {
    let mut parts = list(value)?.into_iter();
    let status = text(parts.next().ok_or_else(strange)?)?;
    Ok((status, parts.collect()))
}

pub(super) fn list(value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(strange()),
    }
}

pub(super) fn bytes(value: Value) -> Result<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        _ => Err(strange()),
    }
}

/// Bytes, or nothing where Lua had `false`.
pub(super) fn optional_bytes(value: Value) -> Result<Option<Vec<u8>>> {
    match value {
        Value::Nil => Ok(None),
        value => bytes(value).map(Some),
    }
}

pub(super) fn text(value: Value) -> Result<String> {
    String::from_utf8(bytes(value)?).map_err(|_| strange())
}

/// A number, or nothing where a script has said ''.
pub(super) fn optional_number(value: &Value) -> Result<Option<u64>> {
    match value {
        Value::BulkString(bytes) if bytes.is_empty() => Ok(None),
        value => number(Some(value)).map(Some),
    }
}

/// A number, which a script may give as such or as text.
pub(super) fn number(value: Option<&Value>) -> Result<u64> {
    match value {
        Some(Value::Int(number)) => u64::try_from(*number).map_err(|_| strange()),
        Some(Value::BulkString(bytes)) => {
            std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).ok_or_else(strange)
        }
        _ => Err(strange()),
    }
}
