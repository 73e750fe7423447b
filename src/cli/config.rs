//! `tearoff.toml` in the working folder: what a project would otherwise repeat with every command.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::report::in_argument;
use crate::error::{Error, ErrorKind, Result};
use crate::redemption::Mapping;
use crate::render::Limits;
use crate::voucher::parse_duration;

/// The file's name.
const FILE: &str = "tearoff.toml";

/// How long the journal is kept where nothing else is said: 90 days.
const JOURNAL_KEEP: Duration = Duration::from_secs(90 * 24 * 60 * 60);

const HELP: &str = "it may set 'store', 'project', 'ca_file' and 'journal_keep', all text, the number 'replicas', text in a \
    section [redemption] and numbers in a section [limits]";

/// What the file may set.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// The store's URL.
    pub(super) store: Option<String>,
    /// How many Redis replicas must have what is assigned before it counts.
    pub(super) replicas: Option<u32>,
    /// Certificates to trust in place of the usual ones.
    pub(super) ca_file: Option<PathBuf>,
    /// The project's name.
    pub(super) project: Option<String>,
    /// How long the journal is kept.
    pub(super) journal_keep: Option<String>,
    /// Which tracked events use vouchers.
    pub(super) redemption: Mapping,
    /// What one message may use, where a campaign file does not say so itself.
    pub(super) limits: Limits,
}

impl Config {
    /// Reads the file of the working folder; without one, nothing is set.
    pub(super) fn read() -> Result<Config> {
        match std::fs::read_to_string(Path::new(FILE)) {
            Ok(text) => Config::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Config::default()),
            Err(error) => Err(Error::new(ErrorKind::InvalidInput, format!("cannot read {FILE}")).with_source(error)),
        }
    }

    /// How long the journal is kept.
    pub(super) fn journal_keep(&self) -> Result<Duration> {
        let span = self.journal_keep.as_deref().map(parse_duration).transpose();
        Ok(span.map_err(|error| in_argument(&format!("{FILE}: journal_keep"), &error))?.unwrap_or(JOURNAL_KEEP))
    }

    fn parse(text: &str) -> Result<Config> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            // The engine's own display quotes the line, in which a password may stand.
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            Error::new(ErrorKind::InvalidInput, format!("{FILE}, line {line}: {message}")).with_help(HELP)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_line() {
        let error = Config::parse("store = \"memory:\"\nprojekt = \"shop\"\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "tearoff.toml, line 2: unknown field `projekt`, expected one of `store`, `replicas`, `ca_file`, `project`, `journal_keep`, `redemption`, `limits`"
        );
    }
}
