//! `'%05d'|format(42)`: Python's printf-style formatting.
//!
//! The engine formats the single values; widths are applied here, because they count characters and have a limit.

use minijinja::formatting::{FormatStyle, format};
use minijinja::value::{Kwargs, Rest, ValueOrKwargs, from_args};
use minijinja::{Error, State, Value};

use super::args::{checked, invalid, within_limit};
use super::layout::{Align, padded, prefix_length, sign_first};
use super::output::{html, printed, repr};
use super::text::{Text, safe_if};
use crate::render::allowance::spend;

/// The filter `format`. A safe format string escapes what it prints.
pub(super) fn filter(_: &mut State<'_, '_>, pattern: Value, given: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let given = given.into_values().into_iter().map(checked).collect::<Result<Vec<_>, _>>()?;
    let (positional, named): (&[Value], Kwargs) = from_args(&given)?;
    let pattern_value = checked(pattern)?;
    let pattern = Text::of(&pattern_value);
    let mut values = Values { positional: positional.iter(), named: &named };
    let (mut out, mut rest) = (String::new(), pattern.as_str());
    while let Some((literal, after)) = rest.split_once('%') {
        out.push_str(literal);
        let (spec, after) = Spec::parse(after)?;
        let written = spec.written(&mut values, pattern.is_safe())?;
        spend(written.len())?;
        out.push_str(&written);
        rest = after;
    }
    out.push_str(rest);
    if values.positional.next().is_some() {
        return Err(invalid("format has more values than places for them"));
    }
    Ok(safe_if(pattern.is_safe(), out))
}

struct Values<'a> {
    positional: std::slice::Iter<'a, Value>,
    named: &'a Kwargs,
}

impl Values<'_> {
    fn next(&mut self) -> Result<Value, Error> {
        self.positional.next().cloned().ok_or_else(|| invalid("format has fewer values than places for them"))
    }

    fn size(&mut self, name: &str, size: Size) -> Result<Option<usize>, Error> {
        let size = match size {
            Size::None => return Ok(None),
            Size::Fixed(size) => size,
            Size::Argument => self.next()?.as_usize().ok_or_else(|| invalid("`*` needs a whole number"))?,
        };
        within_limit(name, size).map(Some)
    }
}

#[derive(Clone, Copy)]
enum Size {
    None,
    Fixed(usize),
    Argument,
}

/// One `%(key)-08.2f`.
struct Spec<'a> {
    key: Option<&'a str>,
    flags: &'a str,
    width: Size,
    precision: Size,
    conversion: char,
}

impl<'a> Spec<'a> {
    fn parse(text: &'a str) -> Result<(Spec<'a>, &'a str), Error> {
        let incomplete = || invalid("format: the text ends within a `%` place; write `%%` for a percent sign");
        let (key, rest) = match text.strip_prefix('(') {
            Some(rest) => rest.split_once(')').map(|(key, rest)| (Some(key), rest)).ok_or_else(incomplete)?,
            None => (None, text),
        };
        let after_flags = rest.trim_start_matches(['#', '0', '-', ' ', '+']);
        let flags = &rest[..rest.len() - after_flags.len()];
        let (width, rest) = size(after_flags);
        let (precision, rest) = match rest.strip_prefix('.') {
            Some(rest) => match size(rest) {
                (Size::None, rest) => (Size::Fixed(0), rest),
                found => found,
            },
            None => (Size::None, rest),
        };
        let rest = rest.trim_start_matches(['h', 'l', 'L']);
        let conversion = rest.chars().next().ok_or_else(incomplete)?;
        Ok((Spec { key, flags, width, precision, conversion }, &rest[conversion.len_utf8()..]))
    }

    fn written(&self, values: &mut Values<'_>, escape: bool) -> Result<String, Error> {
        let width = values.size("width", self.width)?.unwrap_or(0);
        let precision = values.size("precision", self.precision)?;
        if self.conversion == '%' {
            return Ok("%".into());
        }
        let value = match self.key {
            Some(key) => {
                values.named.get::<Value>(key).map_err(|_| invalid(format!("format: no value for '{key}'")))?
            }
            None => values.next()?,
        };
        let text = self.converted(&value, precision)?;
        let text = if escape && !value.is_safe() { html(&text) } else { text };
        let is_number = !matches!(self.conversion, 's' | 'r' | 'a' | 'c');
        Ok(if self.flags.contains('-') {
            padded(&text, width, ' ', Align::Left)
        } else if self.flags.contains('0') && is_number {
            sign_first(&text, width, '0')
        } else {
            padded(&text, width, ' ', Align::Right)
        })
    }

    fn converted(&self, value: &Value, precision: Option<usize>) -> Result<String, Error> {
        let cut = |text: String| match precision {
            Some(length) => text.chars().take(length).collect(),
            None => text,
        };
        let (value, conversion) = match self.conversion {
            's' => return Ok(cut(printed(value))),
            'r' | 'a' => return Ok(cut(repr(value))),
            'd' | 'i' | 'u' => (truncated(value), 'd'),
            other => (value.clone(), other),
        };
        let flags: String = self.flags.chars().filter(|flag| !matches!(flag, '-' | '0')).collect();
        let (digits, decimals) = match precision {
            Some(digits) if "dxXo".contains(conversion) => (digits, String::new()),
            Some(decimals) => (0, format!(".{decimals}")),
            None => (0, String::new()),
        };
        let text = format(FormatStyle::Printf, &format!("%{flags}{decimals}{conversion}"), &[value])?;
        Ok(if digits == 0 { text } else { sign_first(&text, digits + prefix_length(&text), '0') })
    }
}

fn size(text: &str) -> (Size, &str) {
    if let Some(rest) = text.strip_prefix('*') {
        return (Size::Argument, rest);
    }
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &text[..text.len() - rest.len()];
    (if digits.is_empty() { Size::None } else { Size::Fixed(digits.parse().unwrap_or(usize::MAX)) }, rest)
}

/// `%d` cuts the fraction of a floating point number off.
#[expect(clippy::cast_possible_truncation, reason = "saturates")]
fn truncated(value: &Value) -> Value {
    match f64::try_from(value.clone()) {
        Ok(number) if value.is_number() && !value.is_integer() => Value::from(number as i128),
        _ => value.clone(),
    }
}
