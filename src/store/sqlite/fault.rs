//! What goes wrong inside the store, and how it is told: by the file's name and a remedy, never by what is in the file.

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind};

/// Why a piece of work on the file failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite says no.
    Sqlite(rusqlite::Error),
    /// The request cannot be fulfilled, whatever the state of the file.
    Answer(Error),
}

/// What a piece of work on the file gives.
pub(super) type Outcome<T> = Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Sqlite(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Answer(error)
    }
}

impl Fault {
    /// The error for the caller of the store that lies in `file`.
    pub(super) fn told_of(self, file: &str) -> Error {
        match self {
            Fault::Answer(error) => error,
            Fault::Sqlite(error) => explain(&error, file).with_source(error),
        }
    }
}

/// What an error of SQLite means for the store that lies in `file`.
pub(super) fn explain(error: &rusqlite::Error, file: &str) -> Error {
    use ErrorKind::{InvalidInput, StoreCorrupt, StoreUnavailable};
    let (kind, message, help) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            StoreUnavailable,
            format!("another process holds the store file '{file}'"),
            "wait until it has finished, or end it; then try again",
        ),
        Some(ErrorCode::DiskFull) => (
            StoreUnavailable,
            format!("there is no space left for the store file '{file}'"),
            "free some space on its disk and try again; nothing was half done",
        ),
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OperationAborted,
        ) => (
            StoreUnavailable,
            format!("the store file '{file}' could not be read or written"),
            "check its disk, and that it is not on a network drive",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => read_only(file),
        Some(ErrorCode::CannotOpen) => (
            InvalidInput,
            format!("the store file '{file}' cannot be opened"),
            "check that it is a file and that you may read and write it and its folder",
        ),
        Some(ErrorCode::NotADatabase) => (
            InvalidInput,
            format!("'{file}' is not a database"),
            "give the path of a store file, or one that does not exist yet",
        ),
        _ => (
            StoreCorrupt,
            format!("the store file '{file}' is damaged"),
            "run 'tearoff doctor', and restore the file from a backup if it says so",
        ),
    };
    Error::new(kind, message).with_help(help)
}

fn read_only(file: &str) -> (ErrorKind, String, &'static str) {
    let message = format!("the store file '{file}' is read-only");
    (ErrorKind::InvalidInput, message, "make the file and its folder writable, or use another store file")
}

/// The error for a file that may only be read.
pub(super) fn is_read_only(file: &str) -> Error {
    let (kind, message, help) = read_only(file);
    Error::new(kind, message).with_help(help)
}

/// Takes a value out of the file that was checked on its way in.
pub(super) fn stored<T>(value: Result<T, impl Sized>) -> Outcome<T> {
    value.map_err(|_| {
        Error::new(ErrorKind::StoreCorrupt, "the store file holds a value that breaks its own rules").into()
    })
}
