//! The keys that a running service knows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::file::Stamp;
use super::{Hash, Key, KeyFile};
use crate::error::Result;

/// How long what was read last is taken for what the file holds.
const FRESH: Duration = Duration::from_secs(1);

/// The keys of a file, taken up anew within a second when it changes.
#[derive(Debug)]
pub struct KeyRing {
    file: KeyFile,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    keys: Arc<[Key]>,
    stamp: Option<Stamp>,
    looked: Instant,
}

impl KeyRing {
    /// The keys of a file.
    ///
    /// # Errors
    /// As for [`KeyFile::read`].
    pub fn open(file: KeyFile) -> Result<KeyRing> {
        // A file that changes in between is read again.
        let stamp = file.stamp();
        let keys = file.read()?.into();
        Ok(KeyRing { file, known: Mutex::new(Known { keys, stamp, looked: Instant::now() }) })
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys().is_empty()
    }

    /// The key that is opened by what a caller presents. All are compared, each in constant time.
    pub(in crate::http) fn find(&self, presented: &str) -> Option<Key> {
        let (hash, now, keys) = (Hash::of(presented), Timestamp::now(), self.keys());
        keys.iter().fold(None, |found, key| if key.is_opened_by(&hash, now) { Some(key) } else { found }).cloned()
    }

    fn keys(&self) -> Arc<[Key]> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.looked.elapsed() >= FRESH {
            known.looked = Instant::now();
            self.look(&mut known);
        }
        Arc::clone(&known.keys)
    }

    /// Reads the file if it has changed. One that is broken changes nothing until it is whole.
    fn look(&self, known: &mut Known) {
        let stamp = self.file.stamp();
        if stamp == known.stamp {
            return;
        }
        known.stamp = stamp;
        match self.file.read() {
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "the file of the keys has changed");
                known.keys = keys.into();
            }
            Err(error) => tracing::error!("{error}; the keys from before go on to be valid"),
        }
    }
}
