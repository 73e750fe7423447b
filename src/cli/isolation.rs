//! This program as the children that render for it.

use std::io::{self, Write};

use crate::error::{Error, ErrorKind, Result};
use crate::render::{Isolation, work_isolated};

/// The command that the program gives itself to render isolated.
pub(super) const COMMAND: &str = "isolated-renderer";

/// Children of this very program.
pub(super) fn children() -> Result<Isolation> {
    let program = std::env::current_exe().map_err(|error| {
        Error::new(ErrorKind::Io, format!("the program does not find itself, to isolate templates: {error}"))
    })?;
    Isolation::new(program, [COMMAND])
}

/// Is a child.
pub(super) fn work() -> Result<()> {
    let answers = answers().map_err(|error| Error::new(ErrorKind::Io, format!("no way to answer: {error}")))?;
    work_isolated(io::stdin(), answers)
}

/// The standard output itself: [`io::Stdout`] would write the rest of an answer after its last line apart.
#[cfg(unix)]
fn answers() -> io::Result<impl Write + Send + 'static> {
    use std::os::fd::AsFd;
    Ok(std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(not(unix))]
fn answers() -> io::Result<impl Write + Send + 'static> {
    Ok(io::stdout())
}
