//! Lines that lose replies, or everything.

use std::time::{Duration, Instant};

use rand::RngExt;
use tearoff::voucher::{Claim, Claimed, Kept, Lease, Settled, Shown, Store, Width};
use tokio::time::sleep;

use crate::claim::claim;
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

/// Sends a message with the code that its customer has.
async fn send_wide(store: &dyn Store, message: &str) -> Settled {
    let (lease, claim) = (Lease::new(Lease::TIME), Claim { width: Width::Customer, ..claim(message, "ada") });
    let answers = store.reserve(&lease, std::slice::from_ref(&claim)).await.unwrap();
    let [Claimed::Bound(binding)] = &answers[..] else { panic!("a code was expected, not {answers:?}") };
    let shown = Shown { pool: claim.pool.clone(), key: claim.key().unwrap(), code: binding.voucher.code.clone() };
    store.settle(&lease, &[Kept { message: claim.message, shown: vec![shown] }]).await.unwrap().remove(0)
}

/// Between what a settling call asks the registry and what it asks the pool, the message is released by hand. What it shows
/// is under a wider key and stays bound. Fails on a build that retires a message in the registry alone, and on one whose pools
/// settle what is retired.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_released_while_it_settles_is_refused() {
    const DELAY: Duration = Duration::from_millis(200);
    let server = Server::start();
    let load = Load { codes: 5, messages: 0, ..Load::on(server.url()) };
    let store = load.open().await;
    load.start().await.finish().await;
    let line = line_to(&server);
    let slow = Load::on(line.url()).open().await;
    assert_eq!(send_wide(&*store, "first").await, Settled::Accepted);
    line.delay(DELAY);
    let second = tokio::spawn(async move { (send_wide(&*slow, "second").await, Instant::now()) });
    let id = claim("second", "ada").message.message_id.clone();
    while store.release_message(&id).await.is_err() {
        sleep(Duration::from_millis(5)).await;
    }
    let released = Instant::now();
    let (settled, answered) = second.await.unwrap();
    assert!(answered - released > DELAY, "the message was released too late to say anything");
    assert_eq!(settled, Settled::Refused);
}
