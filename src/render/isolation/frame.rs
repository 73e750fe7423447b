//! How a message lies on the pipe: its length in four bytes, the greatest first, then the message as MessagePack.
//!
//! MessagePack and not JSON, because half of the time that a pipe costs went into numbers and quotes.

use std::io::{self, BufRead, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;

const LENGTH: usize = size_of::<u32>();

/// The longest message that is read, in bytes: more than any limit of a template lets it be.
pub(super) const LONGEST: u64 = 256 << 20;

/// Adds a message to what is to be written.
pub(super) fn add(written: &mut Vec<u8>, message: &impl Serialize) -> io::Result<()> {
    let start = written.len();
    written.extend([0; LENGTH]);
    rmp_serde::encode::write(written, message).map_err(io::Error::other)?;
    let length = u32::try_from(written.len() - start - LENGTH).map_err(io::Error::other)?;
    written[start..start + LENGTH].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Reads a message, by way of a buffer that is there for the next one.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<T> {
    let mut length = [0; LENGTH];
    from.read_exact(&mut length)?;
    let length = u64::from(u32::from_be_bytes(length)).min(LONGEST);
    buffer.clear();
    from.by_ref().take(length).read_to_end(buffer)?;
    rmp_serde::from_slice(buffer).map_err(io::Error::other)
}

/// Whether these bytes begin with a whole message.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    bytes.split_first_chunk().is_some_and(|(length, message)| message.len() >= u32::from_be_bytes(*length) as usize)
}
