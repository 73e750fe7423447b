//! Where rows come from.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{Lines, RemoteFile, invalid};
use crate::error::{Error, ErrorKind, Result};

/// How much is read at once.
pub(super) const BUFFER: usize = 64 << 10;

/// A file, here or on another machine, or standard input.
///
/// ```
/// use tearoff::intake::Input;
///
/// assert_eq!("-".parse::<Input>()?, Input::Standard);
/// assert_eq!("codes.csv".parse::<Input>()?, Input::File("codes.csv".into()));
/// # Ok::<(), tearoff::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The file at this path. It can be read twice.
    File(PathBuf),
    /// A file that another machine offers.
    Url(RemoteFile),
    /// Standard input. It can be read once.
    Standard,
}

impl Input {
    /// The same input, a relative path being relative to `folder`.
    #[must_use]
    pub fn relative_to(self, folder: &Path) -> Input {
        match self {
            Input::File(path) => Input::File(folder.join(path)),
            input => input,
        }
    }

    /// What follows the last dot of a file's name, in lower case; `None` for what is no file of this machine.
    pub(crate) fn extension(&self) -> Option<String> {
        match self {
            Input::File(path) => Some(path.extension().unwrap_or_default().to_string_lossy().to_lowercase()),
            Input::Url(_) | Input::Standard => None,
        }
    }

    pub(crate) fn unknown_format(&self, help: &str) -> Error {
        super::format::unknown(&self.to_string(), help)
    }

    pub(super) fn cannot_open(name: &str, error: io::Error) -> Error {
        Error::new(ErrorKind::InvalidInput, format!("cannot read {name}: {error}"))
            .with_help("check the path; it is relative to the file that names it, or to the current folder")
            .with_source(error)
    }

    pub(crate) fn open(&self) -> Result<Lines> {
        let name = self.to_string();
        match self {
            Input::Standard => Ok(Lines::new(name, Box::new(BufReader::with_capacity(BUFFER, io::stdin())))),
            Input::Url(_) => Err(invalid(&name, "an audience is not fetched from another machine")
                .with_help("fetch it yourself, and name the file")),
            Input::File(path) => {
                let file = open_file(path).map_err(|error| Input::cannot_open(&name, error))?;
                Ok(Lines::new(name, Box::new(BufReader::with_capacity(BUFFER, file))))
            }
        }
    }
}

/// Opening a folder succeeds on some systems and fails only when it is read.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

impl FromStr for Input {
    type Err = Error;

    /// `-` is standard input, what begins like `https://` is a URL, everything else a path.
    fn from_str(text: &str) -> Result<Input> {
        let is_scheme = |scheme: &str| !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric());
        Ok(match text.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => Input::Url(text.parse()?),
            _ if text == "-" => Input::Standard,
            _ => Input::File(text.into()),
        })
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::File(path) => write!(f, "{}", path.display()),
            Input::Url(file) => file.fmt(f),
            Input::Standard => f.write_str("standard input"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("none.csv"), folder.path().to_owned()] {
            let error = Input::File(path.clone()).open().err().unwrap();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
    }

    #[test]
    fn paths_are_relative_to_a_folder() {
        let input = |text: &str| text.parse::<Input>().unwrap().relative_to(Path::new("spring")).to_string();
        assert_eq!(input("codes.csv"), "spring/codes.csv");
        assert_eq!(input("/codes.csv"), "/codes.csv");
        assert_eq!(input("-"), "standard input");
        assert_eq!(input("https://shop.example/codes.csv"), "https://shop.example/codes.csv");
    }
}
