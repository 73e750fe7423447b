//! Names and identifiers, checked where they enter.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The longest name of a pool, template, campaign or layer, in bytes.
const NAME_LIMIT: usize = 64;

/// Checks a name of a pool, template, campaign or layer: `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`.
///
/// # Errors
/// [`ErrorKind::InvalidInput`], naming `what` it is the name of and a spelling that would do.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.len() <= NAME_LIMIT && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(allowed) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::InvalidInput, format!("{what} '{}' is not a valid name", shorten(name)));
    let close: String = name.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    let close = close.trim_matches(['-', '_']);
    let close = &close[..close.len().min(NAME_LIMIT)];
    let rule = "use 1 to 64 letters, digits, '-' or '_', starting with a letter or digit";
    Err(error.with_help(if close.is_empty() { rule.into() } else { format!("{rule}, such as '{close}'") }))
}

fn shorten(name: &str) -> String {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(NAME_LIMIT).collect();
    if shown.len() < name.len() { format!("{shown}…") } else { shown }
}

fn check_id(what: &str, id: &str, limit: usize) -> Result<()> {
    let problem = if id.is_empty() {
        "is empty".to_owned()
    } else if id.len() > limit {
        format!("is {} bytes long, more than {limit}", id.len())
    } else if id.chars().any(char::is_control) {
        "has a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidInput, format!("{what} {problem}")))
}

macro_rules! identifier {
    ($(#[$doc:meta])* $type:ident, $check:expr, $debug:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// Takes the text after checking it.
            ///
            /// # Errors
            /// [`ErrorKind::InvalidInput`], saying which rule it breaks.
            pub fn new(text: impl AsRef<str>) -> Result<$type> {
                let text = text.as_ref();
                $check(text)?;
                Ok($type(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $debug(&self.0, f)
            }
        }

        impl TryFrom<String> for $type {
            type Error = Error;
            fn try_from(text: String) -> Result<$type> {
                $type::new(text)
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> String {
                id.0.as_ref().to_owned()
            }
        }
    };
}

fn plain(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    fmt::Debug::fmt(text, f)
}

fn hidden(_: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("…")
}

identifier! {
    /// The name of a pool: `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`.
    PoolName, |text| check_name("pool name", text), plain
}
identifier! {
    /// The id of a campaign: `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`.
    CampaignId, |text| check_name("campaign id", text), plain
}
identifier! {
    /// The id of a customer, 1 to 256 bytes. Often an e-mail address, so `Debug` does not show it.
    CustomerId, |text| check_id("customer id", text, 256), hidden
}
identifier! {
    /// The id of a message, 1 to 512 bytes: its idempotency key. It often holds the customer's id, so `Debug` does not show it.
    MessageId, |text| check_id("message id", text, 512), hidden
}

identifier! {
    /// The id of an event that uses a voucher, 1 to 256 bytes: a purchase, say. `Debug` does not show it.
    EventId, |text| check_id("event id", text, 256), hidden
}
identifier! {
    /// The id of an import: `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`.
    ImportId, |text| check_name("import id", text), plain
}

impl ImportId {
    /// A new id: when it was made, to the second, and some random characters.
    pub fn generate() -> ImportId {
        let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
        ImportId(format!("{now}-{:08x}", rand::random::<u32>()).into())
    }
}

impl EventId {
    /// A new id, for a use that no event tells of.
    pub fn generate() -> EventId {
        EventId(format!("{:032x}", rand::random::<u128>()).into())
    }
}

impl fmt::Display for ImportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
