//! Store URLs, and the one place that constructs a store.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::store::{GeneratingStore, Options as SqliteOptions, RedisOptions, RedisUrl};
use crate::voucher::Store;

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StoreUrl {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// Servers that many machines share.
    Redis(RedisUrl),
    /// Nowhere: it lasts as long as the program.
    Memory,
}

const KNOWN: &str = "write sqlite:PATH, redis://…, rediss://…, redis+cluster://…, redis+sentinel://… or memory:";

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<StoreUrl> {
        let wrong = |message: String| Error::new(ErrorKind::InvalidInput, message);
        match url.split_once(':') {
            Some(("memory", "")) => Ok(StoreUrl::Memory),
            Some(("sqlite", path)) => match path.strip_prefix("//").unwrap_or(path) {
                "" => Err(wrong("the store URL 'sqlite:' has no path".into()).with_help("write sqlite:PATH")),
                path => Ok(StoreUrl::Sqlite(path.into())),
            },
            Some((scheme, _)) if is_redis(scheme) => Ok(StoreUrl::Redis(url.parse()?)),
            // The rest of an unknown URL may hold a password.
            Some((scheme, _)) if is_scheme(scheme) => {
                Err(wrong(format!("there is no store for '{scheme}:' URLs")).with_help(KNOWN))
            }
            _ => Err(wrong("the store URL has no scheme".into()).with_help(KNOWN)),
        }
    }
}

fn is_redis(scheme: &str) -> bool {
    matches!(scheme.split('+').next(), Some("redis" | "rediss"))
}

fn is_scheme(text: &str) -> bool {
    text.len() > 1 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreUrl::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            StoreUrl::Redis(url) => write!(f, "{url}"),
            StoreUrl::Memory => f.write_str("memory:"),
        }
    }
}

/// How long the journal is kept where nothing else is said: 90 days.
pub(super) const JOURNAL_KEEP: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How a store is opened, of whichever kind it is.
#[derive(Debug, Clone)]
pub(super) struct StoreOptions {
    /// What only servers need.
    pub(super) redis: RedisOptions,
    /// How long the journal is kept.
    pub(super) journal_keep: Duration,
}

impl Default for StoreOptions {
    fn default() -> StoreOptions {
        StoreOptions { redis: RedisOptions::default(), journal_keep: JOURNAL_KEEP }
    }
}

/// Opens the store at `url` for a project, and makes it if it is not there.
pub(super) async fn open_store(url: &StoreUrl, options: &StoreOptions, project: &str) -> Result<Arc<dyn Store>> {
    let sqlite = SqliteOptions::default().journal_keep(options.journal_keep);
    let store: Arc<dyn Store> = match url {
        StoreUrl::Sqlite(path) => Arc::new(sqlite.open(path, project)?),
        StoreUrl::Redis(url) => Arc::new(options.redis.clone().open_at(url.clone(), project).await?),
        StoreUrl::Memory => Arc::new(sqlite.in_memory(project)?),
    };
    Ok(Arc::new(GeneratingStore::new(store)))
}

/// Opens a store that must be there: who looks something up, or changes it, wants to hear of a wrong path.
pub(super) async fn open_existing_store(
    url: &StoreUrl,
    options: &StoreOptions,
    project: &str,
) -> Result<Arc<dyn Store>> {
    match url {
        StoreUrl::Sqlite(path) if !path.exists() => {
            let message = format!("there is no store file '{}'", path.display());
            Err(Error::new(ErrorKind::NotFound, message)
                .with_help("'tearoff pool create POOL' makes it with its first pool; '--store' names another one"))
        }
        _ => open_store(url, options, project).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_file_or_memory() {
        for (url, path) in [
            ("sqlite:tearoff.db", "tearoff.db"),
            ("sqlite:///var/lib/tearoff.db", "/var/lib/tearoff.db"),
            ("sqlite:/var/lib/a b.db", "/var/lib/a b.db"),
        ] {
            assert_eq!(url.parse::<StoreUrl>().unwrap(), StoreUrl::Sqlite(path.into()), "{url}");
        }
        assert_eq!("memory:".parse::<StoreUrl>().unwrap(), StoreUrl::Memory);
    }

    #[test]
    fn urls_name_servers() {
        for url in ["redis://a:1", "rediss://a:1/2", "redis+cluster://a:1,b:2", "redis+sentinel://a:1/shop"] {
            assert_eq!(url.parse::<StoreUrl>().unwrap().to_string(), url);
        }
    }

    #[test]
    fn an_unknown_url_is_told_without_its_password() {
        let error = "postgres://user:secret@host:6379".parse::<StoreUrl>().unwrap_err();
        assert_eq!(error.to_string(), "there is no store for 'postgres:' URLs");
        assert_eq!(error.help(), Some(KNOWN));
        for url in ["tearoff.db", "./a:b", "C:\\tearoff.db"] {
            assert_eq!(url.parse::<StoreUrl>().unwrap_err().to_string(), "the store URL has no scheme", "{url}");
        }
    }
}
