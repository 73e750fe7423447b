//! Where a Redis store is: URLs of a server, a Cluster, or servers under Sentinel.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

const SERVER_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// Where a Redis store is. Printed, it has no user and no password.
///
/// - `redis://[[user]:password@]host[:port][/database]`
/// - `redis+cluster://[[user]:password@]host[:port],host[:port],…`
/// - `redis+sentinel://[[user]:password@]host[:port],…/master-name[/database]`, where the hosts are the sentinels
///
/// With `rediss` in place of `redis` the connections are encrypted. `%` and two hexadecimal digits stand for a character
/// of a user or password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub(super) layout: Layout,
    pub(super) nodes: Vec<Node>,
    pub(super) tls: bool,
    pub(super) credentials: Option<Credentials>,
    pub(super) database: i64,
}

/// How the servers belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    /// One server.
    Single,
    /// A Cluster; the URL names some of its nodes.
    Cluster,
    /// A master under this name, which sentinels watch.
    Sentinel(String),
}

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) host: String,
    pub(super) port: u16,
}

/// What a server asks of who connects.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: Option<String>,
    pub(super) password: String,
}

impl FromStr for RedisUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<RedisUrl> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("has no '://'"))?;
        let (tls, layout) = match (scheme.strip_prefix("rediss"), scheme.strip_prefix("redis")) {
            (Some(layout), _) => (true, layout),
            (None, Some(layout)) => (false, layout),
            (None, None) => return Err(wrong("has a scheme that is none of Redis")),
        };
        // A password may hold anything, so its end is the last '@'.
        let (user_and_password, place) = match rest.rsplit_once('@') {
            Some((before, place)) => (Some(before), place),
            None => (None, rest),
        };
        if place.contains(['?', '#']) {
            return Err(wrong("has a '?' or '#'; what can be set has options of its own"));
        }
        let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
        let credentials = user_and_password.map(Credentials::parse).transpose()?;
        let (layout, database) = match layout {
            "" => (Layout::Single, database(path)?),
            "+cluster" => (Layout::Cluster, cluster_database(path)?),
            "+sentinel" => sentinel(path)?,
            _ => return Err(wrong("has a scheme that is none of Redis")),
        };
        let port = if matches!(layout, Layout::Sentinel(_)) { SENTINEL_PORT } else { SERVER_PORT };
        let nodes = hosts.split(',').map(|host| Node::parse(host, port)).collect::<Result<Vec<_>>>()?;
        if layout == Layout::Single && nodes.len() > 1 {
            return Err(wrong(
                "names several hosts; a Cluster is redis+cluster://…, and sentinels are redis+sentinel://…",
            ));
        }
        Ok(RedisUrl { layout, nodes, tls, credentials, database })
    }
}

/// What is wrong is told without a piece of the URL: any of it may be a password that was written wrongly.
fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("the store URL {what}")).with_help(
        "write redis://USER:PASSWORD@HOST:PORT/DATABASE, redis+cluster://HOST:PORT,HOST:PORT or \
         redis+sentinel://HOST:PORT,HOST:PORT/MASTER-NAME; with 'rediss' for TLS",
    )
}

fn database(path: &str) -> Result<i64> {
    match path {
        "" => Ok(0),
        number => number.parse::<u16>().map(i64::from).map_err(|_| wrong("has a database that is no number")),
    }
}

fn cluster_database(path: &str) -> Result<i64> {
    match database(path)? {
        0 => Ok(0),
        _ => Err(wrong("names a database, but a Cluster has only one")),
    }
}

fn sentinel(path: &str) -> Result<(Layout, i64)> {
    let (name, number) = path.split_once('/').unwrap_or((path, ""));
    if name.is_empty() {
        return Err(wrong("does not name the master that the sentinels watch"));
    }
    Ok((Layout::Sentinel(decoded(name)?), database(number)?))
}

impl Credentials {
    fn parse(text: &str) -> Result<Credentials> {
        let (user, password) = text.split_once(':').ok_or_else(|| wrong("has a user without a password"))?;
        if password.is_empty() {
            return Err(wrong("has an empty password"));
        }
        let user = (!user.is_empty()).then(|| decoded(user)).transpose()?;
        Ok(Credentials { user, password: decoded(password)? })
    }
}

impl Node {
    fn parse(text: &str, default_port: u16) -> Result<Node> {
        let (host, port) = match text.strip_prefix('[') {
            Some(address) => {
                let (host, rest) = address.split_once(']').ok_or_else(|| wrong("has a '[' without a ']'"))?;
                host.parse::<Ipv6Addr>().map_err(|_| wrong("has brackets around what is no IPv6 address"))?;
                (host, rest.strip_prefix(':').or(rest.is_empty().then_some("")))
            }
            None => match text.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err(wrong("has too many colons; IPv6 addresses stand in brackets"));
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, Some("")),
            },
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(is_name) {
            return Err(wrong("does not name a host where it should"));
        }
        let port = match port {
            Some("") => Some(default_port),
            port => port.and_then(|port| port.parse().ok()).filter(|port| *port > 0),
        };
        Ok(Node { host: host.to_owned(), port: port.ok_or_else(|| wrong("has a port that is none"))? })
    }
}

/// The text with its percent signs resolved.
fn decoded(text: &str) -> Result<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let digits = piece.get(..2).filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or_else(|| wrong("has a '%' without two hexadecimal digits; a '%' itself is '%25'"))?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).map_err(|_| wrong("has a user or password that is no UTF-8"))
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Node { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "rediss" } else { "redis" })?;
        f.write_str(match self.layout {
            Layout::Single => "://",
            Layout::Cluster => "+cluster://",
            Layout::Sentinel(_) => "+sentinel://",
        })?;
        for (index, node) in self.nodes.iter().enumerate() {
            write!(f, "{}{node}", if index == 0 { "" } else { "," })?;
        }
        if let Layout::Sentinel(master) = &self.layout {
            write!(f, "/{master}")?;
        }
        if self.database == 0 { Ok(()) } else { write!(f, "/{}", self.database) }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        url.parse::<RedisUrl>().unwrap().to_string()
    }

    #[test]
    fn a_url_names_one_server_or_many() {
        assert_eq!(shown("redis://localhost"), "redis://localhost:6379");
        assert_eq!(shown("redis://localhost:7000/"), "redis://localhost:7000");
        assert_eq!(shown("rediss://10.0.0.7:7000/3"), "rediss://10.0.0.7:7000/3");
        assert_eq!(shown("redis://[::1]"), "redis://[::1]:6379");
        assert_eq!(shown("redis://[fe80::1]:7000"), "redis://[fe80::1]:7000");
        assert_eq!(shown("redis+cluster://a,b:7001"), "redis+cluster://a:6379,b:7001");
        assert_eq!(shown("rediss+cluster://a:1/0"), "rediss+cluster://a:1");
        assert_eq!(shown("redis+sentinel://a,[::1]:5/shop"), "redis+sentinel://a:26379,[::1]:5/shop");
        assert_eq!(shown("redis+sentinel://a/shop/2"), "redis+sentinel://a:26379/shop/2");
    }

    #[test]
    fn user_and_password_are_decoded_and_never_printed() {
        for (url, user, password) in [
            ("redis://:secret@host", None, "secret"),
            ("redis://ada:secret@host", Some("ada"), "secret"),
            ("redis://a%3Ada:se%40%2Fc%c3%a9t@host", Some("a:da"), "se@/cét"),
            ("redis://ada:s@c/r?t:@host:1/2", Some("ada"), "s@c/r?t:"),
            ("redis+cluster://ada:secret@a,b", Some("ada"), "secret"),
            ("redis+sentinel://ada:secret@a,b/shop", Some("ada"), "secret"),
        ] {
            let parsed: RedisUrl = url.parse().unwrap();
            let credentials = parsed.credentials.as_ref().unwrap();
            assert_eq!((credentials.user.as_deref(), credentials.password.as_str()), (user, password), "{url}");
            for text in [parsed.to_string(), format!("{parsed:?}{credentials:?}")] {
                assert!(!text.contains(password) && !text.contains("ada"), "{text}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_url() {
        for (url, told) in [
            ("redis:secret", "has no '://'"),
            ("redis://secret:secret", "has a port that is none"),
            ("redis://host:0", "has a port that is none"),
            ("redis://host:65536", "has a port that is none"),
            ("redis://[::1]secret", "has a port that is none"),
            ("redis://", "does not name a host where it should"),
            ("redis://sec ret", "does not name a host where it should"),
            ("redis+cluster://a,,b", "does not name a host where it should"),
            ("redis://::1", "has too many colons; IPv6 addresses stand in brackets"),
            ("redis://[::1", "has a '[' without a ']'"),
            ("redis://[secret]", "has brackets around what is no IPv6 address"),
            ("redis://secret@host", "has a user without a password"),
            ("redis://secret:@host", "has an empty password"),
            ("redis://:sec%ret@host", "has a '%' without two hexadecimal digits; a '%' itself is '%25'"),
            ("redis://:secret%ff@host", "has a user or password that is no UTF-8"),
            ("redis://host/secret", "has a database that is no number"),
            ("redis://host/-1", "has a database that is no number"),
            ("redis://host?secret=1", "has a '?' or '#'; what can be set has options of its own"),
            ("rediss://host/#insecure", "has a '?' or '#'; what can be set has options of its own"),
            (
                "redis://a,b",
                "names several hosts; a Cluster is redis+cluster://…, and sentinels are redis+sentinel://…",
            ),
            ("redis+cluster://a/1", "names a database, but a Cluster has only one"),
            ("redis+sentinel://a", "does not name the master that the sentinels watch"),
            ("redis+sentinel://a/shop/secret", "has a database that is no number"),
            ("redis+unix://a", "has a scheme that is none of Redis"),
        ] {
            let error = url.parse::<RedisUrl>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert_eq!(error.to_string(), format!("the store URL {told}"), "{url}");
            assert!(!format!("{error:?}{:?}", error.help()).contains("secret"), "{url}");
        }
    }
}
