//! The files that a template is made of.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::source::Source;
use super::source_limits;
use super::suggest::did_you_mean;
use crate::error::{Error, ErrorKind, Result};

/// Sources by the engine's name for them, and the folder that more may come from.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) files: BTreeMap<String, Arc<Source>>,
    folder: Option<PathBuf>,
    /// How many bytes each may have.
    limit: usize,
}

impl Sources {
    pub(super) fn new(folder: Option<PathBuf>, limit: usize) -> Sources {
        Sources { files: BTreeMap::new(), folder, limit }
    }

    /// Reads a partial; `None` where the folder has none of that path.
    pub(super) fn load(&mut self, path: &str) -> Result<Option<Arc<Source>>> {
        let inside = Path::new(path).components().all(|component| matches!(component, Component::Normal(_)));
        let file = self.folder.as_ref().map(|folder| folder.join(path)).filter(|file| file.is_file());
        let Some(file) = file.filter(|_| inside && !path.contains('\\')) else { return Ok(None) };
        self.add(path, &read(&file)?).map(Some)
    }

    /// Takes the source of a file.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] where it is larger than the limit, or would exhaust the engine's stack.
    pub(super) fn add(&mut self, file: &str, text: &str) -> Result<Arc<Source>> {
        // Editors on Windows begin a file with a byte order mark, which is no letter of a subject.
        let text = text.strip_prefix("\u{feff}").unwrap_or(text);
        source_limits::check(file, text, self.limit)?;
        let source = Arc::new(Source::new(file, text));
        self.files.insert(file.to_owned(), Arc::clone(&source));
        Ok(source)
    }

    /// Whether an author wrote these words somewhere.
    pub(super) fn quotes(&self, words: &str) -> bool {
        self.files.values().any(|source| source.original.contains(words))
    }

    /// `; did you mean '…'?` for a path that leads to no file: one with the same last name, or else the nearest.
    pub(super) fn did_you_mean(&self, path: &str) -> String {
        let mut known: Vec<String> = self.files.keys().cloned().collect();
        if let Some(folder) = &self.folder {
            add_files(folder, "", &mut known);
        }
        let last = path.rsplit('/').next();
        match known.iter().find(|known| known.rsplit('/').next() == last) {
            Some(moved) => format!("; did you mean '{moved}'?"),
            None => did_you_mean(path, known.iter().map(String::as_str)),
        }
    }
}

/// How deep folders are searched for what an author may have meant.
const SEARCHED_LEVELS: usize = 4;

fn add_files(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = entry.path();
        if path.is_file() {
            found.push(format!("{prefix}{name}"));
        } else if prefix.matches('/').count() < SEARCHED_LEVELS {
            add_files(&path, &format!("{prefix}{name}/"), found);
        }
    }
    found.sort();
}

/// Reads a file as text.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] where it cannot be read, or with the line where it is not UTF-8.
pub(super) fn read(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, format!("cannot read {}: {error}", path.display())).with_source(error)
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let error = Error::new(ErrorKind::InvalidInput, format!("{} is not UTF-8 (line {line})", path.display()));
        error.with_help("save the file as UTF-8")
    })
}
