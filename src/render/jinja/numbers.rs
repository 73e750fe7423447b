//! Filters that make and round numbers.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value, filters};

use super::args::{Args, Entry, invalid, keywords};

pub(super) const FILTERS: &[Entry] = &[
    ("int", &["value", "default", "base"], int),
    ("float", &["value", "default"], float),
    ("round", &["value", "precision", "method"], round),
    ("filesizeformat", &["value", "binary"], filesizeformat),
    ("format_decimal", &["value", "format", "locale"], format_decimal),
];

fn int(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let base = u32::try_from(args.integer("base")?.unwrap_or(10)).unwrap_or(1);
    if base == 1 || base > 36 {
        return Err(invalid("`base` must be 0 or between 2 and 36"));
    }
    let value = args.value("value");
    let number = match value.as_str() {
        Some(text) => parsed(text, base).or_else(|| decimal(text).and_then(whole)),
        None if value.is_number() && value.is_integer() => return Ok(value.clone()),
        None => number(value).and_then(whole),
    };
    Ok(number.map_or_else(|| default(args, Value::from(0)), Value::from))
}

fn float(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let value = args.value("value");
    let number = value.as_str().map_or_else(|| number(value), decimal);
    Ok(number.map_or_else(|| default(args, Value::from(0.0)), Value::from))
}

fn default(args: &Args, otherwise: Value) -> Value {
    Some(args.value("default")).filter(|value| !value.is_undefined()).cloned().unwrap_or(otherwise)
}

pub(super) fn number(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
fn whole(number: f64) -> Option<i128> {
    (number.abs() < 1e38).then_some(number as i128)
}

/// Python's `float()`: white space around, underscores within.
fn decimal(text: &str) -> Option<f64> {
    text.trim().replace('_', "").parse().ok()
}

/// Python's `int()`: white space around, underscores within, a prefix that agrees with the base; base 0 reads the prefix.
fn parsed(text: &str, base: u32) -> Option<i128> {
    let digits = text.trim().replace('_', "").to_lowercase();
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let prefixed = [(2, "0b"), (8, "0o"), (16, "0x")]
        .into_iter()
        .find(|(of, prefix)| (base == *of || base == 0) && digits.starts_with(prefix));
    let (base, digits) = match prefixed {
        Some((of, prefix)) => (of, &digits[prefix.len()..]),
        None if base == 0 => (10, digits),
        None => (base, digits),
    };
    let signed_twice = digits.starts_with(['+', '-']);
    i128::from_str_radix(digits, base).ok().filter(|_| !signed_twice).map(|number| sign * number)
}

fn round(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let value = args.value("value");
    let precision = args.integer("precision")?.unwrap_or(0);
    let precision = i32::try_from(precision).map_err(|_| invalid("`precision` is out of range"))?;
    let method = args.text_or("method", "common");
    let method = method.as_str();
    // Like Python's round(), which leaves whole numbers whole; floor and ceil divide, which makes a float of them.
    let value = match value.kind() {
        ValueKind::Bool | ValueKind::Number if method != "common" => Value::from(number(value)),
        ValueKind::Bool => Value::from(i64::from(value.is_true())),
        ValueKind::Number => value.clone(),
        kind => return Err(invalid(format!("cannot round {kind}; make it a number first: |float|round"))),
    };
    filters::round(value, Some(precision), Some(method), keywords([]))
}

fn filesizeformat(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let value = args.value("value");
    let bytes = value.as_str().map_or_else(|| number(value), decimal);
    let bytes = bytes.ok_or_else(|| invalid("filesizeformat needs a number of bytes"))?;
    let binary = args.flag("binary", false);
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes < base {
        return Ok(Value::from(if bytes == 1.0 { "1 Byte".into() } else { format!("{} Bytes", bytes.trunc() + 0.0) }));
    }
    let (mut size, mut prefixes) = (bytes / base, "kMGTPEZY".chars());
    let mut prefix = prefixes.next().unwrap_or('k');
    for larger in prefixes {
        if size < base {
            break;
        }
        size /= base;
        prefix = larger;
    }
    let unit = if binary { format!("{}iB", prefix.to_ascii_uppercase()) } else { format!("{prefix}B") };
    Ok(Value::from(format!("{size:.1} {unit}")))
}

/// A number by one of Babel's patterns, such as `#,##0.00`: zeros are digits that always show, a comma groups by thousands.
fn format_decimal(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let Some(value) = args.given("value") else { return Ok(Value::from("")) };
    let number = value.as_str().map_or_else(|| number(value), decimal).filter(|number| number.is_finite());
    let number = number.ok_or_else(|| invalid("format_decimal needs a number"))?;
    let locale = args.text_or("locale", "en");
    if !locale.as_str().starts_with("en") {
        return Err(invalid(format!(
            "format_decimal writes English numbers only, not '{}'; exchange the signs with the filter `replace`",
            locale.as_str()
        )));
    }
    let pattern = args.text_or("format", "#,##0.###");
    let (whole, fraction) = pattern.as_str().split_once('.').unwrap_or((pattern.as_str(), ""));
    let known = whole.chars().all(|c| "#,0".contains(c)) && fraction.chars().all(|c| "#0".contains(c));
    if !known || pattern.as_str().len() > 40 {
        return Err(invalid("format_decimal: a pattern has the signs `#`, `0`, `,` and `.` only, as in `#,##0.00`"));
    }
    let written = half_even(number.abs(), fraction.len());
    let (digits, decimals) = written.split_once('.').unwrap_or((&written, ""));
    let (kept, optional) = decimals.split_at(fraction.matches('0').count());
    let decimals = format!("{kept}{}", optional.trim_end_matches('0'));
    let digits = format!("{digits:0>width$}", width = whole.matches('0').count());
    let digits = if whole.contains(',') { grouped(&digits) } else { digits };
    let (sign, point) = (if number < 0.0 { "-" } else { "" }, if decimals.is_empty() { "" } else { "." });
    Ok(Value::from(format!("{sign}{digits}{point}{decimals}")))
}

/// Rounds what is written: 0.125 to 0.12, though also 12.345 to 12.34, which binary digits alone would round up.
fn half_even(number: f64, places: usize) -> String {
    let written = number.to_string();
    let (whole, decimals) = written.split_once('.').unwrap_or((&written, ""));
    let tie = decimals.strip_suffix('5').filter(|kept| kept.len() == places);
    match tie.and_then(|kept| format!("{whole}{kept}").parse::<u128>().ok()) {
        Some(digits) => {
            let digits = format!("{:0>width$}", digits + digits % 2, width = places + 1);
            let (whole, decimals) = digits.split_at(digits.len() - places);
            format!("{whole}.{decimals}")
        }
        None => format!("{number:.places$}"),
    }
}

/// Puts a comma before every three digits from the right.
fn grouped(digits: &str) -> String {
    let from_right = |index: usize| digits.len() - index;
    let comma = |index: usize| index > 0 && from_right(index).is_multiple_of(3);
    digits.char_indices().flat_map(|(index, digit)| comma(index).then_some(',').into_iter().chain([digit])).collect()
}
