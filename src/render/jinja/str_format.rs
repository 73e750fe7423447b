//! `'{:,.2f}'.format(price)`: Python's `str.format`.
//!
//! The engine formats the single values; widths are applied here, because they count characters and have a limit.

use minijinja::formatting::{FormatStyle, format};
use minijinja::value::Kwargs;
use minijinja::{Error, Value};

use super::args::{invalid, within_limit};
use super::instant::Instant;
use super::layout::{Align, padded, sign_first};
use super::numbers::number;
use super::output::{html, printed, repr};
use crate::render::allowance::spend;

/// The values that a format string may name.
pub(super) struct Fields<'a> {
    pub(super) positional: &'a [Value],
    pub(super) named: &'a dyn Fn(&str) -> Option<Value>,
    /// Whether the format string is safe, so that what it prints is escaped.
    pub(super) escape: bool,
}

pub(super) fn named(keywords: &Kwargs) -> impl Fn(&str) -> Option<Value> + '_ {
    |name| keywords.get::<Value>(name).ok()
}

impl Fields<'_> {
    pub(super) fn format(&self, pattern: &str) -> Result<String, Error> {
        self.filled(pattern, &mut 0)
    }

    fn filled(&self, pattern: &str, next: &mut usize) -> Result<String, Error> {
        let (mut out, mut rest) = (String::new(), pattern);
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                out.push_str(brace);
                rest = after;
            } else if brace == "}" {
                return Err(invalid("format: a single '}'; write '}}' for the brace itself"));
            } else {
                let end = field_end(after).ok_or_else(|| invalid("format: a '{' without its '}'"))?;
                let field = self.field(&after[..end], next)?;
                spend(field.len())?;
                out.push_str(&field);
                rest = &after[end + 1..];
            }
        }
        Ok(out + rest)
    }

    fn field(&self, field: &str, next: &mut usize) -> Result<String, Error> {
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = match name.split_once('!') {
            Some((name, conversion)) => (name, Some(conversion)),
            None => (name, None),
        };
        let value = self.value(name, next)?;
        let value = match conversion {
            None => value,
            Some("r" | "a") => Value::from(repr(&value)),
            Some("s") => Value::from(printed(&value)),
            Some(other) => return Err(invalid(format!("format: unknown conversion '!{other}'"))),
        };
        let spec = self.filled(spec, next)?;
        let text = written(&value, &spec)?;
        Ok(if self.escape && !value.is_safe() { html(&text) } else { text })
    }

    fn value(&self, name: &str, next: &mut usize) -> Result<Value, Error> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut path) = name.split_at(end);
        let found = match first.parse::<usize>() {
            Ok(index) => self.positional.get(index).cloned(),
            Err(_) if first.is_empty() => {
                *next += 1;
                self.positional.get(*next - 1).cloned()
            }
            Err(_) => (self.named)(first),
        };
        let mut value = found.ok_or_else(|| invalid(format!("format: no value for '{{{name}}}'")))?;
        while !path.is_empty() {
            let (key, rest) = step(path).ok_or_else(|| invalid(format!("format: cannot read '{{{name}}}'")))?;
            value = value.get_item(&key)?;
            path = rest;
        }
        Ok(value)
    }
}

/// The next key of a path such as `.name` or `[0]`.
fn step(path: &str) -> Option<(Value, &str)> {
    if let Some(rest) = path.strip_prefix('[') {
        let (key, rest) = rest.split_once(']')?;
        return Some((key.parse::<usize>().map_or_else(|_| Value::from(key), Value::from), rest));
    }
    let rest = path.strip_prefix('.')?;
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    Some((Value::from(&rest[..end]), &rest[end..]))
}

fn field_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.char_indices().find_map(|(at, c)| match c {
        '{' => {
            depth += 1;
            None
        }
        '}' if depth == 0 => Some(at),
        '}' => {
            depth -= 1;
            None
        }
        _ => None,
    })
}

/// A format specification: `[[fill]align][sign][#][0][width][,][.precision][type]`.
struct Spec<'a> {
    fill: char,
    align: Option<char>,
    sign: &'a str,
    width: usize,
    rest: &'a str,
}

impl<'a> Spec<'a> {
    fn parse(spec: &'a str) -> Result<Spec<'a>, Error> {
        let mut chars = spec.chars();
        let (first, second) = (chars.next(), chars.next());
        let is_align = |c: &char| "<>^=".contains(*c);
        let (fill, align, rest) = match (first, second.filter(is_align), first.filter(is_align)) {
            (Some(fill), Some(align), _) => (Some(fill), Some(align), &spec[fill.len_utf8() + 1..]),
            (_, _, Some(align)) => (None, Some(align), &spec[1..]),
            _ => (None, None, spec),
        };
        let after_sign = rest.trim_start_matches(['+', '-', ' ', '#']);
        let (sign, rest) = rest.split_at(rest.len() - after_sign.len());
        let (fill, align, rest) = match rest.strip_prefix('0') {
            Some(rest) => (fill.or(Some('0')), align.or(Some('=')), rest),
            None => (fill, align, rest),
        };
        let (width, rest) = leading_number(rest);
        let (precision, _) = leading_number(rest.split_once('.').map_or("", |(_, precision)| precision));
        within_limit("precision", precision)?;
        Ok(Spec { fill: fill.unwrap_or(' '), align, sign, width: within_limit("width", width)?, rest })
    }
}

/// The number that a text starts with, 0 where there is none, and what follows it.
fn leading_number(text: &str) -> (usize, &str) {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &text[..text.len() - rest.len()];
    (if digits.is_empty() { 0 } else { digits.parse().unwrap_or(usize::MAX) }, rest)
}

fn written(value: &Value, spec: &str) -> Result<String, Error> {
    if spec.is_empty() {
        return Ok(printed(value));
    }
    if let Some(instant) = value.downcast_object_ref::<Instant>() {
        return instant.strftime(spec);
    }
    let spec = Spec::parse(spec)?;
    let text = match spec.rest.strip_suffix('%') {
        Some(precision) => {
            let number = number(value).ok_or_else(|| invalid("format: '%' needs a number"))?;
            let percent = Value::from(number * 100.0);
            let precision = if precision.is_empty() { ".6" } else { precision };
            format(FormatStyle::StrFormat, &format!("{{:{}{precision}f}}", spec.sign), &[percent])? + "%"
        }
        None if spec.sign.is_empty() && spec.rest.is_empty() => printed(value),
        None => {
            format(FormatStyle::StrFormat, &format!("{{:{}{}}}", spec.sign, spec.rest), std::slice::from_ref(value))?
        }
    };
    let align = match spec.align {
        Some('<') => Align::Left,
        Some('^') => Align::Center,
        Some('=') => return Ok(sign_first(&text, spec.width, spec.fill)),
        Some(_) => Align::Right,
        None if value.is_number() => Align::Right,
        None => Align::Left,
    };
    Ok(match align {
        Align::Center => centered(&text, spec.width, spec.fill),
        align => padded(&text, spec.width, spec.fill, align),
    })
}

/// Unlike `str.center`, a format specification always puts the odd one right of the text.
fn centered(text: &str, width: usize, fill: char) -> String {
    let length = text.chars().count();
    let left = length + width.saturating_sub(length) / 2;
    padded(&padded(text, left, fill, Align::Right), width, fill, Align::Left)
}
