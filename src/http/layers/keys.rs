//! Signatures of what visitors bring back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use super::settings::VisitorKey;

/// The keys that tokens and cookies are signed with.
#[derive(Debug, Clone, Default)]
pub struct VisitorKeys(Vec<hmac::Key>);

impl VisitorKeys {
    /// These keys: the first one signs, all of them are accepted.
    pub fn new(keys: &[VisitorKey]) -> VisitorKeys {
        VisitorKeys(keys.iter().map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.secret())).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A text with its signature behind a dot; `None` without a key.
    pub(super) fn sign(&self, text: &str) -> Option<String> {
        let signature = hmac::sign(self.0.first()?, text.as_bytes());
        Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The text before the dot, if what stands behind it is its signature under one of the keys.
    pub(super) fn verify<'a>(&self, signed: &'a str) -> Option<&'a str> {
        let (text, signature) = signed.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).ok()?;
        let is_of = |key: &hmac::Key| hmac::verify(key, text.as_bytes(), &signature).is_ok();
        self.0.iter().fold(false, |found, key| is_of(key) | found).then_some(text)
    }
}
