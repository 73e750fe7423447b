//! That the servers of the tests do what the tests rely on.

use std::time::Instant;

use crate::servers::{Certificates, Cluster, Sentinel, Server, Settings, until};

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
    let server = Server::with(Settings::default().password("secret").tls(&certificates));
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
    let t = Instant::now();
    let cluster = Cluster::with_replicas();
    eprintln!("up {:?}", t.elapsed());
    let slot = cluster.slot_of("{a}");
    cluster.owner(slot).command::<()>(&["SET", "{a}", "1"]);
    let before = cluster.owner(slot).port();
    let to = cluster.nodes[..3].iter().find(|node| node.port() != before).unwrap();
    cluster.move_slot(slot, to);
    assert_eq!(cluster.owner(slot).command::<String>(&["GET", "{a}"]), "1");
    assert_eq!(cluster.owner(slot).port(), to.port());
    eprintln!("moved {:?}", t.elapsed());
    to.kill_9();
    until("a replica takes over", || (cluster.owner(slot).port() != to.port()).then_some(()));
    eprintln!("over {:?}", t.elapsed());
    to.restart();
    cluster.wait_for_replicas();
    eprintln!("back {:?}", t.elapsed());
}

#[test]
fn the_sentinels_make_the_replica_the_master() {
    let t = Instant::now();
    let set = Sentinel::start();
    eprintln!("up {:?}", t.elapsed());
    set.servers[0].kill_9();
    set.wait_for_master(&set.servers[1]);
    eprintln!("over {:?}", t.elapsed());
    set.servers[0].restart();
    set.wait_for_replica();
    eprintln!("back {:?}", t.elapsed());
}
