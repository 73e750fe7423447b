//! That the servers, lines and power cuts of the tests do what the tests rely on.

use std::time::Duration;

use redis::ConnectionLike;

use crate::servers::{Certificates, Cluster, Proxy, Sentinel, Server, Settings, redis_5, until};

#[test]
fn a_killed_server_comes_back_with_what_it_had_answered() {
    let server = Server::start();
    server.command::<()>(&["SET", "a", "1"]);
    server.kill_9();
    assert!(server.has_ended() && server.try_command::<String>(&["PING"]).is_err());
    server.restart();
    assert_eq!(server.command::<String>(&["GET", "a"]), "1");
}

#[test]
fn a_server_asks_for_its_password_and_speaks_tls() {
    let certificates = Certificates::new();
    let server = Server::with(&Settings::default().password("secret").tls(&certificates));
    let run = |more: &[&str]| {
        let mut command = std::process::Command::new("redis-cli");
        command.args(["--tls", "-p", &server.port().to_string(), "--cacert"]).arg(certificates.authority());
        String::from_utf8(command.args(more).output().unwrap().stdout).unwrap()
    };
    assert!(run(&["ping"]).contains("NOAUTH"));
    assert!(run(&["-a", "secret", "ping"]).contains("PONG"));
}

#[test]
fn a_slot_of_a_cluster_moves_and_a_replica_takes_over() {
    let cluster = Cluster::with_replicas();
    let slot = cluster.slot_of("{a}");
    cluster.owner(slot).command::<()>(&["SET", "{a}", "1"]);
    let before = cluster.owner(slot).port();
    let to = cluster.nodes[..3].iter().find(|node| node.port() != before).unwrap();
    cluster.move_slot(slot, to);
    assert_eq!(cluster.owner(slot).command::<String>(&["GET", "{a}"]), "1");
    assert_eq!(cluster.owner(slot).port(), to.port());
    to.kill_9();
    until("a replica takes over", || (cluster.owner(slot).port() != to.port()).then_some(()));
    to.restart();
    cluster.wait_for_replicas();
}

#[test]
fn the_sentinels_make_the_replica_the_master() {
    let set = Sentinel::start();
    set.servers[0].kill_9();
    set.wait_for_master(&set.servers[1]);
    set.servers[0].restart();
    set.wait_for_replica();
}

/// Only what was synced is still there after a power cut.
#[test]
fn a_power_cut_takes_what_was_not_synced() {
    for (fsync, left) in [("always", 100), ("no", 0)] {
        let server = Server::with(&Settings::default().set("appendfsync", fsync).power_can_fail());
        for n in 0..100 {
            server.command::<()>(&["SET", &n.to_string(), "x"]);
        }
        let lost = server.cut_power();
        assert_eq!(lost == 0, left == 100, "{lost} bytes");
        server.restart();
        assert_eq!(server.command::<usize>(&["DBSIZE"]), left);
    }
}

#[test]
fn a_bad_line_cuts_replies_to_what_was_done() {
    let server = Server::start();
    let proxy = Proxy::before(server.port(), 1);
    proxy.cut_replies(0.3);
    let ask = || redis::Client::open(proxy.url())?.get_connection()?.req_command(redis::cmd("INCR").arg("n"));
    let answered = (0..50).filter(|_| ask().is_ok()).count();
    let done: usize = server.command(&["GET", "n"]);
    assert!(proxy.cuts() > 0 && answered < done && done <= 50, "{} cuts, {answered} of {done}", proxy.cuts());
    proxy.heal();
    assert!(ask().is_ok());
    proxy.swallow();
    let client = redis::Client::open(proxy.url()).unwrap();
    let silent = client.get_connection_with_timeout(Duration::from_millis(200));
    assert!(silent.and_then(|mut connection| connection.req_command(&redis::cmd("PING"))).is_err());
}

#[test]
fn the_old_server_knows_what_redis_5_knew() {
    let mut connection = redis::Client::open(redis_5()).unwrap().get_connection().unwrap();
    let info: String = redis::cmd("INFO").query(&mut connection).unwrap();
    assert!(info.contains("redis_version:5.0.7"));
    let policy: Vec<String> = redis::cmd("CONFIG").arg(&["GET", "maxmemory-policy"]).query(&mut connection).unwrap();
    assert_eq!(policy, ["maxmemory-policy", "noeviction"]);
    assert!(redis::cmd("EVAL").arg(&["#!lua\nreturn 1", "0"]).query::<()>(&mut connection).is_err());
}
