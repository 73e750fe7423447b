//! Addresses of e-mails: whose they are, and to whom tests may go.

use std::fmt;
use std::str::FromStr;

use lettre::message::Mailbox;
use serde::Deserialize;

use super::{header, invalid};
use crate::error::{Error, Result};

/// An address alone, such as `ada@example.com`. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(lettre::Address);

impl FromStr for Address {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where the text is none; the message does not repeat it.
    fn from_str(text: &str) -> Result<Address> {
        let wrong = || {
            invalid("this is no e-mail address")
                .with_help("write one without a name and in ASCII, such as ada@example.com")
        };
        if !is_printable(text) {
            return Err(wrong());
        }
        text.parse().map(Address).map_err(|_| wrong())
    }
}

/// Mail servers take others only where all on the way know how; a domain has an ASCII form.
fn is_printable(address: &str) -> bool {
    address.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

impl Address {
    pub(super) fn mailbox(&self) -> Mailbox {
        Mailbox::new(None, self.0.clone())
    }

    fn lowered(&self) -> String {
        self.0.to_string().to_lowercase()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// Whose e-mails they are: `Shop <news@example.com>`, or the address alone.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Sender(Mailbox);

impl TryFrom<String> for Sender {
    type Error = Error;

    fn try_from(text: String) -> Result<Sender> {
        let wrong = || {
            invalid("this is no sender; write \"Shop <news@example.com>\", with a name of several parts in \\\"\\\"")
        };
        header::check("From", &text)?;
        let mailbox: Mailbox = text.parse().map_err(|_| wrong())?;
        let is_clean = is_printable(mailbox.email.as_ref()) && !text.chars().any(char::is_control);
        is_clean.then_some(Sender(mailbox)).ok_or_else(wrong)
    }
}

impl Sender {
    pub(super) fn mailbox(&self) -> Mailbox {
        self.0.clone()
    }

    /// Who stands in a file for which nobody is set.
    pub(super) fn nobody() -> Result<Sender> {
        Sender::try_from("tearoff@localhost".to_owned())
    }

    /// The domain that the ids of e-mails end with.
    pub(super) fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

/// To whom tests may go: `ada@example.com`, or with `@example.com` to everybody of exactly this domain.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TestRecipient(String);

impl TryFrom<String> for TestRecipient {
    type Error = Error;

    fn try_from(text: String) -> Result<TestRecipient> {
        let whole = if text.starts_with('@') { format!("everybody{text}") } else { text.clone() };
        let wrong =
            |_| invalid("a test recipient is no address; write \"ada@example.com\", or \"@example.com\" for a domain");
        whole.parse::<Address>().map_err(wrong)?;
        Ok(TestRecipient(text.to_lowercase()))
    }
}

impl TestRecipient {
    pub(super) fn covers(&self, address: &Address) -> bool {
        let lowered = address.lowered();
        match self.0.strip_prefix('@') {
            Some(domain) => lowered.rsplit_once('@').is_some_and(|(_, of)| of == domain),
            None => lowered == self.0,
        }
    }
}

impl fmt::Debug for TestRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestRecipient(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(entry: &str, address: &str) -> bool {
        TestRecipient::try_from(entry.to_owned()).unwrap().covers(&address.parse().unwrap())
    }

    #[test]
    fn an_entry_covers_an_address_or_exactly_a_domain() {
        for (entry, address) in [
            ("ada@example.com", "ada@example.com"),
            ("Ada@Example.com", "ada@EXAMPLE.com"),
            ("@example.com", "ada@example.com"),
            ("@example.com", "\"a@b\"@example.com"),
        ] {
            assert!(covers(entry, address), "{entry} {address}");
        }
        for (entry, address) in [
            ("ada@example.com", "bo@example.com"),
            ("ada@example.com", "ada@example.com.evil.test"),
            ("ada@example.com", "xada@example.com"),
            ("@example.com", "ada@sub.example.com"),
            ("@example.com", "ada@evilexample.com"),
            ("@example.com", "\"ada@example.com\"@evil.test"),
        ] {
            assert!(!covers(entry, address), "{entry} {address}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        let attack = "ada@example.com\r\nBcc: eve@example.com";
        for text in
            ["", "ada", "@example.com", "Ada <ada@example.com>", "a@b c", "ada@example.com,eve@example.com", attack]
        {
            assert_eq!(text.parse::<Address>().unwrap_err().to_string(), "this is no e-mail address", "{text}");
        }
        for text in ["Shop\r\nBcc: x <a@example.com>", "Shop", "a@example.com, b@example.com"] {
            assert!(Sender::try_from(text.to_owned()).is_err(), "{text}");
        }
        for text in ["@", "example.com", "*@example.com\n"] {
            assert!(TestRecipient::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
