//! A set of small numbers in two bytes.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Set(u16);

impl Set {
    pub fn has(self, item: u8) -> bool {
        self.0 & (1 << item) != 0
    }

    pub fn insert(&mut self, item: u8) {
        self.0 |= 1 << item;
    }

    pub fn remove(&mut self, item: u8) {
        self.0 &= !(1 << item);
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn len(self) -> u32 {
        self.0.count_ones()
    }

    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn iter(self) -> impl DoubleEndedIterator<Item = u8> {
        (0..16).filter(move |&item| self.has(item))
    }
}

impl FromIterator<u8> for Set {
    fn from_iter<I: IntoIterator<Item = u8>>(items: I) -> Self {
        items.into_iter().fold(Self::default(), |mut set, item| {
            set.insert(item);
            set
        })
    }
}
