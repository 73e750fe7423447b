//! Connections that only read, so that look-ups wait for nobody.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::fault::{Fault, Outcome};
use super::open::{Place, keep_statements};
use super::session::Session;
use crate::error::{Error, ErrorKind, Result};

/// The idle connections of a store; more are opened as callers come.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    busy_timeout: Duration,
    place: Place,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, busy_timeout: Duration, place: Place) -> Readers {
        Readers { path, busy_timeout, place, idle: Mutex::default() }
    }

    /// Reads one snapshot of the file, on a thread that may wait.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Session<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let readers = self.clone();
        let reading = tokio::task::spawn_blocking(move || readers.read(work));
        let stopped = |error| Error::new(ErrorKind::StoreUnavailable, "the store was closed").with_source(error);
        reading.await.map_err::<Error, _>(stopped)?
    }

    fn read<T>(&self, work: impl FnOnce(&Session<'_>) -> Outcome<T>) -> Result<T> {
        self.snapshot(work).map_err(|fault| fault.told_of(&self.place.file))
    }

    fn snapshot<T>(&self, work: impl FnOnce(&Session<'_>) -> Outcome<T>) -> Outcome<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = idle.map_or_else(|| self.open(), Ok)?;
        let transaction = connection.transaction()?;
        let value = work(&Session::new(&transaction, &self.place))?;
        transaction.finish()?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(value)
    }

    fn open(&self) -> Result<Connection, Fault> {
        let connection = Connection::open_with_flags(
            &self.path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(self.busy_timeout)?;
        keep_statements(&connection)?;
        Ok(connection)
    }
}
