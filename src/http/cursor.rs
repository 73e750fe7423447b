//! Places in a list of vouchers, sealed: a place is a code, and no code stands in an address.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::error::Unspecified;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Code, PoolName};

/// The shortest secret, in bytes.
const SHORTEST: usize = 32;

/// A secret of the configuration. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Secret(String);

impl TryFrom<String> for Secret {
    type Error = String;

    fn try_from(text: String) -> Result<Secret, String> {
        match text.len() {
            SHORTEST.. => Ok(Secret(text)),
            _ => Err(format!("the secret is shorter than {SHORTEST} bytes; `openssl rand -hex 32` makes one")),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Makes cursors, and reads its own.
#[derive(Clone)]
pub(super) struct Cursors {
    key: [u8; 32],
}

impl Cursors {
    /// Those of everybody who has the secret; without one, nobody else's.
    pub(super) fn new(secret: Option<&Secret>) -> Cursors {
        let key = match secret {
            Some(Secret(secret)) => Sha256::new_with_prefix("tearoff cursor\0").chain_update(secret).finalize().into(),
            None => rand::random(),
        };
        Cursors { key }
    }

    fn key(&self) -> Result<LessSafeKey, Unspecified> {
        UnboundKey::new(&CHACHA20_POLY1305, &self.key).map(LessSafeKey::new)
    }

    /// The place behind a code of a pool.
    pub(super) fn seal(&self, pool: &PoolName, after: &Code) -> Result<String> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = after.as_str().as_bytes().to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key()
            .and_then(|key| key.seal_in_place_append_tag(unique, Aad::from(pool.as_str()), &mut sealed))
            .map_err(|_| Error::new(ErrorKind::Io, "the cursor cannot be sealed"))?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// The code behind which a place of this pool lies.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for what is no cursor, or another pool's, or one that was sealed by somebody else.
    pub(super) fn open(&self, pool: &PoolName, cursor: &str) -> Result<Code> {
        self.opened(pool, cursor).ok_or_else(unknown)
    }

    fn opened(&self, pool: &PoolName, cursor: &str) -> Option<Code> {
        let mut bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let code = self.key().ok()?.open_in_place(nonce, Aad::from(pool.as_str()), sealed).ok()?;
        Code::new(std::str::from_utf8(code).ok()?).ok()
    }
}

/// A cursor that leads nowhere.
pub(super) fn unknown() -> Error {
    Error::new(ErrorKind::InvalidInput, "the cursor is not known, or no longer").with_help("begin without a cursor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_by_who_has_the_secret_and_for_its_pool_alone() {
        let secret = Secret::try_from("0123456789abcdef0123456789abcdef".to_owned()).unwrap();
        let (one, other) = (Cursors::new(Some(&secret)), Cursors::new(Some(&secret)));
        let (spring, vip) = (PoolName::new("spring").unwrap(), PoolName::new("vip").unwrap());
        let code = Code::new("SPR-1").unwrap();
        let cursor = one.seal(&spring, &code).unwrap();
        assert!(!cursor.contains("SPR") && other.open(&spring, &cursor).unwrap() == code);
        assert_ne!(cursor, one.seal(&spring, &code).unwrap(), "no two look alike");
        assert!(other.open(&vip, &cursor).is_err());
        assert!(Cursors::new(None).open(&spring, &cursor).is_err());
        for broken in ["", "x", "AAAA", &cursor[1..], &format!("{cursor}A"), "ä"] {
            assert_eq!(one.open(&spring, broken).unwrap_err().kind(), ErrorKind::InvalidInput, "{broken}");
        }
    }

    #[test]
    fn a_secret_is_long_and_not_shown() {
        assert!(Secret::try_from("short".to_owned()).is_err());
        let secret = Secret::try_from("s".repeat(32)).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
