//! Opening a store file, or making one.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::SqliteStore;
use super::fault::{Fault, Outcome, is_read_only};
use super::reader::Readers;
use super::schema::migrate;
use super::writer::Writer;
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::check_name;

/// How many prepared statements a connection keeps: all that there are.
const STATEMENTS: usize = 192;

/// What tells a store the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a store is opened. The defaults are right for everything but tests.
#[derive(Clone)]
pub struct Options {
    clock: Clock,
    busy_timeout: Duration,
    journal_keep: Duration,
}

impl Default for Options {
    fn default() -> Options {
        let journal_keep = Duration::from_secs(90 * 24 * 60 * 60);
        Options { clock: Arc::new(Timestamp::now), busy_timeout: Duration::from_secs(5), journal_keep }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("busy_timeout", &self.busy_timeout).finish_non_exhaustive()
    }
}

impl Options {
    /// The time by which leases run out and vouchers expire.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Options {
        self.clock = clock;
        self
    }

    /// How long to wait while another process writes, before the store counts as unavailable. 5 s unless set.
    #[must_use]
    pub fn busy_timeout(mut self, time: Duration) -> Options {
        self.busy_timeout = time;
        self
    }

    /// How long entries of the journal are kept. 90 days unless set.
    #[must_use]
    pub fn journal_keep(mut self, time: Duration) -> Options {
        self.journal_keep = time;
        self
    }

    /// Opens the store file at `path`, or makes one, for a project.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the folder does not exist, or the file is read-only, no database, one of another
    /// program, or from a newer version; [`ErrorKind::StoreUnavailable`] while another process holds it or the disk is full;
    /// [`ErrorKind::StoreCorrupt`] if it is damaged.
    pub fn open(self, path: impl AsRef<Path>, project: &str) -> Result<SqliteStore> {
        let path = path.as_ref();
        let file = path.display().to_string();
        check_name("project name", project)?;
        check_path(path, &file)?;
        let told = |fault: Fault| fault.told_of(&file);
        let connection = self.connect(path, &file).map_err(told)?;
        let place = self.place(&connection, file.clone(), project).map_err(told)?;
        let readers = Readers::new(path.to_owned(), self.busy_timeout, place.clone());
        Ok(SqliteStore { readers: Some(Arc::new(readers)), writer: Writer::start(connection, place)? })
    }

    /// Makes a store without a file. It lasts as long as the value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a name that no project can have.
    pub fn in_memory(self, project: &str) -> Result<SqliteStore> {
        check_name("project name", project)?;
        let file = "memory:";
        let told = |fault: Fault| fault.told_of(file);
        let mut connection = Connection::open_in_memory().map_err(|error| told(error.into()))?;
        let place = prepare(&mut connection, file)
            .and_then(|()| self.place(&connection, file.to_owned(), project))
            .map_err(told)?;
        Ok(SqliteStore { readers: None, writer: Writer::start(connection, place)? })
    }

    fn connect(&self, path: &Path, file: &str) -> Outcome<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        let is_marked = path.metadata().is_ok_and(|metadata| metadata.permissions().readonly());
        if is_marked || connection.is_readonly("main")? {
            return Err(is_read_only(file).into());
        }
        prepare(&mut connection, file)?;
        self.use_write_ahead_log(&connection)?;
        Ok(connection)
    }

    /// SQLite does not wait by itself when two processes switch a new file at once.
    fn use_write_ahead_log(&self, connection: &Connection) -> Outcome<()> {
        let start = Instant::now();
        loop {
            match connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())) {
                Err(error) if is_busy(&error) && start.elapsed() < self.busy_timeout => {
                    thread::sleep(Duration::from_millis(5));
                }
                result => {
                    result?;
                    break;
                }
            }
        }
        Ok(connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?)
    }

    fn place(&self, connection: &Connection, file: String, project: &str) -> Outcome<Place> {
        let find = "SELECT id FROM project WHERE name = ?1";
        connection.execute("INSERT INTO project (name) VALUES (?1) ON CONFLICT DO NOTHING", [project])?;
        let project = connection.query_row(find, [project], |row| row.get(0))?;
        Ok(Place { file, project, clock: self.clock.clone(), journal_keep: self.journal_keep })
    }
}

/// What every piece of work on a store needs to know of it.
#[derive(Clone)]
pub(super) struct Place {
    /// How errors call the file.
    pub(super) file: String,
    /// The row of the project.
    pub(super) project: i64,
    /// The store's clock.
    pub(super) clock: Clock,
    /// How long the journal is kept.
    pub(super) journal_keep: Duration,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("file", &self.file).field("project", &self.project).finish_non_exhaustive()
    }
}

fn check_path(path: &Path, file: &str) -> Result<()> {
    // SQLite takes these for databases that are gone when they are closed.
    if file.is_empty() || file == ":memory:" {
        let error = Error::new(ErrorKind::InvalidInput, format!("'{file}' is not the path of a store file"));
        return Err(error.with_help("give a path, or 'memory:' for a store without a file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => {
            let message = format!("the folder of the store file '{file}' does not exist");
            Err(Error::new(ErrorKind::InvalidInput, message)
                .with_help(format!("make the folder '{}', or give another path", folder.display())))
        }
        _ => Ok(()),
    }
}

fn prepare(connection: &mut Connection, file: &str) -> Outcome<()> {
    keep_statements(connection)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // What is deleted from a page is overwritten there: a forgotten customer's id is not to stay between the rows.
    connection.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
    migrate(connection, file)
}

/// Prepares each statement once. Without the stability guarantee, SQLite would plan a statement anew for each set of values,
/// to see whether a partial index serves them; that costs more than all the rest.
pub(super) fn keep_statements(connection: &Connection) -> Outcome<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// The pages that the writing connection keeps in memory, in KiB.
const CACHE_KIB: i64 = 64 * 1024;

/// The pages that the log takes before it is written back into the file: 32 MB.
const LOG_PAGES: i64 = 8192;

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
