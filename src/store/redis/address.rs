//! Where a thing lies: the hash of its name, the bucket of a growing space, the shard of a registry.
//!
//! Small hashes are packed tightly by the server, so everything that there is one of for each code lies in many hashes of
//! about [`LOAD`] fields. A space grows by one bucket at a time (linear hashing), so that no step is ever long.

use sha1_smol::Sha1;

use crate::voucher::{ClaimKey, Code, CustomerId, MessageId, MessageIdentity};

/// How many fields a bucket has on average.
pub(super) const LOAD: u64 = 64;

/// Over how many hash tags, and so nodes of a Cluster, a project's registry is spread.
pub(super) const SHARDS: u8 = 16;

/// The hash of a name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Hash([u8; 20]);

impl Hash {
    pub(super) fn of(text: &str) -> Hash {
        Hash(Sha1::from(text.as_bytes()).digest().bytes())
    }

    pub(super) fn of_code(code: &Code) -> Hash {
        Hash::of(code.as_str())
    }

    pub(super) fn of_message(message: &MessageId) -> Hash {
        Hash::of(message.as_str())
    }

    pub(super) fn of_customer(customer: &CustomerId) -> Hash {
        Hash::of(customer.as_str())
    }

    /// The first `N` bytes.
    pub(super) fn head<const N: usize>(&self) -> [u8; N] {
        let mut head = [0; N];
        head.copy_from_slice(&self.0[..N]);
        head
    }

    /// The shard of the project's registry.
    pub(super) fn shard(&self) -> u8 {
        self.0[5] % SHARDS
    }

    /// The place in an order in which everything that is ever in one bucket stands together, in a space of whatever size.
    pub(super) fn order(&self) -> u32 {
        u32::from_be_bytes(self.head()).reverse_bits()
    }

    /// The bucket in a space of `buckets`.
    pub(super) fn bucket(&self, buckets: u64) -> u64 {
        bucket(self.head(), buckets)
    }
}

/// Where the registry keeps a code.
///
/// No script has to know it, so it is not a [`Hash`], but what is made quickly: an import asks for millions. It is FNV-1a,
/// with the bits mixed as MurmurHash3 ends, and places a code only: codes themselves are compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot(u64);

impl Spot {
    pub(super) fn of(code: &str) -> Spot {
        let add = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let mix = |hash: u64, factor| (hash ^ (hash >> 33)).wrapping_mul(factor);
        let hash = code.bytes().fold(0xcbf2_9ce4_8422_2325, add);
        let hash = mix(mix(hash, 0xff51_afd7_ed55_8ccd), 0xc4ce_b9fe_1a85_ec53);
        Spot(hash ^ (hash >> 33))
    }

    /// The shard of the project's registry.
    pub(super) fn shard(self) -> u8 {
        (self.0 >> 32) as u8 % SHARDS
    }

    fn head(self) -> u32 {
        self.0 as u32
    }

    /// The same for a spot as [`Hash::order`].
    pub(super) fn order(self) -> u32 {
        self.head().reverse_bits()
    }

    /// The bucket in a space of `buckets`.
    pub(super) fn bucket(self, buckets: u64) -> u64 {
        bucket(self.head().to_be_bytes(), buckets)
    }
}

/// The bucket, in a space of `buckets`, of what hashes to `head`.
pub(super) fn bucket(head: [u8; 4], buckets: u64) -> u64 {
    let hash = u64::from(u32::from_be_bytes(head));
    let whole = 1 << buckets.max(1).ilog2();
    let wide = hash % (2 * whole);
    if wide < buckets { wide } else { hash % whole }
}

/// The bucket that bucket `buckets` is split off when a space of so many buckets grows by one.
pub(super) fn split_from(buckets: u64) -> u64 {
    buckets - (1 << buckets.max(1).ilog2())
}

/// The bucket, in a space of `buckets`, of what stands at a place of [`Spot::order`], and the last place that it holds.
pub(super) fn bucket_at(order: u32, buckets: u64) -> (u64, u32) {
    let bucket = bucket(order.reverse_bits().to_be_bytes(), buckets);
    let whole = 1 << buckets.max(1).ilog2();
    let is_split = bucket >= whole || bucket + whole < buckets;
    let bits = whole.ilog2() + u32::from(is_split);
    (bucket, order | u32::MAX.checked_shr(bits).unwrap_or(0))
}

/// The field under which a claim's key is bound: four bytes of its anchor, then eight of the key.
///
/// The anchor is the customer, for keys of one message what its id says of the customer: see [`anchor_of`]. So everything of
/// a customer lies in one bucket, and who asks with another customer under the same message id meets the same field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Field(pub(super) [u8; 12]);

impl Field {
    fn new(anchor: Hash, key: &str) -> Field {
        let mut field = [0; 12];
        field[..4].copy_from_slice(&anchor.head::<4>());
        field[4..].copy_from_slice(&Hash::of(key).head::<8>());
        Field(field)
    }

    /// The field of what a customer has for good, whatever message asks.
    pub(super) fn of_customer(customer: &CustomerId) -> Field {
        Field::new(Hash::of_customer(customer), &format!("customer:{}", customer.as_str()))
    }

    /// The part that says the bucket.
    pub(super) fn anchor(&self) -> [u8; 4] {
        [self.0[0], self.0[1], self.0[2], self.0[3]]
    }
}

/// The hashes of a message's anchors.
#[derive(Clone, Copy)]
pub(super) struct Anchors {
    /// That of wider keys.
    pub(super) customer: Hash,
    /// That of the message's own keys.
    own: Hash,
}

impl Anchors {
    pub(super) fn of(message: &MessageIdentity) -> Anchors {
        let customer = Hash::of_customer(&message.customer_id);
        let own = anchor_of(&message.message_id);
        Anchors { customer, own: if own == message.customer_id.as_str() { customer } else { Hash::of(own) } }
    }

    /// The field of a claim's key; `via` is the number of the pool that the template names, where another one is asked.
    pub(super) fn field(&self, key: &ClaimKey, via: Option<u64>) -> Field {
        let anchor = if is_own(key) { self.own } else { self.customer };
        match via {
            None => Field::new(anchor, key.as_str()),
            Some(number) => Field::new(anchor, &format!("{number}>{}", key.as_str())),
        }
    }

    /// The field of the pointer to a binding in its customer's bucket, where the binding does not lie there itself.
    pub(super) fn pointer(&self, field: Field) -> Option<Field> {
        pointer(field, self.customer)
    }
}

/// As [`Anchors::pointer`], for a customer's hash.
pub(super) fn pointer(field: Field, customer: Hash) -> Option<Field> {
    let anchor = customer.head::<4>();
    (field.anchor() != anchor).then(|| {
        let mut pointer = field;
        pointer.0[..4].copy_from_slice(&anchor);
        pointer
    })
}

/// The customer in a message id of the usual form `<campaign>/<customer>`; of any other id, the whole.
pub(super) fn anchor_of(message: &MessageId) -> &str {
    let id = message.as_str();
    id.split_once('/').map_or(id, |(_, customer)| customer)
}

/// Whether a key is one of a single message.
fn is_own(key: &ClaimKey) -> bool {
    let key = key.as_str();
    let key = key.strip_prefix("test:").unwrap_or(key);
    key.starts_with("message:") || key.starts_with("occurrence:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_of_a_space_is_used_and_none_beyond() {
        for buckets in [1, 2, 3, 5, 8, 13, 64, 100] {
            let mut used = vec![false; usize::try_from(buckets).unwrap()];
            for n in 0..10_000_u32 {
                used[usize::try_from(bucket(n.to_be_bytes(), buckets)).unwrap()] = true;
            }
            assert!(used.iter().all(|used| *used), "{buckets}");
        }
    }

    #[test]
    fn growing_by_one_moves_things_out_of_one_bucket_only() {
        for buckets in 1..200 {
            for n in 0..2_000_u32 {
                let (before, after) = (bucket(n.to_be_bytes(), buckets), bucket(n.to_be_bytes(), buckets + 1));
                assert!(before == after || (before == split_from(buckets) && after == buckets), "{buckets} {n}");
            }
        }
    }

    #[test]
    fn the_order_passes_each_bucket_once_and_wholly() {
        for buckets in [1, 2, 3, 5, 8, 13, 64, 100] {
            let (mut next, mut seen) = (Some(0_u32), Vec::new());
            while let Some(first) = next {
                let (bucket, last) = bucket_at(first, buckets);
                for order in [first, first + (last - first) / 3, last] {
                    assert_eq!(bucket_at(order, buckets), (bucket, last), "{buckets} {order}");
                }
                seen.push(bucket);
                next = last.checked_add(1);
            }
            seen.sort_unstable();
            assert_eq!(seen, (0..buckets).collect::<Vec<_>>());
        }
    }

    #[test]
    fn codes_of_any_pattern_are_spread_evenly() {
        let patterns: [fn(u64) -> String; 3] =
            [|n| format!("S{n:011}"), |n| n.to_string(), |n| format!("{n:x}-SPRING")];
        for pattern in patterns {
            let (mut shards, mut buckets) = ([0; SHARDS as usize], vec![0; 100]);
            for spot in (0..100_000).map(|n| Spot::of(&pattern(n))) {
                shards[usize::from(spot.shard())] += 1;
                buckets[usize::try_from(spot.bucket(64 + 36)).unwrap()] += 1;
            }
            assert!(shards.iter().all(|count| (5_500..7_000).contains(count)), "{shards:?}");
            // The buckets that are split already are half as full.
            assert!(buckets[36..64].iter().all(|count| (1_350..1_800).contains(count)), "{buckets:?}");
            assert!(buckets[..36].iter().chain(&buckets[64..]).all(|count| (650..920).contains(count)), "{buckets:?}");
        }
    }

    #[test]
    fn the_usual_message_id_lies_with_its_customer() {
        let id = |text: &str| MessageId::new(text).unwrap();
        assert_eq!(anchor_of(&id("spring/c42")), "c42");
        assert_eq!(anchor_of(&id("spring/a/b")), "a/b");
        assert_eq!(anchor_of(&id("0190-uuid")), "0190-uuid");
    }
}
