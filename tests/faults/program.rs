//! The program that sends a campaign, killed, and its server killed under it.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use crate::servers::Server;
use crate::workshop::Workshop;

/// A campaign of as many recipients whose pool is on this server.
fn workshop(server: &Server, recipients: usize, codes: usize) -> Workshop {
    let workshop = Workshop::new(recipients, codes);
    workshop.write("tearoff.toml", &format!("store = \"{}\"\n", server.url()));
    workshop
}

/// Fails on a build that writes a message before its codes are settled, and on one that does not give the codes of a message
/// that it began before.
#[test]
fn killed_at_random_points_it_ends_with_every_recipient_once_and_the_same_codes() {
    let server = Server::start();
    let (recipients, codes, kills) =
        if std::env::var_os("TEAROFF_LONG").is_some() { (20_000, 20_500, 60) } else { (8_000, 8_100, 10) };
    let workshop = workshop(&server, recipients, codes);
    let later = |round: usize| Duration::from_millis(if round.is_multiple_of(2) { 40 } else { 600 });
    workshop.serves_all_though_killed((recipients, codes), kills, later);
}

/// Where the server is away for longer than a call may take, the program ends with 5, and goes on when it is run again. Comes
/// to no end on a build that takes a server that is away for an empty pool, and a settle without an answer for an accepted one.
#[test]
fn where_the_server_goes_away_it_ends_and_goes_on_later() {
    let server = Server::start();
    let workshop = workshop(&server, 20_000, 20_000);
    let mut child = workshop.start();
    while !std::fs::metadata(workshop.path("out/messages.jsonl")).is_ok_and(|file| file.len() > 0) {
        sleep(Duration::from_millis(2));
    }
    server.kill_9();
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert!(!workshop.read("out/events.jsonl").contains("enqueue_failed"));
    let mut known = BTreeMap::new();
    workshop.see(&mut known);
    assert!(known.len() < 20_000, "it was done before");
    server.restart();
    workshop.send(&[]).exits(0);
    workshop.see(&mut known);
    workshop.check_all_served(20_000, 20_000);
}
