//! The lines of a body, as they come.

use axum::body::BodyDataStream;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

/// Reads a body line by line and holds no more of it than one line and what came with it.
pub(super) struct Lines {
    body: BodyDataStream,
    limit: usize,
    buffer: BytesMut,
    /// How much of the buffer is known to have no end of a line.
    searched: usize,
    number: u64,
    /// Whether what comes belongs to a line that is too long already.
    skips: bool,
    is_read: bool,
}

/// A line, with its number from 1.
pub(super) struct Line {
    pub(super) number: u64,
    /// Nothing where it is longer than the limit.
    pub(super) text: Option<Bytes>,
}

impl Lines {
    /// Reads lines of at most `limit` bytes.
    pub(super) fn new(body: BodyDataStream, limit: usize) -> Lines {
        Lines { body, limit, buffer: BytesMut::new(), searched: 0, number: 0, skips: false, is_read: false }
    }

    /// Waits for the first bytes: a client that wants to be told to go on, is.
    ///
    /// # Errors
    /// Where the body breaks off.
    pub(super) async fn begin(&mut self) -> Result<(), axum::Error> {
        self.fill().await
    }

    /// The next line that is not blank; nothing at the end. Dropped meanwhile, it loses nothing.
    ///
    /// # Errors
    /// Where the body breaks off.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, axum::Error> {
        loop {
            if let Some(end) = self.end() {
                let text = self.buffer.split_to(end + 1).freeze();
                if let Some(line) = self.line(text.slice(..end)) {
                    return Ok(Some(line));
                }
            } else if self.is_read {
                let rest = self.buffer.split().freeze();
                return Ok(self.line(rest));
            } else {
                self.fill().await?;
            }
        }
    }

    /// Where the first line ends, if it does.
    fn end(&mut self) -> Option<usize> {
        let found = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
        let end = found.map(|end| self.searched + end);
        self.searched = if end.is_some() { 0 } else { self.buffer.len() };
        end
    }

    async fn fill(&mut self) -> Result<(), axum::Error> {
        match self.body.next().await {
            Some(chunk) => self.buffer.extend_from_slice(&chunk?),
            None => self.is_read = true,
        }
        if self.end().is_none() && (self.skips || self.buffer.len() > self.limit) {
            self.skips = true;
            self.buffer.clear();
            self.searched = 0;
        }
        Ok(())
    }

    /// A line with its number; nothing where it is blank.
    fn line(&mut self, text: Bytes) -> Option<Line> {
        self.searched = 0;
        self.number += 1;
        let is_too_long = std::mem::take(&mut self.skips) || text.len() > self.limit;
        let is_blank = text.iter().all(u8::is_ascii_whitespace);
        (is_too_long || !is_blank).then(|| Line { number: self.number, text: (!is_too_long).then_some(text) })
    }
}
