//! Servers without room.

use std::time::Duration;

use tokio::time::sleep;

use crate::load::Load;
use crate::servers::{Server, until};

/// Fails on a build that takes `OOM` for an empty pool.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_memory_loses_nothing_and_is_not_an_empty_pool() {
    let server = Server::start();
    let running = Load::on(server.url()).start().await;
    for share in [0.2, 0.5] {
        running.reach(share).await;
        server.command::<()>(&["CONFIG", "SET", "maxmemory", "1mb"]);
        sleep(Duration::from_secs(4)).await;
        assert!(running.sink.failures().is_empty(), "a full memory was taken for an empty pool");
        server.command::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    }
    let ended = running.check().await;
    assert!(ended.sink.retries() > 0, "no sender noticed");
}

/// A server that cannot write what it did ends without an answer. Fails on a build that takes codes without looking first
/// whether the claim's key has one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing() {
    let server = Server::start();
    let running = Load::on(server.url()).start().await;
    running.reach(0.3).await;
    let written: usize = server.info("aof_current_size").unwrap().parse().unwrap();
    server.restart_with(|settings| settings.file_limit(written / 1024 + 64));
    until("the disk becomes full", || server.has_ended().then_some(()));
    assert!(server.log().contains("AOF write error"), "it ended for another reason:\n{}", server.log());
    sleep(Duration::from_secs(4)).await;
    assert!(running.sink.failures().is_empty(), "a full disk was taken for an empty pool");
    server.restart_with(|settings| settings.through(&[]));
    let ended = running.check().await;
    assert!(ended.sink.retries() > 0, "no sender noticed");
}
