//! A file of codes that another machine offers.

mod address;
mod download;
mod resolver;

pub(super) use download::{Downloaded, download};

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::format::{Format, extension};
use crate::error::{Error, ErrorKind, Result};

/// A file that another machine offers over HTTPS. What may be secret in its URL, which is everything but the host and the
/// path, is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteFile {
    url: Url,
    reach: Reach,
}

/// Which machines may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Those of the public Internet, over HTTPS.
    Public,
    /// This one, over HTTP.
    Loopback,
}

impl RemoteFile {
    /// A file that this very machine offers over plain HTTP, for tests. No other machine is asked, wherever the server redirects.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the URL is not `http:`, or names a host that is not this machine.
    pub fn on_loopback(url: &str) -> Result<RemoteFile> {
        RemoteFile::new(parse(url)?, Reach::Loopback)
    }

    fn new(url: Url, reach: Reach) -> Result<RemoteFile> {
        let file = RemoteFile { url, reach };
        match (reach, file.url.scheme(), file.url.host()) {
            (Reach::Public, "https", Some(_)) | (Reach::Loopback, "http", Some(_)) => {}
            (Reach::Public, ..) => {
                return Err(file.refused("only https is fetched").with_help(
                    "write https://…; what can be had only otherwise, fetch yourself, and import the file",
                ));
            }
            (Reach::Loopback, ..) => return Err(file.refused("only http is fetched from this machine")),
        }
        // Names are looked up later; an address can be refused at once.
        let address = match file.url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        match address {
            Some(address) if !reach.allows(address) => Err(file.private()),
            _ => Ok(file),
        }
    }

    /// Where a redirect leads from here.
    fn redirected(&self, location: &str) -> Result<RemoteFile> {
        let url = self.url.join(location).map_err(|_| self.refused("it redirects to something that is no URL"))?;
        let same_host =
            url.host() == self.url.host() && url.port_or_known_default() == self.url.port_or_known_default();
        let mut next = RemoteFile::new(url, self.reach)?;
        if same_host && next.url.username().is_empty() && next.url.password().is_none() {
            // Both can be set, since the URL has a host.
            let _ = next.url.set_username(self.url.username());
            let _ = next.url.set_password(self.url.password());
        }
        Ok(next)
    }

    /// The format that the path's name tells, if it tells one.
    fn format(&self) -> Option<Format> {
        extension(self.url.path().as_ref()).and_then(|extension| Format::of_extension(&extension))
    }

    /// The name and password of the URL, as HTTP sends them.
    fn credentials(&self) -> Option<String> {
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let (name, password) = (self.url.username(), self.url.password());
        (!name.is_empty() || password.is_some()).then(|| {
            let both = [decoded(name), b":".to_vec(), decoded(password.unwrap_or_default())].concat();
            format!("Basic {}", STANDARD.encode(both))
        })
    }

    fn refused(&self, problem: impl fmt::Display) -> Error {
        Error::new(ErrorKind::InvalidInput, format!("{self}: {problem}"))
    }

    fn private(&self) -> Error {
        self.refused("the host is not on the public Internet")
            .with_help("fetch the file yourself, and import it: curl -fsS URL | tearoff pool import POOL -")
    }
}

impl Reach {
    fn allows(self, address: std::net::IpAddr) -> bool {
        match self {
            Reach::Public => address::is_public(address),
            Reach::Loopback => address.is_loopback(),
        }
    }
}

fn parse(url: &str) -> Result<Url> {
    Url::parse(url).map_err(|error| {
        // The URL itself may hold a password.
        Error::new(ErrorKind::InvalidInput, format!("the source is no URL: {error}"))
            .with_help("write https://host/path, with special characters as %20 and the like")
    })
}

impl FromStr for RemoteFile {
    type Err = Error;

    fn from_str(url: &str) -> Result<RemoteFile> {
        RemoteFile::new(parse(url)?, Reach::Public)
    }
}

impl fmt::Display for RemoteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.url.scheme(), self.url.host_str().unwrap_or_default())?;
        if let Some(port) = self.url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.url.path())?;
        if self.url.query().is_some() { f.write_str("?…") } else { Ok(()) }
    }
}

impl fmt::Debug for RemoteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteFile({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> Error {
        url.parse::<RemoteFile>().unwrap_err()
    }

    #[test]
    fn shows_no_secrets() {
        let url = "https://ada:secret@shop.example:8443/codes.csv?token=secret#secret";
        let file: RemoteFile = url.parse().unwrap();
        assert_eq!(file.to_string(), "https://shop.example:8443/codes.csv?…");
        assert!(!format!("{file:?}").contains("secret"));
        for url in
            ["http://ada:secret@shop.example/a?secret", "https://ada:secret@10.0.0.1/?secret", "https://ada:secret@/"]
        {
            assert!(!refusal(url).to_string().contains("secret"), "{url}");
        }
    }

    #[test]
    fn only_public_hosts_and_https() {
        for url in ["http://shop.example/a", "ftp://shop.example/a", "file:///etc/passwd"] {
            assert!(refusal(url).to_string().ends_with("only https is fetched"), "{url}");
        }
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/latest",
            "https://192.168.1.1/",
        ] {
            assert!(refusal(url).to_string().ends_with("the host is not on the public Internet"), "{url}");
        }
    }

    #[test]
    fn a_redirect_is_held_to_the_same() {
        let file: RemoteFile = "https://ada:secret@shop.example/a/codes.csv".parse().unwrap();
        let next = file.redirected("../b.csv").unwrap();
        assert_eq!((next.to_string().as_str(), next.url.password()), ("https://shop.example/b.csv", Some("secret")));
        let other = file.redirected("https://other.example/").unwrap();
        assert_eq!((other.url.username(), other.url.password()), ("", None));
        let port = file.redirected("https://shop.example:8443/").unwrap();
        assert_eq!(port.url.password(), None);
        for location in ["http://shop.example/b", "https://10.0.0.1/", "https://", "file:///etc/passwd"] {
            assert!(file.redirected(location).is_err(), "{location}");
        }
    }
}
