//! Programs in Python that the tests hold the program against.

use std::path::Path;
use std::process::Command;

/// A program of this folder, ready to run with what `requirements.txt` names.
///
/// # Panics
/// Where that is not installed.
pub(crate) fn python() -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let interpreter = here.join("target/python/bin/python");
    assert!(interpreter.exists(), "this test needs {}: run 'make tools'", interpreter.display());
    let mut command = Command::new(interpreter);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A script of this folder, ready to run.
pub(crate) fn script(name: &str) -> Command {
    let mut command = python();
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name));
    command
}
