//! Why a message could not be rendered, and where in its template.

use std::fmt;

use minijinja::{Environment, ErrorKind as Kind};

use super::jinja::names;
use super::source::Source;
use super::sources::Sources;
use super::suggest::did_you_mean;
use super::vouchers::METHODS;
use crate::error::{Error, ErrorKind};
use crate::voucher::PoolName;

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

impl Place {
    fn meant(&self) -> &str {
        let at = |character: usize| self.text.char_indices().nth(character).map_or(self.text.len(), |(at, _)| at);
        &self.text[at(self.column - 1)..at(self.column - 1 + self.length)]
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}, column {}", self.file, self.line, self.column)
    }
}

const OUT_OF_STEPS: &str =
    "the template takes more steps than the limit on instructions allows; simplify it, or raise limits.instructions";
const NESTED: &str =
    "includes, macros or loops nest deeper than the limit allows; simplify them, or raise limits.nesting";

/// An error of a template. Its text is the author's own; no customer's data is in it.
///
/// Printed with `{}`, it is one line; with `{:#}`, the author's line stands below it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
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
        Error::new(ErrorKind::Template, format!("{error:#}")).with_source(error)
    }
}

impl TemplateError {
    /// Reads the engine's error: the innermost template that it names, with the author's own places.
    pub(super) fn from_engine(
        error: &minijinja::Error,
        environment: &Environment<'_>,
        sources: &Sources,
    ) -> TemplateError {
        let error = innermost(error);
        let source = error.name().and_then(|name| sources.files.get(name));
        let place = source.map(|source| place(error, source));
        let meant = place.as_ref().map_or("", Place::meant);
        let message = unknown_name(error, meant, environment, sources).unwrap_or_else(|| {
            let message = describe(error);
            match error.kind() {
                Kind::SyntaxError => message,
                _ => without_data(&message, source.map_or("", |source| &source.original)),
            }
        });
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

/// Why a message cannot be rendered. Printed, it is one line, and with `{:#}` shows the author's line, as [`TemplateError`] does.
#[derive(Debug, Clone, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum Failure {
    /// Its template is wrong.
    Template(TemplateError),
    /// It prints more than its limit.
    OutputTooLarge(TemplateError),
    /// Its template says so, perhaps with a reason.
    Aborted(Option<String>),
    /// It names a pool that there is not. Only a preview says so; for the others, the store does.
    UnknownPool(PoolName, TemplateError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Template(error) | Failure::OutputTooLarge(error) | Failure::UnknownPool(_, error) => {
                fmt::Display::fmt(error, f)
            }
            Failure::Aborted(reason) => f.write_str(reason.as_deref().unwrap_or("the template aborted")),
        }
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

/// What is said of a name that does not exist, with the nearest one that does.
fn unknown_name(
    error: &minijinja::Error,
    meant: &str,
    environment: &Environment<'_>,
    sources: &Sources,
) -> Option<String> {
    // Of a name that is an argument, as in map('uper'), the engine says no more than that there is one.
    let detail = error.detail().unwrap_or_default();
    let named = |before: &str| {
        if detail.is_empty() { quoted(meant) } else { detail.strip_prefix(before)?.strip_suffix(" is unknown") }
    };
    let (what, name, known) = match error.kind() {
        Kind::UnknownFilter => ("filter", named("filter ")?, names::filters(environment)),
        Kind::UnknownTest => ("test", named("test ")?, names::tests(environment)),
        Kind::UnknownFunction => ("function", named("")?, names::functions(environment)),
        Kind::TemplateNotFound => return not_found(detail, sources),
        Kind::UnknownMethod => return of_no_pool(detail),
        _ => return None,
    };
    Some(format!("there is no {what} '{name}'{}", did_you_mean(name, known.iter().map(String::as_str))))
}

fn not_found(detail: &str, sources: &Sources) -> Option<String> {
    let path = quoted(detail)?;
    let shown = if sources.quotes(path) { path } else { "…" };
    Some(format!("there is no file '{shown}' to include{}", sources.did_you_mean(path)))
}

/// `vouchers.spring-vip.assign()` subtracts what `vip.assign()` gives from a pool.
fn of_no_pool(detail: &str) -> Option<String> {
    let method = METHODS.into_iter().filter(|method| detail.contains(method)).max_by_key(|method| method.len())?;
    Some(format!("there is no pool here that has {method}(); a name with a dash is written vouchers['spring-vip']"))
}

/// The first text in quotes.
fn quoted(text: &str) -> Option<&str> {
    let open = text.find(['\'', '"'])?;
    text[open + 1..].split(&text[open..=open]).next()
}

fn describe(error: &minijinja::Error) -> String {
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        Kind::OutOfFuel => OUT_OF_STEPS.to_owned(),
        Kind::InvalidOperation if detail == "recursion limit exceeded" => NESTED.to_owned(),
        Kind::InvalidOperation | Kind::SyntaxError if !detail.is_empty() => detail.to_owned(),
        kind if detail.is_empty() => kind.to_string(),
        kind => format!("{kind}: {detail}"),
    }
}

/// The message without what is quoted in it, unless the author wrote it. What stands in backticks is a name of the engine's,
/// except that of an argument, which may be a key of data.
fn without_data(message: &str, source: &str) -> String {
    if message.starts_with("unable to calculate") {
        return "unable to calculate: the numbers are too large or of the wrong kind".to_owned();
    }
    let quotes = if message.contains("keyword argument `") { "'\"`" } else { "'\"" };
    quotes.chars().fold(message.to_owned(), |message, quote| without_quoted(&message, quote, source))
}

/// Data may hold quotes itself, so that nobody can tell where it ends: unless all is known, all is hidden.
fn without_quoted(message: &str, quote: char, source: &str) -> String {
    let known = |words: &str| !words.is_empty() && (source.contains(words) || is_vocabulary(words));
    match (message.find(quote), message.rfind(quote)) {
        (Some(open), Some(close)) if open < close => {
            let quoted = message[open + 1..close].split(quote);
            if quoted.clone().count() % 2 == 1 && quoted.step_by(2).all(known) {
                return message.to_owned();
            }
            format!("{}…{}", &message[..=open], &message[close..])
        }
        _ => message.to_owned(),
    }
}

/// Names that our own messages quote: they are words, never data with punctuation, and known beforehand.
fn is_vocabulary(quoted: &str) -> bool {
    const WORDS: [&str; 14] = [
        "message",
        "campaign",
        "customer",
        "occurrence",
        "cached",
        "per",
        "caller",
        "assign_available",
        "assign",
        "count_available",
        "count_total",
        "-",
        "_",
        " ",
    ];
    WORDS.contains(&quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_data_is_hidden_and_the_authors_words_are_not() {
        let source = "{{ customer.name|int }} {{ 'x'|round }}";
        for (message, shown) in [
            ("cannot convert 'ada@example.com' to 'int'", "cannot convert '…'"),
            ("there is no 'name' in 'customer'", "there is no 'name' in 'customer'"),
            ("'x' is not 'O'Brien'", "'…'"),
            ("not ''Brien'", "not '…'"),
            ("not \"O'Brien's\"", "not \"…\""),
            ("a quote's end", "a quote's end"),
            ("unknown keyword argument `ada@example.com`", "unknown keyword argument `…`"),
            ("unknown keyword argument `name`", "unknown keyword argument `name`"),
        ] {
            assert_eq!(without_data(message, source), shown);
        }
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
