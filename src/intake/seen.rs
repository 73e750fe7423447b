//! Which of many things were there before.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A set that remembers a 64-bit hash of each thing: 9 to 12 bytes, however long the thing is.
///
/// Two different things may share a hash. Among a million, the chance that any two do is 1 in 37 million; among ten million,
/// 1 in 370,000.
#[derive(Debug, Clone)]
pub struct Seen {
    /// One table for each first byte of a hash: a table that grows needs room beside the old one, and a small one needs little.
    tables: Vec<Table>,
    len: usize,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen { tables: vec![Table::default(); 256], len: 0 }
    }
}

impl Seen {
    /// Whether `thing` is new; from now on it is not.
    pub fn insert<T: Hash + ?Sized>(&mut self, thing: &T) -> bool {
        let hash = hash(thing).max(1);
        let is_new = self.tables[(hash >> 56) as usize].insert(hash);
        self.len += usize::from(is_new);
        is_new
    }

    /// How many different things there were.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there was nothing yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The hash that stands for `thing`, the same in every run of the program.
pub(crate) fn hash<T: Hash + ?Sized>(thing: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    hasher.finish()
}

/// A hash table with linear probing that grows by a quarter, where a standard one doubles.
#[derive(Debug, Clone, Default)]
struct Table {
    /// Zero where a slot is free.
    slots: Vec<u64>,
    len: usize,
}

impl Table {
    fn insert(&mut self, hash: u64) -> bool {
        if self.len >= self.slots.len() / 8 * 7 {
            self.grow();
        }
        let slot = self.find(hash);
        let is_new = self.slots[slot] == 0;
        self.slots[slot] = hash;
        self.len += usize::from(is_new);
        is_new
    }

    /// The slot that has `hash`, or the free one where it belongs. Its low half spreads over all slots.
    fn find(&self, hash: u64) -> usize {
        let slots = self.slots.len();
        let mut slot = (((hash & 0xffff_ffff) * slots as u64) >> 32) as usize;
        while self.slots[slot] != 0 && self.slots[slot] != hash {
            slot = if slot + 1 == slots { 0 } else { slot + 1 };
        }
        slot
    }

    fn grow(&mut self) {
        let slots = vec![0; self.slots.len() / 4 * 5 + 16];
        let old = std::mem::replace(&mut self.slots, slots);
        for hash in old.into_iter().filter(|hash| *hash != 0) {
            let slot = self.find(hash);
            self.slots[slot] = hash;
        }
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

    /// Hashes that all want the last slot go round to the first, and are found there again after every growth.
    #[test]
    fn hashes_that_collide_are_told_apart() {
        let mut table = Table::default();
        let hashes: Vec<u64> = (1..1000).map(|n| (n << 32) | 0xffff_ffff).collect();
        assert!(hashes.iter().all(|hash| table.insert(*hash)));
        assert!(hashes.iter().all(|hash| !table.insert(*hash)));
        assert_eq!(table.len, hashes.len());
    }

    #[test]
    fn takes_no_more_room_than_it_says() {
        let mut seen = Seen::default();
        for number in 0..1_000_000_u32 {
            seen.insert(&number);
        }
        let slots: usize = seen.tables.iter().map(|table| table.slots.capacity()).sum();
        assert!((9_000_000..12_000_000).contains(&(slots * 8)), "{} bytes", slots * 8);
    }
}
