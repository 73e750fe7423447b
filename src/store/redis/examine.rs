//! Whether the servers are set up so that the promises hold.
//!
//! Opening a store refuses what would break one, unless that is accepted; `doctor` shows everything.
//!
//! Without the right to ask `CONFIG GET` it knows less, and what it does not know has to be accepted by hand.

mod server;

use self::server::Server;
use super::RedisStore;
use super::link::Link;
use super::options::RedisOptions;
use super::target::{Layout, RedisUrl};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::Finding;

/// The settings that `CONFIG GET` is asked for.
const SETTINGS: [&str; 7] = [
    "appendonly",
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "maxmemory-policy",
    "min-replicas-to-write",
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
];

/// The check of the replicas that have to confirm.
const CONFIRMING: &str = "replicas";

/// What a check found, and what follows from it.
struct Check {
    name: &'static str,
    severity: Severity,
    detail: String,
    remedy: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    /// As it should be.
    Sound,
    /// It should be looked after.
    Warning,
    /// A promise may be broken.
    Loss,
    /// The store cannot work like that.
    Unusable,
}

impl Check {
    fn sound(name: &'static str, detail: impl Into<String>) -> Check {
        Check { name, severity: Severity::Sound, detail: detail.into(), remedy: "" }
    }

    fn new(name: &'static str, severity: Severity, detail: impl Into<String>, remedy: &'static str) -> Check {
        Check { name, severity, detail: detail.into(), remedy }
    }

    /// As one line of `doctor`.
    fn finding(self) -> Finding {
        let remedy = if self.remedy.is_empty() { String::new() } else { format!("; {}", self.remedy) };
        Finding {
            check: self.name.to_owned(),
            ok: self.severity == Severity::Sound,
            detail: format!("{}{remedy}", self.detail),
        }
    }
}

impl RedisStore {
    /// What an operator should know of the servers.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if they do not answer.
    pub(super) async fn findings(&self) -> Result<Vec<Finding>> {
        Ok(checks(&self.link, &self.options).await?.into_iter().map(Check::finding).collect())
    }

    /// What keeps the servers from being used, or would have kept the store from being opened.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if they do not answer.
    pub(super) async fn obstacles(&self) -> Result<Vec<Finding>> {
        let worst = if self.options.accept_loss { Severity::Unusable } else { Severity::Loss };
        let checks = checks(&self.link, &self.options).await?.into_iter();
        // Without its replicas, a store that needs them refuses everything.
        let is_stuck = |check: &Check| check.name == CONFIRMING && check.severity > Severity::Sound;
        Ok(checks.map(|check| Finding { ok: check.severity < worst && !is_stuck(&check), ..check.finding() }).collect())
    }
}

/// Refuses servers on which a promise may be broken, unless that is accepted, and those that cannot be used at all.
pub(super) async fn admit(link: &Link, options: &RedisOptions) -> Result<()> {
    let mut checks = checks(link, options).await?;
    checks.retain(|check| check.severity >= Severity::Warning);
    if let Some(check) = checks.iter().find(|check| check.severity == Severity::Unusable) {
        let message = format!("the store at {} cannot be used: {}", link.url(), check.detail);
        return Err(Error::new(ErrorKind::InvalidInput, message).with_help(check.remedy));
    }
    let losses: Vec<_> = checks.iter().filter(|check| check.severity == Severity::Loss).collect();
    if losses.is_empty() || options.accept_loss {
        for check in &checks {
            tracing::warn!(store = %link.url(), "{}: {}; {}", check.name, check.detail, check.remedy);
        }
        return Ok(());
    }
    let joined = |part: fn(&Check) -> &str| {
        let mut parts: Vec<_> = losses.iter().map(|check| part(check)).collect();
        parts.dedup();
        parts.join("; ")
    };
    let message = format!("the store at {} may lose codes or give them twice: {}", link.url(), joined(|c| &c.detail));
    let help = format!("{}; or accept it with '--accept-loss'", joined(|check| check.remedy));
    Err(Error::new(ErrorKind::Refused, message).with_help(help))
}

async fn checks(link: &Link, options: &RedisOptions) -> Result<Vec<Check>> {
    let mut settings = redis::cmd("CONFIG");
    settings.arg("GET").arg(&SETTINGS);
    let info = redis::cmd("INFO");
    let (info, settings) = tokio::try_join!(link.query_masters(&info), link.query_masters(&settings))?;
    let servers = Server::read(&info, &settings);
    let mut checks = state_of_cluster(link).await?;
    let is_alone = servers.len() == 1;
    for server in &servers {
        let mut found = server.checks();
        found.extend(foreign(server, link.url()));
        found.push(failover(server, link.url(), options.replicas));
        found.push(confirming(server, options.replicas));
        if !is_alone {
            found.iter_mut().for_each(|check| check.detail = format!("{}: {}", server.address, check.detail));
        }
        checks.extend(found);
    }
    Ok(checks)
}

/// A node of a Cluster would answer for some keys only.
fn foreign(server: &Server, url: &RedisUrl) -> Option<Check> {
    let is_misread = server.is_node() && url.layout != Layout::Cluster;
    let remedy = "write redis+cluster://HOST:PORT,HOST:PORT,…";
    is_misread.then(|| Check::new("cluster", Severity::Unusable, "the server is a node of a Cluster", remedy))
}

async fn state_of_cluster(link: &Link) -> Result<Vec<Check>> {
    if link.url().layout != Layout::Cluster {
        return Ok(Vec::new());
    }
    let mut question = redis::cmd("CLUSTER");
    let answer = link.query(question.arg("INFO")).await?;
    let state = server::fields(&answer).remove("cluster_state").unwrap_or_default();
    Ok(vec![match state.as_str() {
        "ok" => Check::sound("cluster", "every slot is served"),
        _ => Check::new("cluster", Severity::Warning, "some slots are not served", "see 'redis-cli --cluster check'"),
    }])
}

/// Whether a replica could become the master without having everything that was promised.
fn failover(server: &Server, url: &RedisUrl, replicas: u32) -> Check {
    const NAME: &str = "failover";
    let promotes = match url.layout {
        Layout::Single => return Check::sound(NAME, "the URL names one server, which nothing replaces"),
        Layout::Cluster => server.replicas(),
        // Sentinel is there for nothing but failing over, so a replica is only away.
        Layout::Sentinel(_) => server.replicas().max(1),
    };
    if promotes == 0 {
        return Check::sound(NAME, "no replica is connected that could take over");
    }
    if u64::from(replicas) >= promotes {
        return Check::sound(NAME, format!("{replicas} replicas confirm what counts"));
    }
    let detail = format!(
        "{promotes} replica{} may take over, but {replicas} must confirm what was assigned: codes may be given twice \
         after a failover",
        if promotes == 1 { "" } else { "s" }
    );
    Check::new(NAME, Severity::Loss, detail, "give '--replicas N' with N the number of replicas that may take over")
}

/// Whether there are as many replicas as must confirm what counts.
fn confirming(server: &Server, replicas: u32) -> Check {
    let connected = server.replicas();
    let detail = format!(
        "{connected} connected, {replicas} must confirm, min-replicas-to-write is {}",
        server.needed_replicas()
    );
    if connected >= u64::from(replicas) {
        return Check::sound(CONFIRMING, detail);
    }
    let remedy = "nothing can be assigned until so many replicas are connected";
    Check::new(CONFIRMING, Severity::Warning, detail, remedy)
}
