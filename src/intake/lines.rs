//! Text, line by line.

use std::fmt;
use std::io::{self, BufRead, Read};

use super::invalid;
use crate::error::{Error, ErrorKind, Result};

/// The longest line, in bytes: what has no line ends must not fill the memory.
pub(crate) const LINE_LIMIT: usize = 16 << 20;

const ENCODING_HELP: &str = "save the file as UTF-8; an import can also be told how it is written, with --encoding";

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads UTF-8 line by line and knows where it is. A byte order mark is passed over.
pub(crate) struct Lines {
    name: String,
    source: Box<dyn BufRead + Send>,
    /// Whether which characters the bytes stand for is a guess.
    guessed: bool,
    buffer: Vec<u8>,
    /// Whether the buffer holds a line that was looked at but not yet given out.
    held: bool,
    line: u64,
    bytes: u64,
}

impl Lines {
    /// Reads from `source`; `name` stands in errors.
    pub(crate) fn new(name: impl Into<String>, source: Box<dyn BufRead + Send>) -> Lines {
        Lines { name: name.into(), source, guessed: false, buffer: Vec::new(), held: false, line: 0, bytes: 0 }
    }

    /// Reads text whose encoding is perhaps a guess.
    pub(crate) fn with_guessed_encoding(mut self, guessed: bool) -> Lines {
        self.guessed = guessed;
        self
    }

    /// Whether which characters the bytes stand for is a guess.
    pub(crate) fn is_guessed(&self) -> bool {
        self.guessed
    }

    /// The number of the line given out last, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// How many bytes were given out.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What stands in errors.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The next line with its end, if there is one.
    pub(crate) fn next(&mut self) -> Result<Option<&str>> {
        if !self.held && !self.fill()? {
            return Ok(None);
        }
        self.held = false;
        self.line += 1;
        self.bytes += self.buffer.len() as u64;
        self.text().map(Some)
    }

    /// The next line that is not blank, without giving it out; blank ones before it are.
    pub(crate) fn peek(&mut self) -> Result<Option<&str>> {
        while self.held || self.fill()? {
            self.held = true;
            if !self.buffer.trim_ascii().is_empty() {
                return self.text().map(Some);
            }
            self.next()?;
        }
        Ok(None)
    }

    fn fill(&mut self) -> Result<bool> {
        self.buffer.clear();
        let read = (&mut self.source).take(LINE_LIMIT as u64).read_until(b'\n', &mut self.buffer);
        let length = read.map_err(|error| unreadable(&self.name, self.line + 1, error))?;
        if length == LINE_LIMIT && !self.buffer.ends_with(b"\n") {
            return Err(self.error_at(self.line + 1, "the line does not end within 16 MiB"));
        }
        if self.bytes == 0 && self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.buffer.drain(..BYTE_ORDER_MARK.len());
            self.bytes = BYTE_ORDER_MARK.len() as u64;
        }
        Ok(length > 0)
    }

    fn text(&self) -> Result<&str> {
        let line = self.line + u64::from(self.held);
        match std::str::from_utf8(&self.buffer) {
            Ok(text) if !text.contains('\0') => Ok(text),
            Ok(_) => Err(self.error_at(line, "a NUL byte stands here; this is not text")),
            Err(_) => Err(self.error_at(line, "the text is not UTF-8").with_help(ENCODING_HELP)),
        }
    }

    /// An error of the input at a line.
    pub(crate) fn error_at(&self, line: u64, problem: impl fmt::Display) -> Error {
        Error::new(ErrorKind::InvalidInput, format!("{}:{line}: {problem}", self.name))
    }

    /// An error of the input as a whole.
    pub(crate) fn error(&self, problem: impl fmt::Display) -> Error {
        invalid(&self.name, problem)
    }
}

/// What the system, or whoever unpacks or decodes a text, says about the line that should come next.
pub(super) fn unreadable(name: &str, line: u64, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            invalid(name, "the file ends early").with_help("fetch or export it again: a part is missing")
        }
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            invalid(name, format!("cannot be read from line {line} on: {error}")).with_help(ENCODING_HELP)
        }
        _ => Error::new(ErrorKind::Io, format!("cannot read {name}: {error}")).with_source(error),
    }
}

/// A line without its end, be it of Unix or of Windows.
pub(crate) fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

#[cfg(test)]
pub(crate) fn lines_of(bytes: &[u8]) -> Lines {
    Lines::new("test.csv", Box::new(std::io::Cursor::new(bytes.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_where_it_is() {
        let mut lines = lines_of("\u{feff}a\r\n\n \nb".as_bytes());
        assert_eq!(lines.peek().unwrap(), Some("a\r\n"));
        assert_eq!(lines.line(), 0);
        assert_eq!(lines.next().unwrap(), Some("a\r\n"));
        assert_eq!((lines.line(), lines.bytes()), (1, 6));
        assert_eq!(lines.peek().unwrap(), Some("b"));
        assert_eq!((lines.line(), lines.bytes()), (3, 9));
        assert_eq!(lines.next().unwrap(), Some("b"));
        assert_eq!((lines.line(), lines.bytes()), (4, 10));
        assert_eq!(lines.next().unwrap(), None);
        assert_eq!(lines.peek().unwrap(), None);
    }

    #[test]
    fn names_the_line_that_is_not_utf_8() {
        let mut lines = lines_of(b"a\nb\xe9\n");
        lines.next().unwrap();
        assert_eq!(lines.peek().unwrap_err().to_string(), "test.csv:2: the text is not UTF-8");
        assert_eq!(lines.next().unwrap_err().to_string(), "test.csv:2: the text is not UTF-8");
    }

    #[test]
    fn refuses_what_is_no_text() {
        let mut lines = lines_of(b"a\nb\0\n");
        lines.next().unwrap();
        assert_eq!(lines.next().unwrap_err().to_string(), "test.csv:2: a NUL byte stands here; this is not text");
    }

    #[test]
    fn a_line_without_end_is_an_error() {
        let endless = std::io::BufReader::new(std::io::repeat(b'a'));
        let mut lines = Lines::new("endless", Box::new(endless));
        assert_eq!(lines.next().unwrap_err().to_string(), "endless:1: the line does not end within 16 MiB");
    }
}
