//! Where a mail server is, and how safe the way to it has to be.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use url::Url;

use super::invalid;
use crate::error::{Error, Result};

const KNOWN: &str = "write smtps://USER:PASSWORD@HOST or smtp://USER:PASSWORD@HOST, with a port where it is another, and all \
                     but letters and digits of the user and the password as %XX";

/// A mail server. Neither `Debug` nor `Display` shows who uses it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct MailServer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    /// The user and the password.
    pub(super) credentials: Option<(String, String)>,
}

/// How the way to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    /// From the first byte.
    Always,
    /// By STARTTLS, or nothing is sent.
    Required,
    /// By STARTTLS where the server offers it.
    Opportunistic,
    /// Not at all.
    None,
}

impl FromStr for MailServer {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where the URL is none of a mail server. It holds a
    /// password, so the message repeats no part of it.
    fn from_str(text: &str) -> Result<MailServer> {
        let wrong = |message: &str| invalid(format!("the mail server's URL {message}")).with_help(KNOWN);
        let url = Url::parse(text).map_err(|_| wrong("cannot be read"))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(wrong("has more than a host and a port"));
        }
        let credentials =
            credentials(&url).ok_or_else(|| wrong("has a user without a password, or one that is no text"))?;
        let encryption = match url.scheme() {
            "smtps" if url.query().is_none() => Encryption::Always,
            "smtp" => match url.query() {
                Some("tls=required") => Encryption::Required,
                Some("tls=opportunistic") => Encryption::Opportunistic,
                Some("tls=none") => Encryption::None,
                None if is_of_this_machine(&host) => Encryption::None,
                None if credentials.is_some() => Encryption::Required,
                None => Encryption::Opportunistic,
                Some(_) => return Err(wrong("knows ?tls=required, ?tls=opportunistic and ?tls=none only")),
            },
            "smtps" => return Err(wrong("takes no ?tls= with smtps")),
            _ => return Err(wrong("begins with neither smtp: nor smtps:")),
        };
        let usual = if encryption == Encryption::Always { 465 } else { 587 };
        Ok(MailServer { host, port: url.port().unwrap_or(usual), encryption, credentials })
    }
}

/// The user and the password, where there are any; nothing where they make no sense.
fn credentials(url: &Url) -> Option<Option<(String, String)>> {
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        (!text.is_empty() && !text.contains('\0')).then(|| text.into_owned())
    };
    match (url.username(), url.password()) {
        ("", None) => Some(None),
        (user, Some(password)) => Some(Some((decoded(user)?, decoded(password)?))),
        (_, None) => None,
    }
}

/// What is sent to this machine itself cannot be read on the way.
fn is_of_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl TryFrom<String> for MailServer {
    type Error = Error;

    fn try_from(text: String) -> Result<MailServer> {
        text.parse()
    }
}

impl fmt::Display for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MailServer { host, port, .. } = self;
        if host.contains(':') {
            write!(f, "the mail server [{host}]:{port}")
        } else {
            write!(f, "the mail server {host}:{port}")
        }
    }
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailServer({self}, {:?})", self.encryption)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_leaves_this_machine_encrypted_only() {
        use Encryption::{Always, None, Opportunistic, Required};
        for (url, port, encryption) in [
            ("smtps://mail.example.com", 465, Always),
            ("smtps://u:p@mail.example.com:2465", 2465, Always),
            ("smtp://u:p@mail.example.com", 587, Required),
            ("smtp://mail.example.com:25", 25, Opportunistic),
            ("smtp://u:p@mail.example.com?tls=opportunistic", 587, Opportunistic),
            ("smtp://mail.example.com/?tls=required", 587, Required),
            ("smtp://mailpit:1025?tls=none", 1025, None),
            ("smtp://u:p@127.0.0.1:1025", 1025, None),
            ("smtp://LOCALHOST:1025", 1025, None),
            ("smtp://[::1]:1025", 1025, None),
            ("smtp://localhost.example.com", 587, Opportunistic),
        ] {
            let server: MailServer = url.parse().unwrap();
            assert_eq!((server.port, server.encryption), (port, encryption), "{url}");
        }
    }

    #[test]
    fn a_user_and_a_password_may_have_any_character() {
        let server: MailServer = "smtps://ada%40example.com:p%3A%2F%40%C3%BC@mail.example.com".parse().unwrap();
        assert_eq!(server.credentials, Some(("ada@example.com".into(), "p:/@ü".into())));
        assert_eq!(format!("{server} {server:?}").matches("ada").count(), 0);
        assert_eq!(server.to_string(), "the mail server mail.example.com:465");
    }

    #[test]
    fn a_url_of_something_else_is_refused_without_its_password() {
        for url in [
            "",
            "mail.example.com:25",
            "http://ada:SECRET@mail.example.com",
            "smtp://",
            "smtp:mail.example.com",
            "smtp://ada@mail.example.com",
            "smtp://ada:SECRET@mail.example.com/helo",
            "smtp://ada:SECRET@mail.example.com?tls=maybe",
            "smtps://ada:SECRET@mail.example.com?tls=none",
            "smtp://ada:SECRET%FF@mail.example.com",
            "smtp://ada:SECRET@mail.example.com:port",
            "smtp://ada:SEC/RET@mail.example.com",
        ] {
            let error = url.parse::<MailServer>().unwrap_err();
            assert!(error.to_string().starts_with("the mail server's URL "), "{error}");
            assert!(!format!("{error:?} {:?}", error.cause()).contains("SEC"), "{error:?}");
        }
    }
}
