//! TOML whose errors name file, line, key and remedy.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, ErrorKind, Result};
use crate::render::suggest::did_you_mean;

/// A file's text and what to call it.
pub(super) struct Document {
    name: String,
    text: String,
}

impl Document {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Document> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| {
            let problem = Error::new(ErrorKind::InvalidInput, format!("cannot read {name}: {error}"));
            problem.with_help("check the path").with_source(error)
        })?;
        let text = String::from_utf8(bytes).map_err(|_| {
            let error = Error::new(ErrorKind::InvalidInput, format!("{name}: the text is not UTF-8"));
            error.with_help("save the file as UTF-8")
        })?;
        Ok(Document { name, text })
    }

    /// What the text says.
    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'_>>> {
        let text = self.text.trim_start_matches('\u{feff}');
        DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let help = "the file is written in TOML: name = \"text\", number = 500, and [sections]";
            self.error_at(at, error.message()).with_help(help)
        })
    }

    /// The outermost section.
    pub(super) fn root<'d>(&'d self, table: &'d Spanned<DeTable<'d>>) -> Section<'d> {
        Section { document: self, path: String::new(), table: table.get_ref(), span: 0..0 }
    }

    fn error_at(&self, offset: usize, problem: impl fmt::Display) -> Error {
        let before = self.text.trim_start_matches('\u{feff}').bytes().take(offset);
        let line = before.filter(|byte| *byte == b'\n').count() + 1;
        Error::new(ErrorKind::InvalidInput, format!("{}:{line}: {problem}", self.name))
    }
}

/// A table of a document.
pub(super) struct Section<'d> {
    document: &'d Document,
    path: String,
    table: &'d DeTable<'d>,
    span: Range<usize>,
}

impl<'d> Section<'d> {
    /// Refuses keys other than these.
    pub(super) fn only(&self, known: &[&str]) -> Result<()> {
        match self.table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
            None => Ok(()),
            Some(key) => {
                let name = key.get_ref();
                let error = self.document.error_at(key.span().start, format!("unknown key '{}'", self.full(name)));
                Err(error.with_help(format!(
                    "the keys here are {}{}",
                    known.join(", "),
                    did_you_mean(name, known.iter().copied())
                )))
            }
        }
    }

    /// All keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'d str> {
        self.table.keys().map(|key| key.get_ref().as_ref())
    }

    /// What `key` says, read by `parse`.
    pub(super) fn parse<T>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(moment) => moment.to_string(),
            other => return Err(self.wrong_type(key, value, "text in quotes", other)),
        };
        parse(&text).map(Some).map_err(|error| self.locate(key, value.span(), &error))
    }

    /// What `key` has to say, read by `parse`.
    pub(super) fn require<T>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T>) -> Result<T> {
        self.parse(key, parse)?.ok_or_else(|| {
            let error = self.document.error_at(self.span.start, format!("the key '{}' is missing", self.full(key)));
            error.with_help(format!("add a line {key} = \"…\""))
        })
    }

    /// The whole number of `key`, at least 1.
    pub(super) fn number(&self, key: &str) -> Result<Option<u64>> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let number = match value.get_ref() {
            DeValue::Integer(integer) => u64::from_str_radix(integer.as_str(), integer.radix()).ok(),
            other => return Err(self.wrong_type(key, value, "a whole number", other)),
        };
        match number {
            Some(number) if number > 0 => Ok(Some(number)),
            _ => Err(self.invalid(key, "takes a whole number of 1 or more")),
        }
    }

    /// The section called `key`.
    pub(super) fn section(&self, key: &str) -> Result<Option<Section<'d>>> {
        let Some((name, value)) = self.table.get_key_value(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::Table(table) => {
                Ok(Some(Section { document: self.document, path: self.full(key), table, span: name.span() }))
            }
            other => Err(self.wrong_type(key, value, "a section", other)),
        }
    }

    /// An error of `key`, whose value is not as it should be.
    pub(super) fn invalid(&self, key: &str, problem: &str) -> Error {
        let at = self.table.get(key).map_or(self.span.start, |value| value.span().start);
        self.document.error_at(at, format!("'{}' {problem}", self.full(key)))
    }

    /// The error with its place. What to do about it stays.
    pub(super) fn locate_key(&self, key: &str, error: &Error) -> Error {
        let span = self.table.get_key_value(key).map_or(self.span.clone(), |(name, _)| name.span());
        self.locate(key, span, error)
    }

    fn locate(&self, key: &str, span: Range<usize>, error: &Error) -> Error {
        let located = self.document.error_at(span.start, format!("'{}': {error}", self.full(key)));
        match error.help() {
            Some(help) => located.with_help(help),
            None => located,
        }
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str, found: &DeValue<'_>) -> Error {
        let found = found.type_str();
        let problem = format!("'{}' takes {expected}, not {found}", self.full(key));
        self.document.error_at(value.span().start, problem).with_help(example(key, expected))
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn example(key: &str, expected: &str) -> String {
    match expected {
        "a section" => format!("write [{key}] on a line of its own, and the settings below it"),
        "a whole number" => format!("write {key} = 100, without quotes"),
        _ => format!("write {key} = \"…\""),
    }
}
