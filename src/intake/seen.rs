//! Which of many things were there before.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

/// A set that remembers a 64-bit hash of each thing: 9 to 18 bytes, however long the thing is.
///
/// Two different things may share a hash. Among a million, the chance that any two do is 1 in 37 million; among ten million,
/// 1 in 370,000.
#[derive(Debug, Clone, Default)]
pub struct Seen(HashSet<u64, BuildHasherDefault<Identity>>);

impl Seen {
    /// Whether `thing` is new; from now on it is not.
    pub fn insert<T: Hash + ?Sized>(&mut self, thing: &T) -> bool {
        self.0.insert(hash(thing))
    }

    /// How many different things there were.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there was nothing yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The hash that stands for `thing`, the same in every run of the program.
pub(crate) fn hash<T: Hash + ?Sized>(thing: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    hasher.finish()
}

/// The hasher of what is a hash already.
#[derive(Debug, Clone, Copy, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voucher::CustomerId;

    #[test]
    fn tells_new_from_seen() {
        let mut seen = Seen::default();
        assert!(seen.is_empty());
        for number in 0..50_000 {
            assert!(seen.insert(&CustomerId::new(format!("c{number}")).unwrap()));
        }
        for number in 0..50_000 {
            assert!(!seen.insert(&CustomerId::new(format!("c{number}")).unwrap()));
        }
        assert_eq!(seen.len(), 50_000);
    }
}
