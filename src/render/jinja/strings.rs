//! Filters that turn one text into another.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value, filters};

use super::args::{Args, Entry, invalid};
use super::text::{Text, escapes};
use crate::render::allowance::spend;

pub(super) const FILTERS: &[Entry] = &[
    ("upper", &["s"], |_, args| Ok(args.text("s").derive(args.text("s").as_str().to_uppercase()))),
    ("lower", &["s"], |_, args| Ok(args.text("s").derive(args.text("s").as_str().to_lowercase()))),
    ("capitalize", &["s"], |_, args| Ok(args.text("s").derive(capitalized(args.text("s").as_str())))),
    ("title", &["s"], |_, args| Ok(Value::from(filters::title(args.text("s").as_str().into())))),
    ("trim", &["value", "chars"], trim),
    ("replace", &["s", "old", "new", "count"], replace),
    ("string", &["value"], string),
    ("wordcount", &["s"], wordcount),
    ("urlencode", &["value"], urlencode),
];

pub(super) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + &chars.as_str().to_lowercase()
}

fn trim(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let text = args.text("value");
    let trimmed = match args.given("chars") {
        Some(chars) => text.as_str().trim_matches(&Text::of(chars).chars()[..]),
        None => text.as_str().trim(),
    };
    Ok(text.derive(trimmed))
}

fn replace(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let (text, old, new) = (args.text("s"), args.text("old"), args.text("new"));
    if args.value("old").is_undefined() || args.value("new").is_undefined() {
        return Err(invalid("replace needs what to look for and what to put there: `replace(old, new)`"));
    }
    let count = args.integer("count")?.unwrap_or(-1);
    if !escapes(state) || !(text.is_safe() || old.is_safe() || new.is_safe()) {
        return replaced(text.as_str(), old.as_str(), new.as_str(), count).map(Value::from);
    }
    let new = if text.is_safe() || old.is_safe() || new.is_safe() { new.escaped(state)? } else { new.as_str().into() };
    replaced(&text.escaped(state)?, old.as_str(), &new, count).map(Value::from_safe_string)
}

/// Replaces the first `count` places, or all where that is negative.
pub(super) fn replaced(text: &str, old: &str, new: &str, count: i64) -> Result<String, Error> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    spend(text.matches(old).take(count).count().saturating_mul(new.len()))?;
    Ok(text.replacen(old, new, count))
}

fn string(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let value = args.value("value");
    Ok(if value.kind() == ValueKind::String { value.clone() } else { Value::from(super::output::printed(value)) })
}

fn wordcount(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let text = args.text("s");
    let words = text.as_str().split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    Ok(Value::from(words.count()))
}

/// Quotes a text for a URL, or makes a query string of a mapping or of pairs; what has no value is left out of it.
fn urlencode(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let value = args.value("value");
    let pairs: Vec<(Value, Value)> = match value.kind() {
        ValueKind::Map => {
            value.try_iter()?.map(|key| Ok((key.clone(), value.get_item(&key)?))).collect::<Result<_, Error>>()?
        }
        ValueKind::Seq | ValueKind::Iterable => value
            .try_iter()?
            .map(|pair| Ok((pair.get_item_by_index(0)?, pair.get_item_by_index(1)?)))
            .collect::<Result<_, Error>>()?,
        _ => return Ok(Value::from(quoted(args.text("value").as_str(), "/"))),
    };
    let query = |text: Text<'_>| quoted(text.as_str(), " ").replace(' ', "+");
    let given = pairs.iter().filter(|(_, value)| !value.is_none() && !value.is_undefined());
    let parts: Vec<String> =
        given.map(|(key, value)| format!("{}={}", query(Text::of(key)), query(Text::of(value)))).collect();
    Ok(Value::from(parts.join("&")))
}

fn quoted(text: &str, keep: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || keep.contains(c) {
            quoted.push(c);
        } else {
            quoted.push_str(&format!("%{byte:02X}"));
        }
    }
    quoted
}

/// The letters of a text, as safe as the text.
pub(super) fn letters(text: &Text<'_>) -> Vec<Value> {
    text.as_str().chars().map(|c| text.derive(c.to_string())).collect()
}
