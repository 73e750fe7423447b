//! Why a message could not be rendered, and where in its template.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::ErrorKind as Kind;

use super::source::Source;
use crate::error::{Error, ErrorKind};

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `<template>/<part>`, or the path of a partial.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The author's line.
    pub text: String,
    /// How many characters of it are meant.
    pub length: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}, column {}", self.file, self.line, self.column)
    }
}

/// An error of a template. Its text is the author's own; no customer's data is in it.
///
/// Printed with `{}`, it is one line; with `{:#}`, the author's line stands below it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// Where, if that is known.
    pub place: Option<Place>,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = &self.place else { return f.write_str(&self.message) };
        write!(f, "{place}: {}", self.message)?;
        if f.alternate() && !place.text.is_empty() {
            let number = place.line.to_string();
            let indent = " ".repeat(number.len());
            let before = place.text.chars().take(place.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' });
            write!(f, "\n{indent} |\n{number} | {}\n{indent} | ", place.text)?;
            write!(f, "{}{}", before.collect::<String>(), "^".repeat(place.length.max(1)))?;
        }
        Ok(())
    }
}

impl From<TemplateError> for Error {
    fn from(error: TemplateError) -> Error {
        Error::new(ErrorKind::Template, format!("{error:#}"))
    }
}

/// The sources that places refer to, by the engine's name for them.
pub(super) type Sources = BTreeMap<String, Arc<Source>>;

impl TemplateError {
    /// Reads the engine's error: the innermost template that it names, with the author's own places.
    pub(super) fn from_engine(error: &minijinja::Error, sources: &Sources) -> TemplateError {
        let error = innermost(error);
        let source = error.name().and_then(|name| sources.get(name));
        let place = source.map(|source| place(error, source));
        let mut message = describe(error);
        if !matches!(error.kind(), Kind::SyntaxError) {
            message = without_data(&message, source.map_or("", |source| &source.original));
        }
        TemplateError { message, place }
    }

    pub(super) fn at(
        message: impl Into<String>,
        file: &str,
        source: &Source,
        offset: usize,
        length: usize,
    ) -> TemplateError {
        TemplateError { message: message.into(), place: Some(place_at(file, source, offset..offset + length)) }
    }
}

/// The deepest error of the chain that says where it happened.
fn innermost(error: &minijinja::Error) -> &minijinja::Error {
    let mut found = error;
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(cause) = cause.downcast_ref::<minijinja::Error>()
            && cause.name().is_some()
        {
            found = cause;
        }
        next = cause.source();
    }
    found
}

fn place(error: &minijinja::Error, source: &Source) -> Place {
    let file = error.name().unwrap_or_default();
    match error.range() {
        Some(range) => place_at(file, source, source.original_range(range)),
        None => {
            let line = error.line().unwrap_or(1);
            let text = source.original.lines().nth(line - 1).unwrap_or_default().to_owned();
            Place { file: file.to_owned(), line, column: 1, length: text.chars().count(), text }
        }
    }
}

fn place_at(file: &str, source: &Source, range: std::ops::Range<usize>) -> Place {
    let (line, column) = source.position(range.start);
    let text = source.original.lines().nth(line - 1).unwrap_or_default().to_owned();
    let meant = source.original.get(range).unwrap_or_default().lines().next().unwrap_or_default().chars().count();
    Place { file: file.to_owned(), line, column, text, length: meant.max(1) }
}

fn describe(error: &minijinja::Error) -> String {
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        Kind::InvalidOperation | Kind::SyntaxError | Kind::TemplateNotFound if !detail.is_empty() => detail.to_owned(),
        Kind::OutOfFuel => "the template takes more steps than the limit on instructions allows; simplify it, or raise limits.instructions".to_owned(),
        kind if detail.is_empty() => kind.to_string(),
        kind => format!("{kind}: {detail}"),
    }
}

/// The message with everything hidden that is quoted in it but does not stand in the author's source.
fn without_data(message: &str, source: &str) -> String {
    if message.starts_with("unable to calculate") {
        return "unable to calculate: the numbers are too large or of the wrong kind".to_owned();
    }
    let mut shown = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(open) = rest.find(['\'', '"', '`']) {
        let quote = &rest[open..=open];
        let Some(length) = rest[open + 1..].find(quote) else { break };
        let quoted = &rest[open + 1..open + 1 + length];
        let kept = if source.contains(quoted) || is_vocabulary(quoted) { quoted } else { "…" };
        shown.push_str(&rest[..=open]);
        shown.push_str(kept);
        shown.push_str(quote);
        rest = &rest[open + length + 2..];
    }
    shown.push_str(rest);
    shown
}

/// Names that our own messages quote: they are words, never data with punctuation, and known beforehand.
fn is_vocabulary(quoted: &str) -> bool {
    const WORDS: [&str; 12] = [
        "message",
        "campaign",
        "customer",
        "occurrence",
        "cached",
        "per",
        "assign_available",
        "assign",
        "count_available",
        "count_total",
        "-",
        "_",
    ];
    WORDS.contains(&quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_data_is_hidden_and_the_authors_words_are_not() {
        let source = "{{ customer.name|int }} {{ 'x'|round }}";
        assert_eq!(without_data("cannot convert 'ada@example.com' to 'int'", source), "cannot convert '…' to 'int'");
        assert_eq!(without_data("it's 'x'", "'x'"), "it'…'x'");
    }

    #[test]
    fn the_authors_line_is_shown_with_its_mark() {
        let source = Source::new("a.txt", "one\n\ttwo $cst.a.coupon$ {{ três|uper }}\nthree");
        let offset = source.original.find("uper").unwrap();
        let error = TemplateError::at("unknown filter", "sale/body.html", &source, offset, 4);
        assert_eq!(error.to_string(), "sale/body.html, line 2, column 29: unknown filter");
        assert!(
            format!("{error:#}")
                .ends_with("\n2 | \ttwo $cst.a.coupon$ {{ três|uper }}\n  | \t                           ^^^^")
        );
    }
}
