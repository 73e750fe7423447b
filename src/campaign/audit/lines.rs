//! The lines of one file; those that cannot be read are named.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::discrepancy::{Discrepancy, Kind};
use crate::error::{ErrorKind, Result};
use crate::intake::{Input, Lines};

/// Reads a file of JSON lines.
pub(super) struct JsonLines {
    file: &'static str,
    /// A missing file has none.
    lines: Option<Lines>,
}

impl JsonLines {
    pub(super) fn open(folder: &Path, file: &'static str) -> Result<JsonLines> {
        let path = folder.join(file);
        let lines = if path.exists() { Some(Input::File(path).open()?) } else { None };
        Ok(JsonLines { file, lines })
    }

    /// The next line that can be read, with its number.
    pub(super) fn next<T: DeserializeOwned>(&mut self, found: &mut Vec<Discrepancy>) -> Result<Option<(u32, T)>> {
        let Some(lines) = &mut self.lines else { return Ok(None) };
        loop {
            let content = match lines.next() {
                Ok(None) => return Ok(None),
                Ok(Some(text)) => parse(text),
                Err(error) if error.kind() == ErrorKind::Io => return Err(error),
                Err(_) => Err(Kind::Broken),
            };
            let line = u32::try_from(lines.line()).unwrap_or(u32::MAX);
            match content {
                Ok(content) => return Ok(Some((line, content))),
                Err(kind) => found.push(Discrepancy::new(kind).at(self.file, line)),
            }
        }
    }
}

/// What a parser says of a line may hold data, so that it is not told.
fn parse<T: DeserializeOwned>(line: &str) -> Result<T, Kind> {
    if line.ends_with('\n') { serde_json::from_str(line).map_err(|_| Kind::Broken) } else { Err(Kind::Cut) }
}
