//! The keys of callers: shown once, kept as hashes.

mod file;
mod ring;

pub use file::KeyFile;
pub use ring::KeyRing;

use std::fmt::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::de::{Deserializer, Error as _};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::Scope;

/// How every key begins, so that whoever finds one knows what it is.
const PREFIX: &str = "tro";

/// A key as it is kept: who may do what, and the hashes of the secrets that open it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// What commands and logs call it.
    pub id: String,
    /// Whose it is, as an operator called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    secrets: Vec<Secret>,
}

/// The hash of a secret, and until when it opens its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    sha256: Hash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl Key {
    /// A new key, and what its owner is to present: `tro_ID_SECRET`. That is known to nobody afterwards.
    fn generate(name: Option<String>, scopes: Vec<Scope>) -> (Key, String) {
        let id = format!("{:08x}", rand::random::<u32>());
        let mut key = Key { id, name, scopes, created_at: Timestamp::now(), secrets: Vec::new() };
        let presented = key.add_secret();
        (key, presented)
    }

    /// Gives the key a new secret. Those that it had open it until `grace` is over.
    fn rotate(&mut self, grace: Duration) -> String {
        let now = Timestamp::now();
        let end = now.checked_add(grace).unwrap_or(Timestamp::MAX);
        self.secrets.retain(|secret| secret.is_valid(now));
        for secret in &mut self.secrets {
            secret.until = Some(secret.until.map_or(end, |until| until.min(end)));
        }
        self.add_secret()
    }

    fn add_secret(&mut self) -> String {
        let presented = format!("{PREFIX}_{}_{}", self.id, hex(&rand::random::<[u8; 32]>()));
        self.secrets.push(Secret { sha256: Hash::of(&presented), until: None });
        presented
    }

    /// Until when a secret from before opens the key, where there is one.
    pub fn old_secret_until(&self) -> Option<Timestamp> {
        let now = Timestamp::now();
        self.secrets.iter().filter(|secret| secret.is_valid(now)).filter_map(|secret| secret.until).max()
    }

    /// Whether what has this hash opens the key. All secrets are compared, each in constant time.
    fn is_opened_by(&self, presented: &Hash, now: Timestamp) -> bool {
        let opens =
            |secret: &Secret| secret.sha256.0.ct_eq(&presented.0) & Choice::from(u8::from(secret.is_valid(now)));
        self.secrets.iter().fold(Choice::from(0), |opened, secret| opened | opens(secret)).into()
    }
}

impl Secret {
    fn is_valid(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// SHA-256 of a whole key.
#[derive(Clone, PartialEq, Eq)]
struct Hash([u8; 32]);

impl Hash {
    fn of(presented: &str) -> Hash {
        Hash(Sha256::digest(presented).into())
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        unhex(&text).map(Hash).ok_or_else(|| D::Error::custom("a hash is 64 digits of base 16"))
    }
}

/// Hashes are no secrets, but no log needs them.
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let is_hash = text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    for (at, byte) in bytes.iter_mut().enumerate().filter(|_| is_hash) {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    is_hash.then_some(bytes)
}
