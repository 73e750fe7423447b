//! A server whose clock is set back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tearoff::voucher::{Claimed, Kept, Lease, PoolCounts, PoolName, PoolSettings, Settled, Shown};

use crate::claim::claim;
use crate::load::Load;
use crate::servers::Server;

/// A code expires, is counted as expired, and the clock goes back to where it was valid. Fails on a build that takes the
/// server's time as it comes: the same code is then released as an assigned one, of which there is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_back_counts_nothing_twice() {
    let server = Server::start();
    let ahead = Arc::new(AtomicI64::default());
    let load = Load { codes: 3, messages: 0, ..Load::on(server.url()) }.with(|options| options.ahead(ahead.clone()));
    let store = load.open().await;
    load.start().await.finish().await;
    let pool = PoolName::new("spring").unwrap();
    let settings = PoolSettings { valid_for: Some(Duration::from_secs(60)), ..PoolSettings::default() };
    store.set_pool(&pool, &settings).await.unwrap();
    let (lease, claim) = (Lease::new(Lease::TIME), claim("order-1", "ada"));
    let Claimed::Bound(binding) = store.reserve(&lease, std::slice::from_ref(&claim)).await.unwrap().remove(0) else {
        panic!("a code was expected");
    };
    let shown = Shown { pool: claim.pool.clone(), key: claim.key().unwrap(), code: binding.voucher.code };
    let kept = [Kept { message: claim.message.clone(), shown: vec![shown] }];
    assert_eq!(store.settle(&lease, &kept).await.unwrap(), [Settled::Accepted]);
    ahead.store(3_600_000, Ordering::SeqCst);
    let expected = PoolCounts { total: 3, available: 2, expired: 1, ..PoolCounts::default() };
    store.reserve(&Lease::new(Lease::TIME), &[]).await.unwrap();
    assert_eq!(store.pool(&pool).await.unwrap().unwrap().counts, expected);
    ahead.store(0, Ordering::SeqCst);
    store.release_message(&claim.message.message_id).await.unwrap();
    assert_eq!(store.pool(&pool).await.unwrap().unwrap().counts, expected);
}
