//! How values are printed.

use std::fmt;

use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Error, Output, State, Value, escape_formatter};

/// Prints what `{{ … }}` holds: none prints nothing, HTML is escaped with Jinja2's entities, numbers look like Python's.
pub(crate) fn format_value(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match (state.auto_escape(), value.kind()) {
        (AutoEscape::None | AutoEscape::Html, ValueKind::None | ValueKind::Undefined) => Ok(()),
        (AutoEscape::None | AutoEscape::Html, ValueKind::Number) if is_float(value) => {
            Ok(out.write_str(&printed(value))?)
        }
        (AutoEscape::Html, ValueKind::String) if !value.is_safe() => {
            Ok(write_html(out, value.as_str().unwrap_or_default())?)
        }
        (
            AutoEscape::Html,
            ValueKind::Seq | ValueKind::Map | ValueKind::Iterable | ValueKind::Plain | ValueKind::Bytes,
        ) => Ok(fmt::write(&mut Escaping(out), format_args!("{value}"))?),
        _ => escape_formatter(out, state, value),
    }
}

/// A value's text, with floating point numbers as Python writes them.
pub(super) fn printed(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(number) if is_float(value) => float(number),
        _ => value.to_string(),
    }
}

/// A value as Python's `repr` shows it: texts in quotes.
pub(super) fn repr(value: &Value) -> String {
    if is_float(value) { printed(value) } else { format!("{value:?}") }
}

fn is_float(value: &Value) -> bool {
    value.kind() == ValueKind::Number && !value.is_integer()
}

/// Python writes the shortest digits, with an exponent below 1e-4 and from 1e16 on.
fn float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (Some((mantissa, exponent)), true) = (scientific.split_once('e'), number.is_finite()) else {
        return if number.is_nan() {
            "nan".into()
        } else if number > 0.0 {
            "inf".into()
        } else {
            "-inf".into()
        };
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..16).contains(&exponent) => format!("{mantissa}e{exponent:+03}"),
        _ => format!("{number:?}"),
    }
}

/// HTML's five special characters as entities, the same ones as Jinja2's.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // A String takes every write.
    let _ = write_html(&mut escaped, text);
    escaped
}

/// Escapes what is written as it comes: a value may hold itself so many times that its text fits into no memory, and the limit
/// on output stops it here.
struct Escaping<'a, W>(&'a mut W);

impl<W: fmt::Write> fmt::Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_html(self.0, text)
    }
}

fn write_html(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&#34;",
            _ => "&#39;",
        })?;
        rest = &rest[at + 1..];
    }
    out.write_str(rest)
}
