//! A writer that stops at a limit.

use std::io;

/// Collects what a template prints, up to `limit` bytes.
pub(super) struct Capped {
    bytes: Vec<u8>,
    limit: usize,
    /// Whether something did not fit.
    pub(super) full: bool,
}

impl Capped {
    /// Writes into an empty buffer.
    pub(super) fn new(bytes: Vec<u8>, limit: usize) -> Capped {
        Capped { bytes, limit, full: false }
    }

    /// The buffer, with whatever was printed.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What was printed. The engine prints text, so nothing is lost here.
    pub(super) fn into_text(self) -> String {
        String::from_utf8(self.bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            self.full = true;
            return Err(io::Error::other("the limit on output is reached"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
