//! Servers that are set up badly: `doctor` names each setting with its remedy, and nothing runs on them unasked.

use serde_json::Value;

use crate::servers::{Cluster, Sentinel, Server, Settings};
use crate::workshop::Workshop;

/// A small campaign on the store at `url`.
fn workshop(url: &str) -> Workshop {
    let workshop = Workshop::new(5, 9);
    workshop.write("tearoff.toml", &format!("store = \"{url}\"\n"));
    workshop
}

/// What `doctor` finds wrong: the checks and what is said of them; as text it says the same.
#[track_caller]
fn found(workshop: &Workshop, globals: &[&str]) -> Vec<(String, String)> {
    let ran = workshop.run(&[globals, &["doctor", "--json"]].concat());
    let findings: Vec<Value> = serde_json::from_slice(&ran.0.stdout).unwrap_or_else(|_| panic!("{}", ran.errors()));
    let text = workshop.run(&[globals, &["doctor"]].concat());
    let lines = String::from_utf8(text.0.stdout.clone()).unwrap();
    let bad = findings.iter().filter(|finding| finding["ok"] == false);
    let bad: Vec<_> =
        bad.map(|finding| ["check", "detail"].map(|name| crate::workshop::text(&finding[name]))).collect();
    let exit = if bad.is_empty() { 0 } else { 7 };
    ran.exits(exit);
    text.exits(exit);
    for [check, detail] in &bad {
        assert!(lines.contains(&format!("✘ {check}: ")) && detail.contains("; "), "{check}: {detail}\n{lines}");
    }
    bad.into_iter().map(|[check, detail]| (check, detail)).collect()
}

/// `doctor` finds only this, and says it with this remedy.
#[track_caller]
fn finds(workshop: &Workshop, check: &str, detail: &str, remedy: &str) {
    let found = found(workshop, &[]);
    let is_it = found.iter().all(|(name, said)| name == check && said.contains(detail) && said.contains(remedy));
    assert!(!found.is_empty() && is_it, "{found:?}");
}

/// `campaign run` refuses the store with the setting's name and changes nothing; with `--accept-loss` it warns and runs.
#[track_caller]
fn refuses_until_accepted(workshop: &Workshop, server: &Server, name: &str) {
    let keys = || server.command::<usize>(&["DBSIZE"]);
    workshop.send(&[]).exits(7).says(name).says("--accept-loss").says("help: ");
    assert!(!workshop.exists("out") && keys() == 0, "something was changed");
    workshop.send(&["--accept-loss"]).exits(0).says("WARN").says(name);
    assert_eq!(workshop.delivered().len(), 5);
}

#[test]
fn a_good_server_passes() {
    let server = Server::start();
    let workshop = workshop(&server.url());
    assert_eq!(found(&workshop, &[]), []);
    let quiet = workshop.send(&[]).exits(0);
    assert!(!quiet.errors().contains("WARN"), "{}", quiet.errors());
}

#[test]
fn each_setting_that_loses_codes_is_named_and_refused() {
    for (name, value, check, remedy) in [
        ("appendonly", "no", "persistence", "set 'appendonly yes'"),
        ("appendfsync", "everysec", "fsync", "set 'appendfsync always'"),
        ("no-appendfsync-on-rewrite", "yes", "fsync-on-rewrite", "set 'no-appendfsync-on-rewrite no'"),
        ("maxmemory-policy", "allkeys-lru", "eviction", "set 'maxmemory-policy noeviction'"),
    ] {
        let server = Server::with(&Settings::default().set(name, value));
        let workshop = workshop(&server.url());
        finds(&workshop, check, &format!("{name} is {value}"), remedy);
        refuses_until_accepted(&workshop, &server, name);
    }
}

#[test]
fn a_server_that_is_nearly_full_is_warned_of() {
    let server = Server::start();
    let workshop = workshop(&server.url());
    let used: u64 = server.info("used_memory").unwrap().parse().unwrap();
    server.command::<()>(&["CONFIG", "SET", "maxmemory", &(used * 108 / 100).to_string()]);
    finds(&workshop, "memory", "MB used", "raise 'maxmemory'");
    workshop.run(&["pool", "list"]).exits(0).says("WARN").says("maxmemory");
}

#[test]
fn a_replica_is_no_store() {
    let master = Server::start();
    let settings = Settings::default().set("replicaof", &format!("127.0.0.1 {}", master.port()));
    let replica = Server::with(&settings);
    let workshop = workshop(&replica.url());
    finds(&workshop, "role", "is a replica", "name the master");
    workshop.send(&["--accept-loss"]).exits(7).says("the server is a replica").says("name the master");
    assert!(!workshop.exists("out"));
}

#[test]
fn a_cluster_that_does_not_serve_every_slot_is_told() {
    let cluster = Cluster::of_masters();
    let workshop = workshop(&cluster.url());
    assert_eq!(found(&workshop, &[]), []);
    for node in &cluster.nodes {
        node.command::<()>(&["CLUSTER", "DELSLOTSRANGE", "0", "99"]);
    }
    finds(&workshop, "cluster", "slots are not served", "redis-cli --cluster check");
    workshop.run(&["pool", "create", "spring"]).exits(5).says("CLUSTERDOWN");
}

#[test]
fn a_failover_that_may_lose_codes_is_told_until_replicas_confirm() {
    let set = Sentinel::start();
    let workshop = workshop(&set.url());
    finds(&workshop, "failover", "codes may be given twice", "--replicas N");
    refuses_until_accepted(&workshop, set.master(), "failover");
    assert_eq!(found(&workshop, &["--replicas", "1"]), []);
    let two = found(&workshop, &["--replicas", "2"]);
    assert_eq!(two.iter().map(|(check, _)| check.as_str()).collect::<Vec<_>>(), ["replicas"], "{two:?}");
}
