//! The stores that the contract is held against.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tearoff::store::{Clock, GeneratingStore, Options};
use tearoff::voucher::Store;
use tempfile::TempDir;

use crate::canary::listen;

/// An empty store, and the time by which it lives.
pub(crate) trait Fixture: Send + Sync + Sized + 'static {
    /// How long leases last: short for a store whose time cannot be turned.
    const LEASE: Duration;

    /// Makes an empty store.
    async fn new() -> Self;

    /// The store.
    fn store(&self) -> Arc<dyn Store>;

    /// A store of another process over the same data, or the same store where there can be none.
    async fn another(&self) -> Arc<dyn Store>;

    /// Lets time pass.
    async fn pass(&self, time: Duration);

    /// The store's time.
    fn now(&self) -> Timestamp;
}

/// A clock that is turned by hand.
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn new() -> HandClock {
        listen();
        HandClock(Arc::new(AtomicI64::new(1_800_000_000_000)))
    }

    pub(crate) fn clock(&self) -> Clock {
        let now = self.0.clone();
        Arc::new(move || Timestamp::from_millisecond(now.load(Ordering::SeqCst)).unwrap())
    }

    fn pass(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// SQLite in a file.
pub(crate) struct SqliteFile {
    store: Arc<dyn Store>,
    clock: HandClock,
    others: Mutex<Vec<Arc<dyn Store>>>,
    folder: TempDir,
}

impl SqliteFile {
    fn open(&self) -> Arc<dyn Store> {
        open(&self.folder, &self.clock)
    }
}

fn open(folder: &TempDir, clock: &HandClock) -> Arc<dyn Store> {
    Arc::new(Options::default().clock(clock.clock()).open(folder.path().join("store.db"), "default").unwrap())
}

impl Fixture for SqliteFile {
    const LEASE: Duration = Duration::from_secs(60);

    async fn new() -> SqliteFile {
        let (folder, clock) = (tempfile::tempdir().unwrap(), HandClock::new());
        SqliteFile { store: open(&folder, &clock), clock, others: Mutex::default(), folder }
    }

    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    async fn another(&self) -> Arc<dyn Store> {
        let store = self.open();
        self.others.lock().unwrap().push(store.clone());
        store
    }

    async fn pass(&self, time: Duration) {
        self.clock.pass(time);
    }

    fn now(&self) -> Timestamp {
        (self.clock.clock())()
    }
}

/// SQLite in memory.
pub(crate) struct SqliteMemory {
    store: Arc<dyn Store>,
    clock: HandClock,
}

impl Fixture for SqliteMemory {
    const LEASE: Duration = Duration::from_secs(60);

    async fn new() -> SqliteMemory {
        let clock = HandClock::new();
        let store = Arc::new(Options::default().clock(clock.clock()).in_memory("default").unwrap());
        SqliteMemory { store, clock }
    }

    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    async fn another(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    async fn pass(&self, time: Duration) {
        self.clock.pass(time);
    }

    fn now(&self) -> Timestamp {
        (self.clock.clock())()
    }
}

/// A store beneath one that makes codes, which is to be noticed only by pools with a pattern.
pub(crate) struct Generating<F>(F);

impl<F: Fixture> Fixture for Generating<F> {
    const LEASE: Duration = F::LEASE;

    async fn new() -> Generating<F> {
        Generating(F::new().await)
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(GeneratingStore::new(self.0.store()))
    }

    async fn another(&self) -> Arc<dyn Store> {
        Arc::new(GeneratingStore::new(self.0.another().await))
    }

    async fn pass(&self, time: Duration) {
        self.0.pass(time).await;
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }
}
