//! Files that cannot be a store, each with an error that names the file and a remedy.

use std::fs;
use std::path::Path;

use tearoff::store::SqliteStore;
use tearoff::{Error, ErrorKind};

use crate::support::*;

#[track_caller]
fn refusal(path: &Path, kind: ErrorKind, says: &str) -> Error {
    let error = SqliteStore::open(path, "default").unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let message = error.to_string();
    assert!(message.contains(says) && message.contains(&path.display().to_string()), "{message}");
    assert!(error.help().is_some(), "{message}");
    error
}

/// A folder that does not exist, a folder where the file should be, or a name that SQLite takes for no file.
#[test]
fn a_path_that_can_hold_no_file_is_refused() {
    refusal(Path::new(""), ErrorKind::InvalidInput, "is not the path");
    refusal(Path::new(":memory:"), ErrorKind::InvalidInput, "is not the path");
    let place = Place::new();
    let path = place.path();
    refusal(&path.join("none/store.db"), ErrorKind::InvalidInput, "does not exist");
    fs::create_dir(&path).unwrap();
    refusal(&path, ErrorKind::InvalidInput, "cannot be opened");
}

/// A text file stays as it is.
#[test]
fn a_file_that_is_no_database_is_refused() {
    let place = Place::new();
    let text = "customer_id,first_name\n".repeat(100);
    fs::write(place.path(), &text).unwrap();
    refusal(&place.path(), ErrorKind::InvalidInput, "is not a database");
    assert_eq!(fs::read_to_string(place.path()).unwrap(), text);
}

/// Somebody else's database is not turned into a store.
#[test]
fn a_database_of_another_program_is_refused() {
    let place = Place::new();
    place.sql().execute_batch("CREATE TABLE purchases (code TEXT)").unwrap();
    refusal(&place.path(), ErrorKind::InvalidInput, "another program");
    let tables: i64 = place.sql().query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

/// A newer program has changed the tables: this one must not touch them.
#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_by_name() {
    let place = Place::with_codes(1).await;
    place.sql().pragma_update(None, "user_version", 99).unwrap();
    let error = refusal(&place.path(), ErrorKind::InvalidInput, "newer version");
    assert!(error.to_string().contains("99") && error.help().unwrap().contains("newer program"));
}

/// The tables of version 1 were others, and nothing brings them to the present ones: the file stays as it is.
#[tokio::test]
async fn a_file_from_before_the_first_release_is_refused_by_name() {
    let place = Place::with_codes(1).await;
    place.sql().pragma_update(None, "user_version", 1).unwrap();
    let error = refusal(&place.path(), ErrorKind::InvalidInput, "before the first release");
    assert!(error.to_string().contains("its schema is 1") && error.help().unwrap().contains("new store file"));
    let version: i64 = place.sql().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
}

/// A file that may only be read is refused when it is opened, not at the first claim.
#[tokio::test]
async fn a_read_only_file_is_refused() {
    let place = Place::with_codes(1).await;
    let mut permissions = fs::metadata(place.path()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(place.path(), permissions).unwrap();
    refusal(&place.path(), ErrorKind::InvalidInput, "read-only");
}

/// An empty file becomes a store: that is what `mktemp` and an aborted first start leave.
#[tokio::test]
async fn an_empty_file_becomes_a_store() {
    let place = Place::new();
    fs::write(place.path(), "").unwrap();
    fill(&place.open(), 3).await;
    assert_eq!(send(&place.open(), &claim(1)).await, send(&place.open(), &claim(1)).await);
}

/// A project is a name like others.
#[test]
fn a_project_needs_a_valid_name() {
    let place = Place::new();
    let error = SqliteStore::open(place.path(), "no good").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(!place.path().exists());
}

/// A damaged file is told from a missing code; what is in it is not told.
#[tokio::test]
async fn a_damaged_file_is_reported_as_damaged() {
    use tearoff::voucher::Lookup;
    let place = Place::with_codes(5000).await;
    let mut bytes = fs::read(place.path()).unwrap();
    let start = bytes.len() / 3;
    bytes[start..start * 2].fill(0xaa);
    fs::write(place.path(), bytes).unwrap();
    let failed = match SqliteStore::open(place.path(), "default") {
        Ok(store) => store.vouchers(&pool(), None, 5000).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(failed.kind(), ErrorKind::StoreCorrupt);
    assert!(failed.to_string().contains("store.db") && !format!("{failed:?}{failed}").contains("SECRET"));
}
