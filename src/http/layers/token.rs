//! Visitor tokens: the shop's backend says who looks at its page.
//!
//! A token is `base64url(JSON) + "." + base64url(HMAC-SHA256(secret, base64url(JSON)))`. It names no algorithm, so that nobody
//! can ask for another one.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Number, Value};

use super::keys::VisitorKeys;
use crate::error::{Error, ErrorKind, Result};
use crate::render::{Attributes, Field};
use crate::voucher::{CustomerId, check_name};

/// The longest token, in bytes.
const LONGEST: usize = 4096;

/// What a token says: who looks at which layer, and until when that is true.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    layer: String,
    #[serde(deserialize_with = "text_or_integer")]
    customer: CustomerId,
    /// In seconds since 1970.
    exp: Number,
    /// What templates may know of the customer.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").field("layer", &self.layer).finish_non_exhaustive()
    }
}

impl Visit {
    /// A customer's visit to a layer, from now on.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the layer's name is none.
    pub fn new(layer: &str, customer: CustomerId, valid_for: Duration) -> Result<Visit> {
        check_name("layer name", layer)?;
        let exp = Timestamp::now().as_second().saturating_add_unsigned(valid_for.as_secs());
        Ok(Visit { layer: layer.to_owned(), customer, exp: exp.into(), attributes: Map::new() })
    }

    /// Adds what templates may know of the customer.
    #[must_use]
    pub fn with_attributes(mut self, attributes: Map<String, Value>) -> Visit {
        self.attributes = attributes;
        self
    }

    /// The token that says so.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where there is no key to sign with, or the token is longer than 4096 bytes.
    pub fn token(&self, keys: &VisitorKeys) -> Result<String> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let token = keys.sign(&URL_SAFE_NO_PAD.encode(json)).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "there is no key to sign the token with")
                .with_help("set TEAROFF_VISITOR_SECRET, or keys in the section [visitors] of tearoff.toml")
        })?;
        if token.len() > LONGEST {
            let message = format!("the token has {} bytes, more than {LONGEST}", token.len());
            return Err(Error::new(ErrorKind::InvalidInput, message).with_help("leave attributes out"));
        }
        Ok(token)
    }

    /// What a token says, if a key signed it for this layer and it is still true.
    pub(super) fn read(token: &str, layer: &str, keys: &VisitorKeys, now: Timestamp) -> Option<Visit> {
        if token.len() > LONGEST {
            return None;
        }
        let json = URL_SAFE_NO_PAD.decode(keys.verify(token)?.trim_end_matches('=')).ok()?;
        let visit: Visit = serde_json::from_slice(&json).ok()?;
        let is_true = visit.layer == layer && visit.exp.as_f64()? > now.as_second() as f64;
        is_true.then_some(visit)
    }

    /// Who looks.
    pub(super) fn customer(&self) -> &CustomerId {
        &self.customer
    }

    /// `customer.…` of the template.
    pub(super) fn attributes(&self) -> Attributes {
        Attributes::from_map(&self.attributes).with("id", Field::text(self.customer.as_str()))
    }
}

/// Ids of databases are often numbers.
fn text_or_integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CustomerId, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) if !number.is_f64() => number.to_string(),
        _ => return Err(serde::de::Error::custom("the customer is neither text nor an integer")),
    };
    CustomerId::new(text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::super::settings::VisitorKey;
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210";

    fn keys(secrets: &[&str]) -> VisitorKeys {
        let keys: Vec<_> = secrets.iter().map(|secret| VisitorKey::new("k", *secret).unwrap()).collect();
        VisitorKeys::new(&keys)
    }

    fn token(secret: &str) -> String {
        let visit = Visit::new("spring", CustomerId::new("c42").unwrap(), Duration::from_secs(60)).unwrap();
        visit.token(&keys(&[secret])).unwrap()
    }

    fn read(token: &str, secrets: &[&str]) -> Option<String> {
        let visit = Visit::read(token, "spring", &keys(secrets), Timestamp::now())?;
        Some(visit.customer().as_str().to_owned())
    }

    /// A token as another language would make it.
    fn signed(json: &str) -> String {
        keys(&[SECRET]).sign(&URL_SAFE_NO_PAD.encode(json)).unwrap()
    }

    #[test]
    fn a_token_says_who_looks() {
        assert_eq!(read(&token(SECRET), &[SECRET]).as_deref(), Some("c42"));
    }

    #[test]
    fn a_key_that_is_being_replaced_is_accepted_still() {
        assert_eq!(read(&token(SECRET), &[OTHER, SECRET]).as_deref(), Some("c42"));
        assert_eq!(read(&token(SECRET), &[OTHER]), None);
        assert_eq!(read(&token(SECRET), &[]), None);
    }

    #[test]
    fn no_character_of_a_token_can_be_changed() {
        let token = token(SECRET);
        for at in 0..token.len() {
            for other in ["A", "B", "_", "=", ".", ""] {
                let mut changed = token.clone();
                changed.replace_range(at..=at, other);
                assert!(changed == token || read(&changed, &[SECRET]).is_none(), "{at}: {other}");
            }
        }
    }

    #[test]
    fn a_token_without_a_signature_is_none() {
        let payload = token(SECRET).split('.').next().unwrap().to_owned();
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        for token in [payload.clone(), format!("{payload}."), format!("{header}.{payload}."), String::new()] {
            assert_eq!(read(&token, &[SECRET]), None, "{token}");
        }
    }

    #[test]
    fn a_token_holds_for_its_layer_and_its_time() {
        let read = |json: &str| read(&signed(json), &[SECRET]);
        assert_eq!(read(r#"{"layer":"spring","customer":"c1","exp":99999999999}"#).as_deref(), Some("c1"));
        assert_eq!(read(r#"{"layer":"autumn","customer":"c1","exp":99999999999}"#), None);
        assert_eq!(read(r#"{"layer":"spring","customer":"c1","exp":1}"#), None);
        assert_eq!(read(r#"{"layer":"spring","customer":"c1"}"#), None);
        assert_eq!(read(r#"{"layer":"spring","customer":"","exp":99999999999}"#), None);
    }

    #[test]
    fn what_languages_write_by_themselves_is_understood() {
        // A number as the id, a fraction as the time, padding at the end.
        let json = r#"{"layer":"spring","customer":42,"exp":99999999999.25}"#;
        assert_eq!(read(&signed(json), &[SECRET]).as_deref(), Some("42"));
        let padded = base64::engine::general_purpose::URL_SAFE
            .encode(r#"{"layer":"spring","customer":"c1","exp":999999999999}"#);
        assert!(padded.ends_with('='));
        let token = keys(&[SECRET]).sign(&padded).unwrap() + "=";
        assert_eq!(read(&token, &[SECRET]).as_deref(), Some("c1"));
    }

    #[test]
    fn a_token_that_is_too_long_is_neither_made_nor_read() {
        let long = Map::from_iter([("note".to_owned(), Value::from("x".repeat(LONGEST)))]);
        let visit = Visit::new("spring", CustomerId::new("c1").unwrap(), Duration::from_secs(60)).unwrap();
        assert!(visit.with_attributes(long).token(&keys(&[SECRET])).is_err());
        let json = format!(
            r#"{{"layer":"spring","customer":"c1","exp":9999999999,"attributes":{{"x":"{}"}}}}"#,
            "x".repeat(LONGEST)
        );
        assert_eq!(read(&signed(&json), &[SECRET]), None);
    }
}
