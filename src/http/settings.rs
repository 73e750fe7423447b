//! What an operator can set: the section `[http]` of `tearoff.toml`.

use serde::Deserialize;

use super::Network;

/// How the service listens, and what it lets callers do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// How many bytes the body of one call may have; bodies of imports and batches are streams and have no limit.
    pub body_bytes: usize,
    /// The proxies in front of the service, which say truly whose call they pass on: `X-Forwarded-For`.
    pub trusted_proxies: Vec<Network>,
}

impl Default for HttpSettings {
    /// 1 MiB; no proxies.
    fn default() -> HttpSettings {
        HttpSettings { body_bytes: 1 << 20, trusted_proxies: Vec::new() }
    }
}
