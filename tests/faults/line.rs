//! Lines that lose replies, or everything.

use std::time::Duration;

use rand::RngExt;
use tokio::time::sleep;

use crate::load::Load;
use crate::servers::{Proxy, Server};

pub(crate) fn line_to(server: &Server) -> Proxy {
    let seed = rand::rng().random();
    eprintln!("the line's seed is {seed}");
    Proxy::before(server.port(), seed)
}

/// Fails on a build that takes codes without looking first whether the claim's key has one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_cut_after_the_command_ran_change_nothing() {
    let server = Server::start();
    let line = line_to(&server);
    let running = Load::on(line.url()).start().await;
    line.cut_replies(0.03);
    running.reach(0.95).await;
    line.heal();
    running.check().await;
    assert!(line.cuts() > 10, "only {} replies were cut", line.cuts());
}

/// What was asked arrives late, when senders have long asked again. Fails on a build that waits for an answer without a
/// limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_swallows_everything_for_a_while_changes_nothing() {
    let server = Server::start();
    let line = line_to(&server);
    let running = Load::on(line.url()).start().await;
    for share in [0.2, 0.5] {
        running.reach(share).await;
        line.swallow();
        sleep(Duration::from_secs(4)).await;
        line.heal();
    }
    let ended = running.check().await;
    assert!(ended.sink.retries() > 0, "no sender noticed");
}

/// Fails on a build that takes a slow answer for none, and takes again what it has taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_line_changes_nothing() {
    let server = Server::start();
    let line = line_to(&server);
    line.delay(Duration::from_millis(20));
    let load = Load { codes: 1_000, messages: 1_200, ..Load::on(line.url()) };
    load.start().await.check().await;
}
