//! `tearoff.toml` in the working folder: what a project would otherwise repeat with every command.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::environment;
use super::report::in_argument;
use super::store::JOURNAL_KEEP;
use super::webhook::WebhookConfig;
use crate::delivery::DeliverySettings;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{HttpSettings, LayerSettings, VisitorKey, VisitorSettings};
use crate::intake::{ScheduledImport, check_import_names};
use crate::redemption::Mapping;
use crate::render::Limits;
use crate::voucher::parse_duration;

/// The file's name.
const FILE: &str = "tearoff.toml";
/// The variable with the secret that visitors are known by.
const VISITOR_SECRET: &str = "TEAROFF_VISITOR_SECRET";

const HELP: &str = "it may set 'store', 'project', 'ca_file' and 'journal_keep', all text, the number 'replicas', numbers in a \
    section [limits], settings of the service in sections [http], [visitors] and [layers.NAME], of test e-mails in a section \
    [delivery], text in a section [redemption], a section [low_stock] with 'webhook' and 'secret', and imports in sections \
    [[imports]]";

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
    /// Who is told when a pool becomes low.
    pub(super) low_stock: Option<WebhookConfig>,
    /// What one message may use, where a campaign file does not say so itself.
    pub(super) limits: Limits,
    /// How the HTTP service listens.
    pub(super) http: HttpSettings,
    /// The web layers of the service.
    pub(super) layers: BTreeMap<String, LayerSettings>,
    /// How their visitors are known.
    pub(super) visitors: VisitorSettings,
    /// How test e-mails are delivered, and to whom.
    pub(super) delivery: DeliverySettings,
    /// The imports that repeat.
    pub(super) imports: Vec<ScheduledImport>,
}

impl Config {
    /// Reads the file of the working folder; without one, nothing is set.
    pub(super) fn read() -> Result<Config> {
        let text = match std::fs::read_to_string(Path::new(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(Error::new(ErrorKind::InvalidInput, format!("cannot read {FILE}")).with_source(error));
            }
        };
        let mut config = Config::parse(&text)?;
        config.low_stock.as_ref().map_or(Ok(()), WebhookConfig::check)?;
        config.http = environment::over(section(&text, "http"), variables())?;
        Ok(config)
    }

    /// How long the journal is kept.
    pub(super) fn journal_keep(&self) -> Result<Duration> {
        let span = self.journal_keep.as_deref().map(parse_duration).transpose();
        Ok(span.map_err(|error| in_argument(&format!("{FILE}: journal_keep"), &error))?.unwrap_or(JOURNAL_KEEP))
    }

    /// How visitors are known: by the secret of the environment first, so that it need not stand in a file.
    pub(super) fn visitors(&self) -> Result<VisitorSettings> {
        let mut visitors = self.visitors.clone();
        if let Ok(secret) = std::env::var(VISITOR_SECRET) {
            visitors.keys.insert(0, VisitorKey::new(VISITOR_SECRET, secret)?);
        }
        Ok(visitors)
    }

    fn parse(text: &str) -> Result<Config> {
        let config: Config = toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            // The engine's own display quotes the line, in which a password may stand.
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            Error::new(ErrorKind::InvalidInput, format!("{FILE}, line {line}: {message}")).with_help(HELP)
        })?;
        check_import_names(&config.imports)?;
        Ok(config)
    }
}

/// A section of a file that has been read already, as it is written.
fn section(text: &str, name: &str) -> toml::Table {
    let file: toml::Table = toml::from_str(text).unwrap_or_default();
    file.get(name).and_then(toml::Value::as_table).cloned().unwrap_or_default()
}

/// The environment, as far as it is text.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_line() {
        let error = Config::parse("store = \"memory:\"\nprojekt = \"shop\"\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "tearoff.toml, line 2: unknown field `projekt`, expected one of `store`, `replicas`, `ca_file`, `project`, `journal_keep`, `redemption`, `low_stock`, `limits`, `http`, `layers`, `visitors`, `delivery`, `imports`"
        );
    }

    #[test]
    fn an_import_that_cannot_be_names_its_line() {
        let error = |lines: &str| {
            let text = format!("store = \"memory:\"\n\n[[imports]]\npool = \"p\"\n{lines}\n");
            Config::parse(&text).unwrap_err().to_string()
        };
        assert_eq!(
            error("source = \"a.csv\"\ncron = \"0 0 30 2 *\""),
            "tearoff.toml, line 6: the cron expression '0 0 30 2 *' never comes true"
        );
        assert_eq!(error("source = \"-\""), "tearoff.toml, line 5: standard input cannot be imported again and again");
        assert_eq!(
            error("source = \"http://ada:SECRET@shop.example/\""),
            "tearoff.toml, line 5: http://shop.example/: only https is fetched"
        );
        let mars = error("source = \"a.csv\"\ncron = \"@daily\"\ntimezone = \"Mars\"");
        assert!(mars.starts_with("tearoff.toml, line 7: there is no time zone 'Mars'"), "{mars}");
        let missing = error("source = \"a.csv\"");
        assert!(missing.starts_with("tearoff.toml, line 3: missing field `cron`"), "{missing}");
    }

    #[test]
    fn two_imports_of_one_name_are_refused() {
        let import = "[[imports]]\npool = \"p\"\nsource = \"a.csv\"\ncron = \"@daily\"\n";
        assert_eq!(Config::parse(&import.repeat(2)).unwrap_err().to_string(), "two of the imports are called 'p'");
        assert!(Config::parse(&format!("{import}{import}name = \"q\"\n")).is_ok());
    }
}
