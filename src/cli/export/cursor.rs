//! Where an export ended, so that the next one goes on there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{JournalPosition, PoolName, Store};

/// A file that says how far an export came in the journal of each pool.
pub(super) struct Cursor {
    path: PathBuf,
    form: Form,
}

/// The file's content.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    export: String,
    project: String,
    /// `None` where a pool had no entry yet.
    pools: BTreeMap<PoolName, Option<Place>>,
}

/// Behind the last entry that was exported of a pool, and when that was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) position: JournalPosition,
    pub(super) at: Timestamp,
}

impl Cursor {
    /// A cursor that nobody keeps.
    pub(super) fn none() -> Cursor {
        Cursor { path: PathBuf::new(), form: Form::default() }
    }

    /// Reads a cursor; where there is no such file, the export begins.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it is no cursor, or that of another export or project.
    pub(super) fn read(path: &Path, export: &str, project: &str) -> Result<Cursor> {
        let shown = path.display();
        let wrong = |problem: String| {
            Error::new(ErrorKind::InvalidInput, format!("--cursor: {problem}"))
                .with_help("name a file of its own for each export; one that does not exist begins anew")
        };
        let form = match std::fs::read_to_string(path) {
            Ok(text) => serde_json::from_str::<Form>(&text).map_err(|error| {
                wrong(format!("{shown} is no cursor (line {}, column {})", error.line(), error.column()))
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Form { export: export.to_owned(), project: project.to_owned(), pools: BTreeMap::new() }
            }
            Err(error) => return Err(wrong(format!("cannot read {shown}: {error}")).with_source(error)),
        };
        if (form.export.as_str(), form.project.as_str()) != (export, project) {
            return Err(wrong(format!(
                "{shown} is that of an export of {} of project '{}'",
                form.export, form.project
            )));
        }
        Ok(Cursor { path: path.to_owned(), form })
    }

    pub(super) fn position(&self, pool: &PoolName) -> Option<&JournalPosition> {
        self.form.pools.get(pool)?.as_ref().map(|place| &place.position)
    }

    /// Whether the pool was exported before.
    pub(super) fn knows(&self, pool: &PoolName) -> bool {
        self.form.pools.contains_key(pool)
    }

    /// Remembers where a pool's export is; without a place, that it was exported at all.
    pub(super) fn move_to(&mut self, pool: &PoolName, place: Option<Place>) {
        let known = self.form.pools.entry(pool.clone()).or_default();
        *known = place.or_else(|| known.take());
    }

    /// Writes the file so that a crash leaves either the old one or the new one, whole.
    pub(super) fn write(&self) -> Result<()> {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&name)?;
            file.write_all(serde_json::to_string_pretty(&self.form)?.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&name, &self.path)
        };
        write().map_err(|error| {
            Error::new(ErrorKind::Io, format!("cannot write {}: {error}", self.path.display()))
                .with_help("the rows are out; the next export repeats them")
                .with_source(error)
        })
    }

    /// Removes from the journal what is older than the last entry that was exported of each pool.
    pub(super) async fn trim(&self, store: &dyn Store) -> Result<()> {
        for (pool, place) in &self.form.pools {
            let Some(place) = place else { continue };
            match store.trim_journal(pool, place.at).await {
                // The cursor remembers pools that were deleted since.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                trimmed => drop(trimmed?),
            }
        }
        Ok(())
    }
}
