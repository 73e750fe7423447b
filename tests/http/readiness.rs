//! Whether the service can do its work.

use std::time::{Duration, Instant};

use crate::servers::{Server, Settings, until};
use crate::service::{Running, Shop};

fn on_redis(server: &Server, arguments: &[&str]) -> Running {
    let shop = Shop::new();
    shop.write("tearoff.toml", format!("store = '{}'\n", server.url()));
    shop.tearoff(&[&["pool", "create", "spring"], arguments].concat());
    shop.serve_with(&[&["--dev"], arguments].concat())
}

#[test]
fn a_store_that_is_reached_is_ready() {
    let answer = Running::start().get("/readyz");
    assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("ready")));
    let server = Server::start();
    assert_eq!(on_redis(&server, &[]).get("/readyz").status, 200);
}

#[test]
fn a_store_that_stands_still_is_not_ready_and_holds_nobody_up() {
    let server = Server::start();
    let service = on_redis(&server, &[]);
    server.stop();
    let began = Instant::now();
    let answer = service.get("/readyz");
    assert_eq!((answer.status, answer.problem().as_str()), (503, "not_ready"));
    assert_eq!((answer.json()["retryable"].as_bool(), answer.header("retry-after")), (Some(true), Some("1")));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(service.get("/healthz").status, 200);
    server.go_on();
    until("it is ready again", || (service.get("/readyz").status == 200).then_some(()));
}

#[test]
fn a_server_that_becomes_unsafe_is_not_ready() {
    let server = Server::start();
    let service = on_redis(&server, &[]);
    server.command::<()>(&["CONFIG", "SET", "appendonly", "no"]);
    let answer = service.get("/readyz");
    assert_eq!(answer.problem(), "not_ready");
    assert_eq!(answer.json()["detail"], "the check 'persistence' of the store fails");
    assert!(!String::from_utf8(answer.body).unwrap().contains("127.0.0.1"));
}

#[test]
fn what_was_accepted_is_ready() {
    let server = Server::with(&Settings::default().set("appendonly", "no"));
    assert_eq!(on_redis(&server, &["--accept-loss"]).get("/readyz").status, 200);
}
