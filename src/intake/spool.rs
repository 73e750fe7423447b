//! Bytes that are kept to be read more than once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// A file without a name: it is gone with the program, however that ends.
#[derive(Debug, Clone)]
pub(super) struct Spool {
    file: Arc<File>,
}

impl Spool {
    /// Keeps at most `limit` bytes; `None` where there are more.
    pub(super) fn fill(bytes: impl Read, limit: u64) -> io::Result<Option<Spool>> {
        let mut file = tempfile::tempfile()?;
        let length = io::copy(&mut bytes.take(limit + 1), &mut file)?;
        Ok((length <= limit).then(|| Spool { file: Arc::new(file) }))
    }

    /// Reads from the start. Several readers do not disturb each other.
    pub(super) fn reader(&self) -> io::Result<SpoolReader> {
        Ok(SpoolReader { file: self.file.clone(), at: 0, length: self.file.metadata()?.len() })
    }
}

impl From<File> for Spool {
    fn from(file: File) -> Spool {
        Spool { file: Arc::new(file) }
    }
}

/// Reads a [`Spool`].
pub(super) struct SpoolReader {
    file: Arc<File>,
    at: u64,
    length: u64,
}

impl SpoolReader {
    pub(super) fn len(&self) -> u64 {
        self.length
    }
}

impl Read for SpoolReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, at)
}

impl Seek for SpoolReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_do_not_disturb_each_other() {
        let spool = Spool::fill(&b"abcdef"[..], 6).unwrap().unwrap();
        let (mut one, mut other) = (spool.reader().unwrap(), spool.reader().unwrap());
        let mut text = String::new();
        other.seek(SeekFrom::End(-2)).unwrap();
        one.read_to_string(&mut text).unwrap();
        other.read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcdefef");
        assert!(other.seek(SeekFrom::Current(-7)).is_err());
    }

    #[test]
    fn keeps_no_more_than_it_may() {
        assert!(Spool::fill(io::repeat(b'a'), 1_000).unwrap().is_none());
    }
}
