//! Arguments of many things as one string: a server takes one long argument much faster than many short ones.

use jiff::Timestamp;

/// Parts of a fixed length, and texts behind their length. The scripts say which follow each other.
#[derive(Debug, Default)]
pub(super) struct Packed(Vec<u8>);

impl Packed {
    /// Three bytes: a count, or a place as `Call::place` gives it.
    pub(super) fn number(&mut self, number: usize) {
        let [.., high, middle, low] = number.to_be_bytes();
        self.0.extend_from_slice(&[high, middle, low]);
    }

    /// Bytes as they are.
    pub(super) fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// At most 255 bytes.
    pub(super) fn short(&mut self, bytes: &[u8]) {
        self.0.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        self.0.extend_from_slice(bytes);
    }

    /// At most 65,535 bytes.
    pub(super) fn text(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// Six bytes: a moment in ms, or 0 for never.
    pub(super) fn moment(&mut self, moment: Option<Timestamp>) {
        let milliseconds = moment.map_or(0, Timestamp::as_millisecond);
        self.0.extend_from_slice(&milliseconds.to_be_bytes()[2..]);
    }
}

impl From<Packed> for Vec<u8> {
    fn from(packed: Packed) -> Vec<u8> {
        packed.0
    }
}
