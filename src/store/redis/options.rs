//! How a Redis store is opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

/// How a Redis store is opened, and what it is held to.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// Whether settings of the server that may lose or double codes are accepted.
    pub(super) accept_loss: bool,
    /// Whether the server's settings are looked at when the store is opened.
    pub(super) checked: bool,
    /// How many replicas must have a thing before it counts.
    pub(super) replicas: u32,
    /// A file with the certificates (PEM) to trust instead of the usual ones.
    pub(super) ca_file: Option<PathBuf>,
    /// How long a call may take with all its repetitions.
    pub(super) patience: Duration,
    /// How many milliseconds the store's clock runs ahead of the server's.
    pub(super) ahead: Arc<AtomicI64>,
}

impl Default for RedisOptions {
    fn default() -> RedisOptions {
        RedisOptions {
            accept_loss: false,
            checked: true,
            replicas: 0,
            ca_file: None,
            patience: Duration::from_secs(10),
            ahead: Arc::default(),
        }
    }
}

impl RedisOptions {
    /// Accepts settings of the server that may lose or double codes: the promises do not hold then.
    #[must_use]
    pub fn accept_loss(mut self, accept: bool) -> RedisOptions {
        self.accept_loss = accept;
        self
    }

    /// Opens the store without looking at the server's settings, to [examine](crate::voucher::Store::examine) it.
    #[must_use]
    pub fn unchecked(mut self) -> RedisOptions {
        self.checked = false;
        self
    }

    /// Nothing that is settled, imported or set counts before so many replicas have it. None by default.
    #[must_use]
    pub fn replicas(mut self, replicas: u32) -> RedisOptions {
        self.replicas = replicas;
        self
    }

    /// Trusts the certificates of this PEM file for `rediss:` instead of the usual ones.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> RedisOptions {
        self.ca_file = Some(path.into());
        self
    }

    /// How long a call may take with all its repetitions before the store counts as unavailable. 10 seconds by default.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> RedisOptions {
        self.patience = patience;
        self
    }

    /// Lets the store's clock run ahead of the server's by so many milliseconds, for tests that cannot wait.
    #[must_use]
    pub fn ahead(mut self, milliseconds: Arc<AtomicI64>) -> RedisOptions {
        self.ahead = milliseconds;
        self
    }
}
