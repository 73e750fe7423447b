//! What an operator sets: the section `[delivery]` of `tearoff.toml`.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::address::{Address, Sender, TestRecipient};
use super::server::MailServer;
use super::{header, invalid};
use crate::error::{Error, Result};

/// The longest URL, in bytes: a line of an e-mail has 998 at most.
const URL_LIMIT: usize = 900;

/// How test e-mails are delivered, and to whom.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverySettings {
    /// Whose e-mails they are.
    pub from: Option<Sender>,
    /// To whom tests may go; nobody, where it is empty.
    pub test_recipients: Vec<TestRecipient>,
    /// The mail server, where a command names none.
    pub smtp: Option<MailServer>,
    /// Certificates (PEM) of mail servers to trust in place of the usual ones.
    pub ca_file: Option<PathBuf>,
    /// Where a recipient unsubscribes: the header `List-Unsubscribe`.
    pub list_unsubscribe: Vec<UnsubscribeUrl>,
}

impl DeliverySettings {
    /// The address, which must be in the list.
    pub(super) fn recipient(&self, address: &str) -> Result<Address> {
        let address = address.parse()?;
        if self.test_recipients.iter().any(|entry| entry.covers(&address)) {
            return Ok(address);
        }
        let help = "add it to the list 'test_recipients' in the section [delivery] of tearoff.toml";
        Err(invalid("the address is not in the list of those to whom tests may go").with_help(help))
    }

    /// Whose e-mails they are, which must be set.
    pub(super) fn sender(&self) -> Result<&Sender> {
        self.from.as_ref().ok_or_else(|| {
            let help = "set from = \"Shop <news@example.com>\" in the section [delivery] of tearoff.toml";
            invalid("it is not set whose e-mails they are").with_help(help)
        })
    }
}

/// Where a recipient unsubscribes: an https URL that takes a one-click request, or a mailto.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct UnsubscribeUrl(Url);

impl TryFrom<String> for UnsubscribeUrl {
    type Error = Error;

    fn try_from(text: String) -> Result<UnsubscribeUrl> {
        let wrong =
            || invalid("list_unsubscribe takes https and mailto URLs, such as \"mailto:unsubscribe@example.com\"");
        // A URL is read without the line breaks in it.
        header::check("List-Unsubscribe", &text)?;
        let url = Url::parse(&text).map_err(|_| wrong())?;
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ',');
        let is_known = matches!(url.scheme(), "https" | "mailto");
        (is_known && url.as_str().len() <= URL_LIMIT && url.as_str().chars().all(is_plain))
            .then_some(UnsubscribeUrl(url))
            .ok_or_else(wrong)
    }
}

impl UnsubscribeUrl {
    /// Whether a mail program can unsubscribe by one request.
    pub(super) fn takes_one_click(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// As it stands in the header.
    pub(super) fn bracketed(&self) -> String {
        format!("<{}>", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_to_unsubscribe_cannot_break_out_of_its_header() {
        for text in ["http://a.example", "javascript:x", "u", "mailto:a>b", "mailto:a,b", "mailto:ü\u{7f}>"] {
            assert!(UnsubscribeUrl::try_from(text.to_owned()).is_err(), "{text}");
        }
        for text in ["https://a.example/u?x=1\r\nBcc: eve", "https://a.example/\n", "mailto:a@example.com\0"] {
            let error = UnsubscribeUrl::try_from(text.to_owned()).unwrap_err();
            assert!(error.to_string().ends_with("List-Unsubscribe has a line break or a NUL in it"), "{error}");
        }
    }
}
