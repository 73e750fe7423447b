//! What one server says of itself.

use std::collections::HashMap;

use redis::Value;

use super::{Check, Severity};

/// The oldest version whose scripts check everything before they write.
const OLDEST: (u64, u64) = (7, 0);

/// The longest hash, and its longest value, that a server must keep small for the sizes that docs/REDIS.md names.
const SMALL_HASH: [(&str, u64); 2] = [("hash-max-listpack-entries", 128), ("hash-max-listpack-value", 64)];

/// A master: what `INFO` and `CONFIG GET` say of it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: String,
    /// `None` if we may not ask.
    info: Option<HashMap<String, String>>,
    /// `None` if we may not ask.
    settings: Option<HashMap<String, String>>,
}

/// The lines `name:value` of an answer.
pub(super) fn fields(answer: &Value) -> HashMap<String, String> {
    let text = text(answer);
    text.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name.into(), value.into())).collect()
}

fn text(value: &Value) -> String {
    redis::from_redis_value_ref(value).unwrap_or_default()
}

impl Server {
    /// The servers in the answers of all masters to `INFO` and `CONFIG GET`.
    pub(super) fn read(info: &Value, settings: &Value) -> Vec<Server> {
        let settings = by_address(settings);
        by_address(info)
            .into_iter()
            .map(|(address, info)| {
                let settings = settings.iter().find(|(other, _)| *other == address).map(|(_, answer)| *answer);
                Server {
                    info: (!matches!(info, Value::ServerError(_))).then(|| fields(info)),
                    settings: settings.and_then(|answer| redis::from_redis_value_ref(answer).ok()),
                    address,
                }
            })
            .collect()
    }

    fn said(&self, name: &str) -> Option<&str> {
        self.info.as_ref()?.get(name).map(|value| value.trim())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.said(name)?.parse().ok()
    }

    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.as_ref()?.get(name).map(String::as_str)
    }

    /// How many replicas are connected.
    pub(super) fn replicas(&self) -> u64 {
        self.number("connected_slaves").unwrap_or_default()
    }

    /// Whether it belongs to a Cluster.
    pub(super) fn is_node(&self) -> bool {
        self.said("cluster_enabled") == Some("1")
    }

    pub(super) fn needed_replicas(&self) -> &str {
        self.setting("min-replicas-to-write").unwrap_or("unknown")
    }

    pub(super) fn checks(&self) -> Vec<Check> {
        if self.info.is_none() {
            let remedy = "allow the user 'INFO' and 'CONFIG GET'";
            return vec![Check::new("settings", Severity::Loss, "how the server is set up cannot be seen", remedy)];
        }
        let version = self.version();
        if version.severity == Severity::Unusable {
            return vec![version];
        }
        vec![
            version,
            self.role(),
            self.persistence(),
            self.fsync(),
            self.rewrite(),
            self.eviction(),
            self.memory(),
            self.small_hashes(),
        ]
    }

    fn version(&self) -> Check {
        let version = self.said("redis_version").unwrap_or_default();
        let mut numbers = version.split('.').map(|number| number.parse::<u64>().unwrap_or_default());
        let found = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        let shown = match self.said("valkey_version") {
            Some(valkey) => format!("Valkey {valkey}"),
            None => format!("Redis {version}"),
        };
        if found >= OLDEST {
            return Check::sound("version", shown);
        }
        let remedy = "use Redis 7.0 or later, or Valkey";
        Check::new("version", Severity::Unusable, format!("{shown} is too old"), remedy)
    }

    fn role(&self) -> Check {
        match self.said("role") {
            Some("master") => Check::sound("role", "master"),
            _ => Check::new("role", Severity::Unusable, "the server is a replica", "name the master"),
        }
    }

    fn persistence(&self) -> Check {
        const REMEDY: &str = "set 'appendonly yes'";
        match self.setting("appendonly").or_else(|| self.said("aof_enabled")) {
            Some("yes" | "1") => Check::sound("persistence", "appendonly is yes"),
            Some(_) => Check::new("persistence", Severity::Loss, "appendonly is no", REMEDY),
            None => unseen("persistence", "appendonly"),
        }
    }

    fn fsync(&self) -> Check {
        const REMEDY: &str = "set 'appendfsync always'";
        match self.setting("appendfsync") {
            Some("always") => Check::sound("fsync", "appendfsync is always"),
            Some(other) => Check::new("fsync", Severity::Loss, format!("appendfsync is {other}"), REMEDY),
            None => unseen("fsync", "appendfsync"),
        }
    }

    fn rewrite(&self) -> Check {
        const NAME: &str = "fsync-on-rewrite";
        const REMEDY: &str = "set 'no-appendfsync-on-rewrite no'";
        match self.setting("no-appendfsync-on-rewrite") {
            Some("no") => Check::sound(NAME, "no-appendfsync-on-rewrite is no"),
            Some(_) => Check::new(NAME, Severity::Loss, "no-appendfsync-on-rewrite is yes", REMEDY),
            None => unseen(NAME, "no-appendfsync-on-rewrite"),
        }
    }

    fn eviction(&self) -> Check {
        const REMEDY: &str = "set 'maxmemory-policy noeviction'";
        match self.setting("maxmemory-policy").or_else(|| self.said("maxmemory_policy")) {
            Some("noeviction") => Check::sound("eviction", "maxmemory-policy is noeviction"),
            Some(other) => Check::new("eviction", Severity::Loss, format!("maxmemory-policy is {other}"), REMEDY),
            None => unseen("eviction", "maxmemory-policy"),
        }
    }

    fn memory(&self) -> Check {
        let (used, limit) =
            (self.number("used_memory").unwrap_or_default(), self.number("maxmemory").unwrap_or_default());
        let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
        if limit == 0 {
            return Check::sound("memory", format!("{} MB used, maxmemory is not set", megabytes(used)));
        }
        let detail = format!("{} of {} MB used", megabytes(used), megabytes(limit));
        if used.saturating_mul(10) < limit.saturating_mul(9) {
            return Check::sound("memory", detail);
        }
        Check::new("memory", Severity::Warning, detail, "raise 'maxmemory': a full server takes no more codes")
    }

    /// Advice only: everything works with larger hashes, in more memory.
    fn small_hashes(&self) -> Check {
        let low = SMALL_HASH.iter().find_map(|(name, least)| {
            let found = self.setting(name)?.parse::<u64>().ok().filter(|found| found < least)?;
            Some(format!("{name} is {found}; with {least} the codes would take less memory"))
        });
        Check::sound("small-hashes", low.unwrap_or_else(|| "the codes are packed".to_owned()))
    }
}

fn unseen(name: &'static str, setting: &str) -> Check {
    Check::new(name, Severity::Loss, format!("{setting} cannot be seen"), "allow the user 'CONFIG GET'")
}

fn by_address(answers: &Value) -> Vec<(String, &Value)> {
    match answers {
        Value::Map(entries) => entries.iter().map(|(address, answer)| (text(address), answer)).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "# Server\r\nredis_version:7.0.15\r\nrole:master\r\naof_enabled:1\r\nconnected_slaves:1\r\n\
        used_memory:1000000\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n";

    const SETTINGS: [(&str, &str); 4] = [
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("no-appendfsync-on-rewrite", "no"),
        ("maxmemory-policy", "noeviction"),
    ];

    fn server(info: &str, settings: &[(&str, &str)]) -> Server {
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let map = |value: Value| Value::Map(vec![(bulk("host:6379"), value)]);
        let settings = settings.iter().map(|(name, value)| (bulk(name), bulk(value))).collect();
        Server::read(&map(bulk(info)), &map(Value::Map(settings))).pop().unwrap()
    }

    fn found(server: &Server) -> Vec<(&'static str, Severity)> {
        let checks = server.checks().into_iter().filter(|check| check.severity > Severity::Sound);
        checks.map(|check| (check.name, check.severity)).collect()
    }

    #[test]
    fn a_safe_server_passes() {
        let server = server(INFO, &SETTINGS);
        assert_eq!(found(&server), []);
        assert_eq!((server.address.as_str(), server.replicas()), ("host:6379", 1));
    }

    #[test]
    fn each_unsafe_setting_is_found() {
        for (name, value, check) in [
            ("appendonly", "no", "persistence"),
            ("appendfsync", "everysec", "fsync"),
            ("no-appendfsync-on-rewrite", "yes", "fsync-on-rewrite"),
            ("maxmemory-policy", "allkeys-lru", "eviction"),
        ] {
            let mut settings = SETTINGS;
            settings.iter_mut().find(|(other, _)| *other == name).unwrap().1 = value;
            assert_eq!(found(&server(INFO, &settings)), [(check, Severity::Loss)], "{name}");
        }
    }

    #[test]
    fn each_unsafe_state_is_found() {
        for (fine, bad, expected) in [
            ("7.0.15", "5.0.14", ("version", Severity::Unusable)),
            ("7.0.15", "6.2.14", ("version", Severity::Unusable)),
            ("role:master", "role:slave", ("role", Severity::Unusable)),
            ("maxmemory:0", "maxmemory:1000001", ("memory", Severity::Warning)),
        ] {
            assert_eq!(found(&server(&INFO.replace(fine, bad), &SETTINGS)), [expected], "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_no_promise() {
        let mut server = server(INFO, &SETTINGS);
        server.settings = None;
        assert_eq!(found(&server), [("fsync", Severity::Loss), ("fsync-on-rewrite", Severity::Loss)]);
        server.info = None;
        assert_eq!(found(&server), [("settings", Severity::Loss)]);
    }
}
