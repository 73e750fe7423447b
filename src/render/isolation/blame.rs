//! Which templates crashed the renderer, so that one that does it again is refused for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::wire::TemplateSource;

/// How many crashes are forgiven.
const FORGIVEN: u32 = 1;
/// How long a crash is remembered.
const MEMORY: Duration = Duration::from_secs(60);
/// How many templates are remembered at most.
const MOST: usize = 1_000;

/// What a template is known by: a hash of its sources.
pub(super) type Key = [u8; 32];

pub(super) fn key(source: &TemplateSource) -> Key {
    let mut hash = Sha256::new();
    for text in source.parts.iter().flat_map(|(part, source)| [part, source]) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

/// The crashes of the last minute.
#[derive(Default)]
pub(super) struct Blame(Mutex<HashMap<Key, (u32, Instant)>>);

impl Blame {
    /// Refuses a template that crashed the renderer too often, saying so.
    pub(super) fn check(&self, key: Key) -> Result<(), String> {
        let crashes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match crashes.get(&key) {
            Some((count, last)) if *count > FORGIVEN && last.elapsed() < MEMORY => {
                let seconds = MEMORY.as_secs();
                Err(format!("the template crashed the renderer {count} times, and is refused for {seconds} seconds"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn note(&self, key: Key) {
        let mut crashes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        crashes.retain(|_, (_, last)| last.elapsed() < MEMORY);
        if crashes.len() < MOST {
            let (count, last) = crashes.entry(key).or_insert((0, Instant::now()));
            (*count, *last) = (*count + 1, Instant::now());
        }
    }
}
