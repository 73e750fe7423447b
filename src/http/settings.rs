//! What an operator can set: the section `[http]` of `tearoff.toml`.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::Network;
use super::cursor::Secret;
use super::origins::Origins;

/// How the service listens, and what it lets callers do. `docs/SERVE.md` describes every key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// The address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The file of the keys.
    pub keys: PathBuf,
    /// How many bytes the body of one call may have; bodies of imports and batches are streams and have no limit.
    pub body_bytes: usize,
    /// How many bytes the parts may have that a message brings along in place of the name of a template.
    pub parts_bytes: usize,
    /// How many bytes a file may have that is imported. It lies in the folder for temporary files meanwhile.
    pub import_bytes: u64,
    /// How many bytes a list of tracked events may have.
    pub events_bytes: usize,
    /// How many bytes the head of a request may have.
    pub header_bytes: NonZeroUsize,
    /// How many connections there may be at a time; others wait until one ends.
    pub connections: NonZeroUsize,
    /// How many seconds a request's head may take, and a connection may be without one.
    pub header_seconds: NonZeroU32,
    /// How many seconds a body may pause.
    pub body_seconds: NonZeroU32,
    /// How many seconds a call may take; imports and batches may take longer.
    pub request_seconds: NonZeroU32,
    /// How many seconds calls have to end when the service is told to stop.
    pub grace_seconds: u32,
    /// The web pages that may make calls from a browser.
    pub cors_origins: Origins,
    /// The proxies in front of the service, which say truly whose call they pass on: `X-Forwarded-For`.
    pub trusted_proxies: Vec<Network>,
    /// What several servers share, so that each knows the others' cursors. Without it, a cursor is good at the server that gave
    /// it, until that is started anew.
    pub cursor_secret: Option<Secret>,
}

impl Default for HttpSettings {
    fn default() -> HttpSettings {
        HttpSettings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            keys: "tearoff.keys.json".into(),
            body_bytes: 1 << 20,
            parts_bytes: 256 << 10,
            import_bytes: 1 << 30,
            events_bytes: 8 << 20,
            header_bytes: NonZeroUsize::MIN.saturating_add((64 << 10) - 1),
            connections: NonZeroUsize::MIN.saturating_add(1023),
            header_seconds: seconds(30),
            body_seconds: seconds(30),
            request_seconds: seconds(30),
            grace_seconds: 30,
            cors_origins: Origins::default(),
            trusted_proxies: Vec::new(),
            cursor_secret: None,
        }
    }
}

const fn seconds(seconds: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(seconds - 1)
}

/// So many seconds.
pub(super) fn span(seconds: NonZeroU32) -> Duration {
    Duration::from_secs(seconds.get().into())
}
