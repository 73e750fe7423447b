//! A store in one SQLite file.
//!
//! One thread writes, and commits the work of all callers who wait in one transaction; connections of their own read. Several
//! processes of one machine may use a file at once. What is settled, imported or set is on the disk when it is answered; a
//! reservation need not be.

mod assignment;
mod binding;
mod claims;
mod desk;
mod examine;
mod fault;
mod forget;
mod held;
mod import;
mod journal;
mod lease;
mod limit;
mod lookup;
mod low_stock;
mod message;
mod open;
mod pool;
mod reader;
mod reconcile;
mod record;
mod redemption;
mod reserve;
mod rival;
mod schema;
mod session;
mod settle;
mod shelf;
mod stock;
mod stocked;
mod tally;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use open::{Clock, Options};

use self::fault::Outcome;
use self::reader::Readers;
use self::session::Session;
use self::writer::{Durability, Writer};
use crate::error::Result;

/// A store in one SQLite file, or in memory.
///
/// Dropping it finishes what is waiting and closes the file.
#[derive(Debug)]
pub struct SqliteStore {
    /// None in memory, where there is only the connection of the writer.
    readers: Option<Arc<Readers>>,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the store file at `path`, or makes one, for a project.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open(path: impl AsRef<Path>, project: &str) -> Result<SqliteStore> {
        Options::default().open(path, project)
    }

    /// Makes a store without a file. It lasts as long as the value.
    ///
    /// # Errors
    /// As [`Options::in_memory`].
    pub fn in_memory(project: &str) -> Result<SqliteStore> {
        Options::default().in_memory(project)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        match &self.readers {
            Some(readers) => readers.run(work).await,
            None => self.writer.run(Durability::Reserved, work).await,
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Session<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.run(durability, work).await
    }
}
