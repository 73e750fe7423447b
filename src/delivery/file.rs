//! E-mails in files, as mail programs open them.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::invalid;
use crate::error::{Error, ErrorKind, Result};

/// Checks that a file can be made there, as far as that can be known.
pub(super) fn check(path: &Path) -> Result<()> {
    let folder = folder(path);
    if folder.is_dir() {
        return Ok(());
    }
    Err(invalid(format!("there is no folder {}", folder.display())).with_help("make it, or name another file"))
}

/// Writes an e-mail to a path, or into a folder under its own name, and says where. What was there is replaced at once; only
/// its owner may read it.
pub(super) fn write(path: &Path, name: &str, mail: &[u8]) -> Result<String> {
    let file = if path.is_dir() { path.join(format!("{name}.eml")) } else { path.to_owned() };
    let unwritable = |error: std::io::Error| {
        Error::new(ErrorKind::Io, format!("cannot write {}", file.display()))
            .with_help("its codes stay assigned, and a repeat under the same message id writes the same ones")
            .with_source(error)
    };
    let mut draft = tempfile::NamedTempFile::new_in(folder(&file)).map_err(unwritable)?;
    draft.write_all(mail).map_err(unwritable)?;
    draft.persist(&file).map_err(|error| unwritable(error.error))?;
    Ok(file.display().to_string())
}

/// The folder that a file is in, or the path itself where it is one.
fn folder(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
