//! A store on a Redis server, a Cluster, or servers under Sentinel; Valkey speaks the same.
//!
//! `docs/REDIS.md` shows the keys and says what is promised on which set-up. What belongs to a pool lies under one hash tag
//! and is changed by scripts, each in one step; a batch of claims is one call for each pool.

mod address;
mod ask;
mod bucket;
mod by_code;
mod campaigns;
mod chain;
mod chunk;
mod delete;
mod desk;
mod examine;
mod fault;
mod forget;
mod grow;
mod history;
mod import;
mod journal;
mod keys;
mod link;
mod listing;
mod lookup;
mod messages;
mod missing;
mod naive;
mod options;
mod packed;
mod parts;
mod pool;
mod pool_call;
mod ports;
mod project;
mod reconcile;
mod record;
mod recount;
mod redeem;
mod register;
mod registry;
mod reply;
mod reserve;
mod script;
mod settle;
mod shelf;
mod spread;
mod stock;
mod target;
mod void;
mod vouchers;
mod withdraw;

use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use naive::NaiveRedis;
pub use options::RedisOptions;
pub use target::RedisUrl;

use self::keys::ProjectKeys;
use self::link::Link;
use self::messages::MessageBuckets;
use self::pool_call::Buckets;
use self::registry::Sizes;
use crate::error::Result;
use crate::voucher::check_name;

/// A store on Redis. All callers share its connection, and so do its clones.
#[derive(Debug, Clone)]
pub struct RedisStore {
    link: Link,
    keys: ProjectKeys,
    buckets: Arc<Buckets>,
    message_buckets: Arc<MessageBuckets>,
    sizes: Arc<Sizes>,
    options: RedisOptions,
}

impl RedisStore {
    /// Opens the store at `url` for a project.
    ///
    /// # Errors
    /// As [`RedisOptions::open`].
    pub async fn open(url: &str, project: &str) -> Result<RedisStore> {
        RedisOptions::default().open(url, project).await
    }

    /// How many milliseconds the store's clock runs ahead of the server's, as scripts want it.
    fn ahead(&self) -> i64 {
        self.options.ahead.load(Ordering::Relaxed)
    }
}

impl RedisOptions {
    /// Opens the store at `url` for a project.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable) if no server answers;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a wrong URL, password or CA file, and for a server
    /// that cannot be used, such as one that is too old; [`ErrorKind::Refused`](crate::ErrorKind::Refused) for one that is
    /// set up so that codes may be lost or given twice, unless [that is accepted](RedisOptions::accept_loss).
    pub async fn open(self, url: &str, project: &str) -> Result<RedisStore> {
        self.open_at(url.parse()?, project).await
    }

    /// Opens the store at a URL that was read before.
    ///
    /// # Errors
    /// As [`RedisOptions::open`].
    pub async fn open_at(self, url: RedisUrl, project: &str) -> Result<RedisStore> {
        check_name("project", project)?;
        let link = Link::open(url, &self).await?;
        if self.checked {
            examine::admit(&link.impatient(), &self).await?;
        }
        Ok(RedisStore {
            link,
            keys: ProjectKeys::new(project),
            buckets: Arc::default(),
            message_buckets: Arc::default(),
            sizes: Arc::default(),
            options: self,
        })
    }
}
