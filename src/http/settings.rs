//! What an operator can set: the section `[http]` of `tearoff.toml`.

use serde::Deserialize;

use super::Network;
use super::cursor::Secret;

/// How the service listens, and what it lets callers do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// How many bytes the body of one call may have; bodies of imports and batches are streams and have no limit.
    pub body_bytes: usize,
    /// How many bytes the parts may have that a message brings along in place of the name of a template.
    pub parts_bytes: usize,
    /// How many bytes a file may have that is imported. It lies in the folder for temporary files meanwhile.
    pub import_bytes: u64,
    /// How many bytes a list of tracked events may have.
    pub events_bytes: usize,
    /// What several servers share, so that each knows the others' cursors. Without it, a cursor is good at the server that gave
    /// it, until that is started anew.
    pub cursor_secret: Option<Secret>,
    /// The proxies in front of the service, which say truly whose call they pass on: `X-Forwarded-For`.
    pub trusted_proxies: Vec<Network>,
}

impl Default for HttpSettings {
    /// 1 MiB; 256 KiB of parts, 1 GiB for an import, 8 MiB for events; no proxies.
    fn default() -> HttpSettings {
        HttpSettings {
            body_bytes: 1 << 20,
            parts_bytes: 256 << 10,
            import_bytes: 1 << 30,
            events_bytes: 8 << 20,
            cursor_secret: None,
            trusted_proxies: Vec::new(),
        }
    }
}
