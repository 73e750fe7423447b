//! Arguments that stand for more than their text: `-` for standard input, `@FILE` for a file.

use std::io::Read;

use super::report::in_argument;
use crate::error::{Error, ErrorKind, Result};
use crate::render::Attributes;
use crate::voucher::{Code, CustomerId};

/// Attributes as JSON; `@FILE` reads a file, `@-` standard input. `remedy` says what to write.
pub(super) fn attributes(argument: &str, text: &str, remedy: &str) -> Result<Attributes> {
    let content = match text.strip_prefix('@') {
        Some(file) => read(file).map_err(|error| {
            let message = format!("{argument}: cannot read {file}");
            Error::new(ErrorKind::InvalidInput, message).with_help("check the path after the @").with_source(error)
        })?,
        None => text.to_owned(),
    };
    Attributes::from_json(&content).map_err(|error| in_argument(argument, &error).with_help(remedy))
}

fn read(file: &str) -> std::io::Result<String> {
    match file {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        path => std::fs::read_to_string(path),
    }
}

/// A voucher's code; `-` reads it from standard input.
pub(super) fn code(text: &str) -> Result<Code> {
    Code::new(private(text)?)
}

/// A customer's id; `-` reads it from standard input.
pub(super) fn customer(text: &str) -> Result<CustomerId> {
    CustomerId::new(private(text)?)
}

/// What shall not stand in a shell's history: `-` is the first line of standard input.
fn private(text: &str) -> Result<String> {
    if text != "-" {
        return Ok(text.to_owned());
    }
    let mut line = String::new();
    let unreadable = |error| Error::new(ErrorKind::Io, "standard input cannot be read").with_source(error);
    std::io::stdin().read_line(&mut line).map_err(unreadable)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
