//! Redis as a store that the contract is held against: alone, as a Cluster, under Sentinel.
//!
//! Servers take seconds to start, so all tests of the program share them, and each has a project of its own.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tearoff::store::RedisOptions;
use tearoff::voucher::Store;

use crate::fixture::Fixture;
use crate::servers::{Cluster, Sentinel, Server};

/// A way to set Redis up.
pub(crate) trait SetUp: Send + Sync + 'static {
    /// How many replicas must confirm what counts.
    const REPLICAS: u32 = 0;

    /// The URL of the servers, which run from the first call on.
    fn url() -> String;
}

/// A single server.
pub(crate) struct Alone;

impl SetUp for Alone {
    fn url() -> String {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Server::start).url()
    }
}

/// Three masters that share the slots.
pub(crate) struct Clustered;

impl SetUp for Clustered {
    fn url() -> String {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(Cluster::of_masters).url()
    }
}

/// A master and its replica, found through sentinels.
pub(crate) struct Watched;

impl SetUp for Watched {
    const REPLICAS: u32 = 1;

    fn url() -> String {
        static SENTINEL: OnceLock<Sentinel> = OnceLock::new();
        SENTINEL.get_or_init(Sentinel::start).url()
    }
}

/// A store on Redis. Its clock is the server's, turned forward.
pub(crate) struct Redis<S> {
    project: String,
    ahead: Arc<AtomicI64>,
    store: Arc<dyn Store>,
    set_up: PhantomData<S>,
}

async fn open<S: SetUp>(project: &str, ahead: &Arc<AtomicI64>) -> Arc<dyn Store> {
    let options = RedisOptions::default().ahead(ahead.clone()).replicas(S::REPLICAS);
    Arc::new(options.open(&S::url(), project).await.unwrap())
}

impl<S: SetUp> Fixture for Redis<S> {
    const LEASE: Duration = Duration::from_secs(60);

    async fn new() -> Redis<S> {
        static PROJECTS: AtomicUsize = AtomicUsize::new(0);
        let project = format!("c{}", PROJECTS.fetch_add(1, Ordering::Relaxed));
        let ahead = Arc::default();
        let store = open::<S>(&project, &ahead).await;
        Redis { project, ahead, store, set_up: PhantomData }
    }

    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    async fn another(&self) -> Arc<dyn Store> {
        open::<S>(&self.project, &self.ahead).await
    }

    async fn pass(&self, time: Duration) {
        self.ahead.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn now(&self) -> Timestamp {
        let now = Timestamp::now().as_millisecond() + self.ahead.load(Ordering::SeqCst);
        Timestamp::from_millisecond(now).unwrap()
    }
}
