//! Servers that die, lose power, fall silent or forget their scripts.

use std::time::Duration;

use rand::RngExt;
use tokio::time::sleep;

use crate::load::Load;
use crate::servers::{Server, Settings};

/// Fails on a build that takes codes without looking first whether the claim's key has one: what was taken when the answer
/// was lost stays taken, and the retry shows another code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_under_load_loses_nothing() {
    let server = Server::start();
    let running = Load::on(server.url()).start().await;
    for share in [0.1, 0.25, 0.4, 0.55, 0.7] {
        running.reach(share).await;
        server.kill_9();
        sleep(Duration::from_millis(rand::rng().random_range(0..400))).await;
        server.restart();
    }
    running.check().await;
}

/// Fails on a build that opens a store whose `appendfsync` is not `always`, with such a server: see below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_under_load_loses_nothing() {
    let server = Server::with(&Settings::default().power_can_fail());
    let running = Load::on(server.url()).start().await;
    for share in [0.2, 0.4, 0.6] {
        running.reach(share).await;
        server.cut_power();
        server.restart();
    }
    running.check().await;
}

/// The same where the server syncs nothing: the checker has to see it, or the test above says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checker_sees_what_a_power_cut_takes_without_fsync() {
    let server = Server::with(&Settings::default().power_can_fail());
    let load = Load { unrest: 0, ..Load::on(server.url()) };
    let running = load.with(|options| options.accept_loss(true)).start().await;
    running.reach(0.2).await;
    server.command::<()>(&["CONFIG", "SET", "appendfsync", "no"]);
    running.reach(0.5).await;
    assert!(server.cut_power() > 0);
    server.restart();
    assert_ne!(running.finish().await.findings().await, Vec::<String>::new());
}

/// All leases run out meanwhile. Fails on a build without a limit to how long a call may take.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_silent_for_ten_seconds_loses_nothing() {
    let server = Server::start();
    let running = Load::on(server.url()).start().await;
    running.reach(0.3).await;
    server.stop();
    sleep(Duration::from_secs(10)).await;
    server.go_on();
    let ended = running.check().await;
    assert!(ended.sink.retries() > 0, "no sender noticed");
}

/// Fails on a build that calls scripts by their hash and does not send the script itself when the server has forgotten it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_its_scripts_gets_them_again() {
    let server = Server::start();
    let running = Load::on(server.url()).start().await;
    let mut flushed = 0;
    while !running.is_over() {
        server.command::<()>(&["SCRIPT", "FLUSH", "SYNC"]);
        flushed += 1;
        sleep(Duration::from_millis(2)).await;
    }
    let ended = running.check().await;
    assert!(flushed > 50, "flushed {flushed} times");
    assert_eq!(ended.sink.retries(), 0, "a forgotten script is no reason to fail");
}
