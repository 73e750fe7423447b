//! The file of the keys.

use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Key;
use crate::error::{Error, ErrorKind, Result};
use crate::http::Scope;

/// A file of keys. Programs change it one after the other, and a crash leaves either the old file or the new one, whole.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    keys: Vec<Key>,
}

impl KeyFile {
    /// The file at `path`, which need not be there yet.
    pub fn at(path: &Path) -> KeyFile {
        KeyFile { path: path.to_owned() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys in it; none where there is no file.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it cannot be read, or is another file.
    pub fn read(&self) -> Result<Vec<Key>> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.wrong(&format!("cannot be read: {error}"))),
        };
        // What serde says may quote what is in the file.
        let content: Content = serde_json::from_slice(&text).map_err(|error| {
            self.wrong(&format!("this is no file of keys (line {}, column {})", error.line(), error.column()))
        })?;
        Ok(content.keys)
    }

    fn wrong(&self, problem: &str) -> Error {
        let help = "take it from a backup, or remove it and make the keys anew with 'tearoff key create'";
        Error::new(ErrorKind::InvalidInput, format!("{}: {problem}", self.path.display())).with_help(help)
    }

    /// Makes a key, and gives what its owner is to present. That cannot be asked for again.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the file cannot be written, and as for [`KeyFile::read`].
    pub fn create(&self, name: Option<&str>, scopes: &[Scope]) -> Result<(Key, String)> {
        self.change(|keys| {
            let (key, presented) = loop {
                let (key, presented) = Key::generate(name.map(str::to_owned), scopes.to_vec());
                if keys.iter().all(|other| other.id != key.id) {
                    break (key, presented);
                }
            };
            keys.push(key.clone());
            Ok((key, presented))
        })
    }

    /// Gives a key a new secret, and returns what its owner is to present from now on. What it was opened with before goes on to
    /// open it for `grace`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where there is no such key, and as for [`KeyFile::create`].
    pub fn rotate(&self, id: &str, grace: Duration) -> Result<(Key, String)> {
        self.change(|keys| {
            let key = keys.iter_mut().find(|key| key.id == id).ok_or_else(|| no_such_key(id))?;
            let presented = key.rotate(grace);
            Ok((key.clone(), presented))
        })
    }

    /// Removes a key: nothing opens it any more.
    ///
    /// # Errors
    /// As for [`KeyFile::rotate`].
    pub fn revoke(&self, id: &str) -> Result<Key> {
        self.change(|keys| {
            let at = keys.iter().position(|key| key.id == id).ok_or_else(|| no_such_key(id))?;
            Ok(keys.remove(at))
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Key>) -> Result<T>) -> Result<T> {
        let _turn = self.turn().map_err(|error| self.unwritable(error))?;
        let mut keys = self.read()?;
        let changed = change(&mut keys)?;
        self.write(&Content { keys }).map_err(|error| self.unwritable(error))?;
        Ok(changed)
    }

    fn unwritable(&self, error: io::Error) -> Error {
        Error::new(ErrorKind::Io, format!("cannot write {}: {error}", self.path.display()))
            .with_help("check the permissions of the file and its folder")
            .with_source(error)
    }

    /// Waits until no other program changes the file; the next may when this is dropped.
    fn turn(&self) -> io::Result<File> {
        let mut name = self.path.clone().into_os_string();
        name.push(".lock");
        let lock = File::options().write(true).create(true).truncate(false).open(name)?;
        lock.lock()?;
        Ok(lock)
    }

    /// Replaces the file. A temporary file is its owner's alone, and so is what it becomes.
    fn write(&self, content: &Content) -> io::Result<()> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(serde_json::to_string_pretty(content)?.as_bytes())?;
        new.write_all(b"\n")?;
        new.as_file().sync_all()?;
        new.persist(&self.path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    }

    /// What changes when the file does; none where there is no file.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        std::fs::metadata(&self.path).ok().map(|metadata| Stamp::of(&metadata))
    }
}

/// Tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<std::time::SystemTime>,
    length: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(metadata),
        }
    }
}

fn no_such_key(id: &str) -> Error {
    // Whoever takes the key itself for its id does not want to read it in a log.
    let named = if id.len() > 16 { "such key".to_owned() } else { format!("key '{id}'") };
    Error::new(ErrorKind::NotFound, format!("there is no {named}")).with_help("'tearoff key list' shows the ids")
}
