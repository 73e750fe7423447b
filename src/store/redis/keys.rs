//! The names of all keys.
//!
//! The part in braces is the hash tag: what shares it lies on one node of a Cluster and can be changed in one step. A project
//! name has no colon, and a pool name no `#`.

use crate::voucher::PoolName;

/// The keys of a project as a whole.
#[derive(Debug, Clone)]
pub(super) struct ProjectKeys {
    project: String,
}

impl ProjectKeys {
    pub(super) fn new(project: &str) -> ProjectKeys {
        ProjectKeys { project: project.to_owned() }
    }

    /// Hash: pool name → pool number.
    pub(super) fn pools(&self) -> String {
        format!("tearoff:{{{}}}:pools", self.project)
    }

    /// Hash: chunk number → pool name, line feed, expiry in milliseconds or nothing.
    pub(super) fn chunks(&self) -> String {
        format!("tearoff:{{{}}}:chunks", self.project)
    }

    /// Hash: the last number given to a `pool` and to a `chunk`.
    pub(super) fn numbers(&self) -> String {
        format!("tearoff:{{{}}}:numbers", self.project)
    }

    /// The keys of a pool.
    pub(super) fn pool(&self, pool: &PoolName) -> PoolKeys {
        PoolKeys { prefix: format!("tearoff:{{{}:{pool}}}", self.project) }
    }

    /// The keys of a shard of the registry.
    pub(super) fn shard(&self, shard: u8) -> ShardKeys {
        ShardKeys { prefix: format!("tearoff:{{{}:#{shard}}}", self.project) }
    }
}

/// The keys of one shard of a project's registry.
#[derive(Debug, Clone)]
pub(super) struct ShardKeys {
    prefix: String,
}

impl ShardKeys {
    /// Hash: how many buckets and entries the shard has, and a number that grows whenever its codes change.
    pub(super) fn shard(&self) -> String {
        format!("{}:shard", self.prefix)
    }

    /// List: texts of codes, each with the mark of its chunk.
    pub(super) fn codes(&self, bucket: u64) -> String {
        format!("{}:codes:{bucket}", self.prefix)
    }

    /// Hash: message → state and customer.
    pub(super) fn messages(&self, bucket: u64) -> String {
        format!("{}:messages:{bucket}", self.prefix)
    }
}

/// The keys of one pool.
#[derive(Debug, Clone)]
pub(super) struct PoolKeys {
    prefix: String,
}

/// The keys that every script of a pool declares, in the order in which `prelude.lua` names them.
const FIXED: [&str; 14] = [
    "pool",
    "shelf",
    "tray",
    "reserved",
    "leases",
    "due",
    "groups",
    "limits",
    "campaigns",
    "retired",
    "tests",
    "metadata",
    "pending",
    "journal",
];

impl PoolKeys {
    /// The fixed keys, which every script of a pool declares first.
    pub(super) fn fixed(&self) -> Vec<String> {
        FIXED.iter().map(|name| format!("{}:{name}", self.prefix)).collect()
    }

    /// Hash: settings, tallies, how many buckets there are.
    pub(super) fn pool(&self) -> String {
        format!("{}:pool", self.prefix)
    }

    /// Sorted set by end: available codes in blobs.
    pub(super) fn shelf(&self) -> String {
        format!("{}:shelf", self.prefix)
    }

    /// Sorted set by end: available codes, each by itself.
    pub(super) fn tray(&self) -> String {
        format!("{}:tray", self.prefix)
    }

    /// Hash: field → reservation; lease → the fields that it has reserved.
    pub(super) fn reserved(&self) -> String {
        format!("{}:reserved", self.prefix)
    }

    /// Sorted set by the moment at which they run out: leases.
    pub(super) fn leases(&self) -> String {
        format!("{}:leases", self.prefix)
    }

    /// Sorted set by end: groups.
    pub(super) fn due(&self) -> String {
        format!("{}:due", self.prefix)
    }

    /// Hash: group of what ends together → how many.
    pub(super) fn groups(&self) -> String {
        format!("{}:groups", self.prefix)
    }

    /// Hash: campaign number, 0 for all → how many bindings count for limits.
    pub(super) fn limits(&self) -> String {
        format!("{}:limits", self.prefix)
    }

    /// Hash: chunk number → codes of an import that is not finished.
    pub(super) fn pending(&self) -> String {
        format!("{}:pending", self.prefix)
    }

    /// Hash: code → its metadata as JSON.
    pub(super) fn metadata(&self) -> String {
        format!("{}:metadata", self.prefix)
    }

    /// Hash: campaign id → number.
    pub(super) fn campaigns(&self) -> String {
        format!("{}:campaigns", self.prefix)
    }

    /// Hash: field → binding, those that are assigned.
    pub(super) fn keys(&self, bucket: u64) -> String {
        format!("{}:keys:{bucket}", self.prefix)
    }

    /// Hash: start of a code's hash → anchor of its binding's field, or `v` where it was ended while nobody had it; the same with the
    /// hash of an event → what the event got as answer for the code.
    pub(super) fn codes(&self, bucket: u64) -> String {
        format!("{}:codes:{bucket}", self.prefix)
    }

    /// Sorted set by time: whom the entries of the journal name, each the entry's id, and lines of customer, message and event.
    pub(super) fn names(&self) -> String {
        format!("{}:names", self.prefix)
    }

    /// Stream: what happened, each entry what and to which codes.
    pub(super) fn journal(&self) -> String {
        format!("{}:journal", self.prefix)
    }
}
