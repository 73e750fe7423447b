//! The version of a store file, and how an older one becomes the present one.

use rusqlite::{Connection, TransactionBehavior};

use super::fault::{Fault, Outcome};
use crate::error::{Error, ErrorKind};

/// Marks a file as ours for `file` and for other programs: "Tear" in ASCII.
pub(super) const APPLICATION_ID: i64 = 0x5465_6172;

/// The version that the first script makes. Files of a version before it were never released.
const FIRST: u32 = 3;

/// One script for each version, each leading from the version before it. A released one never changes.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// The version that this program reads and writes.
pub(super) const VERSION: u32 = FIRST - 1 + MIGRATIONS.len() as u32;

/// Brings the file to [`VERSION`], from whatever older version it has; a new file has version 0.
pub(super) fn migrate(connection: &mut Connection, file: &str) -> Outcome<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version(&transaction, file)?;
    let done = (version + 1).saturating_sub(FIRST);
    for script in &MIGRATIONS[done as usize..] {
        transaction.execute_batch(script)?;
    }
    if version < VERSION {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    Ok(transaction.commit()?)
}

fn version(connection: &Connection, file: &str) -> Outcome<u32> {
    let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let empty: bool = connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version) {
        (0, 0) if empty => Ok(0),
        (APPLICATION_ID, FIRST..=VERSION) => Ok(version),
        (APPLICATION_ID, older @ 1..FIRST) => Err(from_trial_version(file, older)),
        (APPLICATION_ID, newer) if newer > VERSION => Err(from_newer_version(file, newer)),
        _ => Err(of_another_program(file)),
    }
}

fn from_newer_version(file: &str, version: u32) -> Fault {
    let message = format!(
        "the store file '{file}' is from a newer version (its schema is {version}, this program knows {VERSION})"
    );
    Error::new(ErrorKind::InvalidInput, message).with_help("use the newer program, or another store file").into()
}

fn from_trial_version(file: &str, version: u32) -> Fault {
    let message = format!(
        "the store file '{file}' is from before the first release (its schema is {version}, this program knows {FIRST} and later)"
    );
    Error::new(ErrorKind::InvalidInput, message)
        .with_help("export what you need with the program that made it, and begin a new store file")
        .into()
}

fn of_another_program(file: &str) -> Fault {
    Error::new(ErrorKind::InvalidInput, format!("'{file}' is a database of another program"))
        .with_help("give the path of a store file, or one that does not exist yet")
        .into()
}
