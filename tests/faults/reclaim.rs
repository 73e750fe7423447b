//! Tests that are reclaimed over a slow line.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tearoff::voucher::{Claim, Claimed, Kept, Lease, MessageIdentity, Mode, PoolCounts, PoolName, Shown, Store};

use crate::claim::claim;
use crate::import::drawn;
use crate::line::line_to;
use crate::load::Load;
use crate::servers::Server;

fn test_claim(number: usize) -> Claim {
    let live = claim(&format!("test-{number}"), "ada");
    Claim { message: Arc::new(MessageIdentity { mode: Mode::Test, ..(*live.message).clone() }), ..live }
}

async fn send(store: &dyn Store, claims: &[Claim]) {
    let lease = Lease::new(Lease::TIME);
    let answers = store.reserve(&lease, claims).await.unwrap();
    let kept = |(claim, answer): (&Claim, Claimed)| {
        let Claimed::Bound(binding) = answer else { panic!("a code was expected, not {answer:?}") };
        let shown = Shown { pool: claim.pool.clone(), key: claim.key().unwrap(), code: binding.voucher.code };
        Kept { message: claim.message.clone(), shown: vec![shown] }
    };
    store.settle(&lease, &claims.iter().zip(answers).map(kept).collect::<Vec<_>>()).await.unwrap();
}

/// What was seen over the slow line, others have reclaimed meanwhile, and sent the tests again with other codes. Fails on a
/// build that takes back without comparing with what was seen, and on one that forgets then that the message is a test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tests_that_are_sent_again_meanwhile_are_not_taken_for_those_that_were_seen() {
    let server = Server::start();
    let load = Load { codes: 40, messages: 0, ..Load::on(server.url()) };
    let store = load.open().await;
    load.start().await.finish().await;
    let line = line_to(&server);
    let slow = Load::on(line.url()).open().await;
    line.delay(Duration::from_millis(5));
    let tests: Vec<_> = (0..10).map(test_claim).collect();
    send(&*store, &tests).await;
    let reclaim = tokio::spawn(async move {
        for _ in 0..160 {
            slow.reclaim_tests().await.unwrap();
        }
    });
    while !reclaim.is_finished() {
        store.reclaim_tests().await.unwrap();
        send(&*store, &tests).await;
    }
    reclaim.await.unwrap();
    store.reclaim_tests().await.unwrap();
    let pool = PoolName::new("spring").unwrap();
    let expected = PoolCounts { total: 40, available: 40, ..PoolCounts::default() };
    assert_eq!(store.pool(&pool).await.unwrap().unwrap().counts, expected);
    assert_eq!(drawn(&*store, &pool).await.into_iter().collect::<BTreeSet<_>>().len(), 40);
}
