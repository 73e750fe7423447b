//! Filters that write values out: as JSON, and as Python shows them.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value, filters};

use super::args::{Args, Entry, invalid, items, keywords};
use super::output::repr;
use crate::render::allowance::spend;

pub(super) const FILTERS: &[Entry] =
    &[("tojson", &["value", "indent"], tojson), ("pprint", &["value"], |_, args| pprint(args.value("value")))];

/// Values nested deeper than this are refused, before they exhaust the stack.
pub(super) const DEPTH: usize = 128;

/// Keys in order and letters beyond ASCII as `\u…`, as Jinja2 writes JSON; safe within HTML.
fn tojson(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let indent = args.given("indent").map(|_| args.size("indent", 0)).transpose()?.map(Value::from);
    let json = filters::tojson(&ordered(args.value("value"), DEPTH)?, indent, keywords([]))?;
    Ok(Value::from_safe_string(ascii(json.as_str().unwrap_or_default())))
}

fn pprint(value: &Value) -> Result<Value, Error> {
    Ok(Value::from(repr(&ordered(value, DEPTH)?)))
}

/// The same value with the keys of its mappings in order.
fn ordered(value: &Value, depth: usize) -> Result<Value, Error> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(invalid(format!("the value is nested deeper than {DEPTH}")));
    };
    match value.kind() {
        ValueKind::Map => {
            let mut keys = items(value)?;
            keys.sort();
            let pairs = keys.into_iter().map(|key| Ok((key.clone(), ordered(&value.get_item(&key)?, depth)?)));
            Ok(Value::from_pairs(pairs.collect::<Result<Vec<_>, Error>>()?))
        }
        ValueKind::Seq | ValueKind::Iterable if !value.is_tuple() => {
            items(value)?.iter().map(|item| ordered(item, depth)).collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        _ => {
            // Quoted, a letter may become six.
            spend(value.as_str().map_or(0, |text| text.len().saturating_mul(2)))?;
            Ok(value.clone())
        }
    }
}

fn ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escaped.push_str(&format!("\\u{unit:04x}")));
        }
    }
    escaped
}
