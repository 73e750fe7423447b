//! Where a benchmark runs: a temporary folder, and servers and stores that nobody else uses.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::server::Server;
use super::workload;
use crate::cli::store::{StoreOptions, StoreUrl, open_store};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Imported, NewVoucher, PoolSettings, Store};

/// How often a server is started until one gets its port.
const STARTS: usize = 3;
/// How often the folder is removed until that succeeds.
const REMOVALS: usize = 3;

/// A temporary folder with everything that runs in it. It is gone when this is dropped.
pub(super) struct Stage {
    folder: PathBuf,
    /// Those that were started; none once it is cleared.
    servers: Mutex<Option<Vec<Weak<Server>>>>,
    numbers: AtomicUsize,
}

/// Which store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Redis,
    Sqlite,
}

impl Kind {
    pub(super) const BOTH: [Kind; 2] = [Kind::Redis, Kind::Sqlite];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Redis => "redis",
            Kind::Sqlite => "sqlite",
        }
    }
}

impl Stage {
    /// Nothing is made yet: whoever ends the program early has to find what there is.
    pub(super) fn new() -> Stage {
        let folder = std::env::temp_dir().join(format!("tearoff-bench-{}", std::process::id()));
        Stage { folder, servers: Mutex::new(Some(Vec::new())), numbers: AtomicUsize::new(0) }
    }

    /// Makes the folder.
    pub(super) fn set_up(&self) -> Result<()> {
        std::fs::create_dir_all(&self.folder).map_err(|error| cannot_make(&self.folder, error))
    }

    /// A path that nobody uses.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}-{name}", self.number()))
    }

    fn number(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A server of its own, ready to answer.
    pub(super) async fn server(&self) -> Result<Arc<Server>> {
        for _ in 0..STARTS {
            let server = self.start_server()?;
            if server.is_ready().await? {
                return Ok(server);
            }
        }
        let error = Error::new(ErrorKind::StoreUnavailable, "redis-server does not start");
        Err(error.with_help("look whether it starts by hand: 'redis-server --port 0'"))
    }

    fn start_server(&self) -> Result<Arc<Server>> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let started = servers.as_mut().ok_or_else(|| Error::new(ErrorKind::Refused, "the benchmark has ended"))?;
        let server = Arc::new(Server::start(&self.path("redis"))?);
        started.push(Arc::downgrade(&server));
        Ok(server)
    }

    /// The store of a name, on the server or in a file of its own, made if it is not there.
    pub(super) async fn open(&self, kind: Kind, server: &Server, name: &str) -> Result<Arc<dyn Store>> {
        let url = match kind {
            Kind::Redis => StoreUrl::Redis(server.url().parse()?),
            Kind::Sqlite => StoreUrl::Sqlite(self.folder.join(name)),
        };
        open_store(&url, &StoreOptions::default(), name).await
    }

    /// A new store with the pool of [`workload::pool`], which is empty.
    pub(super) async fn empty_store(&self, kind: Kind, server: &Server) -> Result<Arc<dyn Store>> {
        let store = self.open(kind, server, &format!("store-{}", self.number())).await?;
        store.create_pool(&workload::pool()?, &PoolSettings::default()).await?;
        Ok(store)
    }

    /// A new store with so many codes in its pool.
    pub(super) async fn store(&self, kind: Kind, server: &Server, codes: usize) -> Result<Arc<dyn Store>> {
        let store = self.empty_store(kind, server).await?;
        import(&*store, workload::portions(0..codes, store.portion())).await?;
        Ok(store)
    }

    /// Stops the servers and removes the folder.
    pub(super) fn clear(&self) {
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner).take();
        servers.iter().flatten().filter_map(Weak::upgrade).for_each(|server| server.stop());
        // Somebody may be writing a file there at this moment. What stays is in the folder for temporary things.
        let _ = (0..REMOVALS).any(|_| std::fs::remove_dir_all(&self.folder).is_ok());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Imports codes that the store has not yet, portion by portion.
pub(super) async fn import(store: &dyn Store, portions: impl Iterator<Item = Result<Vec<NewVoucher>>>) -> Result<()> {
    let pool = workload::pool()?;
    for vouchers in portions {
        let answers = store.import(&pool, &vouchers?).await?;
        if answers.iter().any(|answer| *answer != Imported::Added) {
            return Err(Error::new(ErrorKind::Refused, "the store had a code that is new"));
        }
    }
    Ok(())
}

fn cannot_make(folder: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot make {}: {error}", folder.display())).with_source(error)
}
