//! What an operator can set: the section `[http]` of `tearoff.toml`.

use serde::Deserialize;

/// How the service listens, and what it lets callers do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// How many bytes the body of one call may have; bodies of imports and batches are streams and have no limit.
    pub body_bytes: usize,
    /// How many bytes the parts may have that a message brings along in place of the name of a template.
    pub parts_bytes: usize,
}

impl Default for HttpSettings {
    /// 1 MiB; 256 KiB of parts.
    fn default() -> HttpSettings {
        HttpSettings { body_bytes: 1 << 20, parts_bytes: 256 << 10 }
    }
}
