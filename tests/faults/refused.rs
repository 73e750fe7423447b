//! Servers that cannot be reached, let nobody in or cannot keep the promises, as a user of the program meets them.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use crate::servers::{Server, Settings, free_port, redis_5};
use crate::workshop::{Ran, Workshop};

/// `pool list` on the store at `url`, and how long it took.
fn list(url: &str, more: &[&str]) -> (Ran, Duration) {
    let began = Instant::now();
    let ran = Workshop::new(1, 1).run(&[&["--store", url, "pool", "list"], more].concat());
    (ran, began.elapsed())
}

/// Fails on a build that retries without an end, or waits for a connection without a limit.
#[test]
fn a_server_that_cannot_be_reached_is_told_within_seconds() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for port in [free_port(), silent.local_addr().unwrap().port()] {
        let place = format!("127.0.0.1:{port}");
        for url in [
            format!("redis://{place}"),
            format!("redis+cluster://{place}"),
            format!("redis+sentinel://{place}/mymaster"),
        ] {
            let (ran, took) = list(&url, &[]);
            ran.exits(5);
            assert!(took < Duration::from_secs(15), "{url} took {took:?}");
        }
    }
}

/// Fails on a build that takes a wrong password for a server that is away, and on one that tells the password.
#[test]
fn a_wrong_password_is_told_and_not_repeated() {
    let server = Server::with(&Settings::default().password("right-7261"));
    let place = server.address();
    list(&format!("redis://:right-7261@{place}"), &[]).0.exits(0);
    for url in [format!("redis://{place}"), format!("redis://:wrong-9314@{place}")] {
        let errors = list(&url, &[]).0.exits(7).says("password").errors();
        assert!(!errors.contains("9314"), "{errors}");
    }
}

/// Fails on a build that does not ask for the version.
#[test]
fn a_server_that_is_too_old_is_refused_by_its_version() {
    list(&redis_5(), &[]).0.exits(7).says("5.0.7");
}

/// Fails on a build that does not look at the setting.
#[test]
fn settings_that_lose_codes_are_refused_by_name_unless_they_are_accepted() {
    for (name, value) in [
        ("appendonly", "no"),
        ("appendfsync", "everysec"),
        ("no-appendfsync-on-rewrite", "yes"),
        ("maxmemory-policy", "allkeys-lru"),
    ] {
        let server = Server::with(&Settings::default().set(name, value));
        list(&server.url(), &[]).0.exits(7).says(name).says("--accept-loss");
        list(&server.url(), &["--accept-loss"]).0.exits(0).says(name);
    }
}
