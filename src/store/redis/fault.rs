//! What goes wrong on the way to the servers and on them, what may heal it, and how it is told.
//!
//! What a server says about an error may quote keys and arguments, so only its first word, the error's code, is repeated.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use redis::{RedisError, ServerErrorKind};

use super::target::{Layout, RedisUrl};
use crate::error::{Error, ErrorKind};

/// Why an attempt to have a request answered failed.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// A connection cannot be made, or broke, or the server refuses.
    Redis(RedisError),
    /// Fewer replicas than this confirmed that they have what was written.
    Unconfirmed(u32),
    /// No sentinel answers.
    NoSentinel,
    /// The sentinels know no master of that name.
    UnknownMaster,
    /// The server that the sentinels name is no master at the moment.
    NotMaster,
    /// There was no answer in time.
    Late,
}

/// What may heal a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cure {
    /// A new connection, perhaps to another server.
    Connection,
    /// Time.
    Time,
    /// Nothing that could be done here.
    None,
}

impl From<RedisError> for Fault {
    fn from(error: RedisError) -> Fault {
        Fault::Redis(error)
    }
}

impl Fault {
    pub(super) fn cure(&self) -> Cure {
        match self {
            Fault::NoSentinel | Fault::NotMaster | Fault::Late => Cure::Connection,
            Fault::Unconfirmed(_) => Cure::Time,
            Fault::UnknownMaster => Cure::None,
            Fault::Redis(error) => cure(error),
        }
    }

    /// Whether the connection should not be used any more. After a timeout, nothing is known of it.
    pub(super) fn spoils_connection(&self) -> bool {
        self.cure() == Cure::Connection
    }

    /// The error for the caller of the store at `url`.
    pub(super) fn told_of(&self, url: &RedisUrl) -> Error {
        let unavailable = |what: &str| Error::new(ErrorKind::StoreUnavailable, format!("the store at {url} {what}"));
        match self {
            Fault::Redis(error) => tell(error, url),
            Fault::Unconfirmed(replicas) => {
                unavailable(&format!("did not have it confirmed by {replicas} replicas in time"))
                    .with_help("check that so many replicas are connected: 'tearoff doctor' shows how many are")
            }
            Fault::NoSentinel => unavailable("cannot be reached: no sentinel answers").with_help(REACH),
            Fault::NotMaster => unavailable("has no master at the moment").with_help(REACH),
            Fault::Late => unavailable("did not answer in time").with_help(REACH),
            Fault::UnknownMaster => {
                let message = format!("no sentinel of {url} knows a master of that name");
                Error::new(ErrorKind::InvalidInput, message)
                    .with_help("write the hosts of the sentinels, and the name that stands after 'sentinel monitor'")
            }
        }
    }
}

const REACH: &str = "check that the server runs and can be reached from here, and ask again";

/// A server's error without what the server says about it.
fn code(error: &RedisError) -> &str {
    error.code().unwrap_or_default()
}

fn says(error: &RedisError, text: &str) -> bool {
    error.detail().is_some_and(|detail| detail.contains(text))
}

fn cure(error: &RedisError) -> Cure {
    use redis::ErrorKind::{ClusterConnectionNotFound, Io, Parse, Server};
    match error.kind() {
        _ if says(error, "max number of clients") => Cure::Connection,
        _ if untrusted(error) => Cure::None,
        Io | Parse | ClusterConnectionNotFound => Cure::Connection,
        Server(ServerErrorKind::ReadOnly | ServerErrorKind::Moved | ServerErrorKind::Ask) => Cure::Connection,
        Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown,
        ) => Cure::Time,
        _ => match code(error) {
            "UNBLOCKED" => Cure::Connection,
            "BUSY" | "NOREPLICAS" => Cure::Time,
            _ => Cure::None,
        },
    }
}

fn tell(error: &RedisError, url: &RedisUrl) -> Error {
    use ErrorKind::{InvalidInput, StoreCorrupt, StoreUnavailable};
    let told = |kind, what: &str, help: &str| Error::new(kind, format!("the store at {url} {what}")).with_help(help);
    let full = "free some memory or disk space there, or give it more, and ask again";
    match code(error) {
        _ if untrusted(error) => {
            let (what, help) = distrust(error);
            told(InvalidInput, what, help).with_source(io_error(error))
        }
        _ if says(error, "max number of clients") => {
            told(StoreUnavailable, "has too many connections", "raise 'maxclients', or end some of its clients")
        }
        _ if error.kind() == redis::ErrorKind::AuthenticationFailed => refused(url),
        "WRONGPASS" | "NOAUTH" => refused(url),
        "NOPERM" => forbidden(url),
        _ if says(error, "user executing the script") => forbidden(url),
        "WRONGTYPE" => told(
            StoreCorrupt,
            "has something else under one of our keys",
            "keys that begin with 'tearoff:' must be changed by nothing else; use another database, or remove that key",
        ),
        "MOVED" | "ASK" | "CROSSSLOT" if url.layout == Layout::Single => {
            told(InvalidInput, "is a node of a Cluster", "write redis+cluster://HOST:PORT,HOST:PORT,…")
        }
        code @ ("OOM" | "MISCONF") => told(StoreUnavailable, &format!("takes no more data ({code})"), full),
        "NOREPLICAS" => told(
            StoreUnavailable,
            "has fewer replicas than it needs to write (NOREPLICAS)",
            "check its replicas, and 'min-replicas-to-write'",
        ),
        code @ ("LOADING" | "BUSY" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN" | "READONLY" | "MOVED" | "ASK"
        | "UNBLOCKED") => told(StoreUnavailable, &format!("cannot answer at the moment ({code})"), "ask again later"),
        _ if says(error, "cluster support disabled") => told(InvalidInput, "is no Cluster", "write redis://HOST:PORT"),
        _ if error.to_string().contains("switch database") => told(
            InvalidInput,
            "does not let us use that database",
            "check its number, 'databases', and the user's rights",
        ),
        "" => unreachable_server(error, url),
        code => {
            told(StoreCorrupt, &format!("refuses a command ({code})"), "see the server's log, and run 'tearoff doctor'")
        }
    }
}

fn refused(url: &RedisUrl) -> Error {
    let message = format!("the store at {url} does not accept the user and password");
    Error::new(ErrorKind::InvalidInput, message)
        .with_help("write redis://USER:PASSWORD@HOST:PORT, with '%25' for '%' and '%40' for '@'")
}

fn forbidden(url: &RedisUrl) -> Error {
    let message = format!("the store at {url} does not allow its user all commands and keys that are needed");
    Error::new(ErrorKind::InvalidInput, message)
        .with_help("give the user the rights that docs/REDIS.md lists, with 'ACL SETUSER'")
}

fn unreachable_server(error: &RedisError, url: &RedisUrl) -> Error {
    let message = format!("the store at {url} cannot be reached");
    Error::new(ErrorKind::StoreUnavailable, message).with_help(REACH).with_source(io_error(error))
}

/// The cause in the words of this machine.
fn io_error(error: &RedisError) -> io::Error {
    match cause(error) {
        Some(cause) => match certificate_error(cause) {
            Some(certificate) => io::Error::other(certificate.to_string()),
            None => io::Error::new(cause.kind(), cause.to_string()),
        },
        None => io::ErrorKind::NotConnected.into(),
    }
}

fn cause(error: &RedisError) -> Option<&io::Error> {
    let shared = error.source()?.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>()?;
    shared.downcast_ref()
}

fn certificate_error(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?.downcast_ref()?;
    matches!(inner, rustls::Error::InvalidCertificate(_)).then_some(inner)
}

/// Why a certificate is not accepted, and what to do.
fn distrust(error: &RedisError) -> (&'static str, &'static str) {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidForName, NotValidForNameContext};
    match cause(error).and_then(certificate_error) {
        Some(rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. })) => {
            ("has a certificate that has expired", "renew it on the server, and look at this machine's clock")
        }
        Some(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
            ("has a certificate for another name", "write the name in the URL that the certificate is made out to")
        }
        _ => ("has a certificate that is not trusted", "give the CA's with '--ca-file'"),
    }
}

fn untrusted(error: &RedisError) -> bool {
    cause(error).and_then(certificate_error).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_error(line: &str) -> RedisError {
        redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap().extract_error().unwrap_err()
    }

    fn url() -> RedisUrl {
        "redis://ada:secret@host".parse().unwrap()
    }

    #[test]
    fn what_passes_is_retryable_and_what_does_not_is_not() {
        use ErrorKind::{InvalidInput, StoreCorrupt, StoreUnavailable};
        for (line, kind, cure) in [
            ("LOADING Redis is loading the dataset in memory", StoreUnavailable, Cure::Time),
            ("TRYAGAIN Multiple keys request during rehashing of slot", StoreUnavailable, Cure::Time),
            ("CLUSTERDOWN Hash slot not served", StoreUnavailable, Cure::Time),
            ("MASTERDOWN Link with MASTER is down", StoreUnavailable, Cure::Time),
            ("BUSY Redis is busy running a script", StoreUnavailable, Cure::Time),
            ("NOREPLICAS Not enough good replicas to write.", StoreUnavailable, Cure::Time),
            ("READONLY You can't write against a read only replica.", StoreUnavailable, Cure::Connection),
            ("UNBLOCKED force unblock from blocking operation", StoreUnavailable, Cure::Connection),
            ("ERR max number of clients reached", StoreUnavailable, Cure::Connection),
            ("OOM command not allowed when used memory > 'maxmemory'.", StoreUnavailable, Cure::None),
            ("MISCONF Errors writing to the AOF file", StoreUnavailable, Cure::None),
            ("MOVED 7 10.0.0.1:6379", InvalidInput, Cure::Connection),
            ("NOAUTH Authentication required.", InvalidInput, Cure::None),
            ("WRONGPASS invalid username-password pair", InvalidInput, Cure::None),
            ("ERR The user executing the script can't run this command or subcommand", InvalidInput, Cure::None),
            ("NOPERM this user has no permissions to run the 'evalsha' command", InvalidInput, Cure::None),
            ("WRONGTYPE Operation against a key holding the wrong kind", StoreCorrupt, Cure::None),
            ("ERR user_script:7: attempt to index a nil value", StoreCorrupt, Cure::None),
        ] {
            let fault = Fault::Redis(server_error(line));
            assert_eq!((fault.told_of(&url()).kind(), fault.cure()), (kind, cure), "{line}");
        }
        let cluster = "redis+cluster://a".parse().unwrap();
        assert_eq!(tell(&server_error("MOVED 7 10.0.0.1:6379"), &cluster).kind(), StoreUnavailable);
    }

    #[test]
    fn nothing_of_what_a_server_says_is_repeated() {
        for line in ["ERR bad SPR-7Q2K", "WRONGTYPE SPR-7Q2K", "NOPERM SPR-7Q2K", "OOM SPR-7Q2K", "LOADING SPR-7Q2K"] {
            let error = tell(&server_error(line), &url());
            let told = format!("{error} {error:?} {:?} {:?}", error.help(), error.cause());
            assert!(!told.contains("SPR-7Q2K") && !told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn a_broken_connection_is_told_with_its_cause() {
        let error = tell(&io::Error::from(io::ErrorKind::ConnectionRefused).into(), &url());
        assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
        assert_eq!(error.to_string(), "the store at redis://host:6379 cannot be reached");
        assert_eq!(error.cause().unwrap().to_string(), "connection refused");
    }
}
