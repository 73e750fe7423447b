//! A voucher's code and what comes with it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::PoolName;
use crate::error::{Error, ErrorKind, Result};

/// The longest code, in bytes.
const CODE_LIMIT: usize = 256;

/// What an import knows of a voucher beside its code: one value for each further column.
pub type Metadata = serde_json::Map<String, serde_json::Value>;

/// A voucher's code: what the customer types at the till. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Code(Arc<str>);

impl Code {
    /// Takes a code as it will be shown, 1 to 256 bytes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when it is empty, too long, begins or ends with white space, or holds a character that
    /// cannot be seen. The message does not repeat the code.
    pub fn new(text: impl AsRef<str>) -> Result<Code> {
        let text = text.as_ref();
        match Code::problem(text) {
            None => Ok(Code(text.into())),
            Some(problem) => Err(Error::new(ErrorKind::InvalidInput, format!("the code {problem}"))),
        }
    }

    /// What a preview prints for a pool that has no preview code of its own: `<pool>-preview`.
    pub fn preview_of(pool: &PoolName) -> Code {
        Code(format!("{pool}-preview").into())
    }

    /// A code whose pattern was held to what codes are held to.
    pub(super) fn of_pattern(text: String) -> Code {
        Code(text.into())
    }

    fn problem(text: &str) -> Option<&'static str> {
        if text.is_empty() {
            Some("is empty")
        } else if text.len() > CODE_LIMIT {
            Some("is longer than 256 bytes")
        } else if text.trim() != text {
            Some("begins or ends with white space")
        } else if text.chars().any(is_invisible) {
            Some("holds a control or invisible character")
        } else {
            None
        }
    }

    /// The code, to be shown to its customer.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control, zero-width and text-direction characters: two codes that differ only in these look the same.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

impl TryFrom<String> for Code {
    type Error = Error;
    fn try_from(text: String) -> Result<Code> {
        Code::new(text)
    }
}

impl From<Code> for String {
    fn from(code: Code) -> String {
        code.0.as_ref().to_owned()
    }
}

/// A code with what its message may say about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Voucher {
    /// The code.
    pub code: Code,
    /// When it stops being valid, if ever.
    pub expires_at: Option<Timestamp>,
    /// The further columns of its import.
    pub metadata: Arc<Metadata>,
}

/// A voucher on its way into a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVoucher {
    /// The code, unique over the project.
    pub code: Code,
    /// When it stops being valid; the pool's own `expires_at` ends it earlier.
    pub expires_at: Option<Timestamp>,
    /// The further columns.
    pub metadata: Metadata,
}
