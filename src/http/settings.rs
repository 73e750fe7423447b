//! What an operator can set: the section `[http]` of `tearoff.toml`.

use serde::Deserialize;

/// How the service listens, and what it lets callers do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// How many bytes the body of one call may have; bodies of imports and batches are streams and have no limit.
    pub body_bytes: usize,
}

impl Default for HttpSettings {
    /// 1 MiB.
    fn default() -> HttpSettings {
        HttpSettings { body_bytes: 1 << 20 }
    }
}
