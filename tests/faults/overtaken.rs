//! A slow sender and a fast one with the same message.

use std::sync::Arc;
use std::time::Duration;

use tearoff::store::RedisOptions;
use tearoff::voucher::*;
use tokio::time::sleep;

use crate::open::open;
use crate::servers::{Proxy, Server};

fn pool(name: &str) -> PoolName {
    PoolName::new(name).unwrap()
}

fn claim(pool_name: &str, message: &str) -> Claim {
    let message = MessageIdentity {
        message_id: MessageId::new(message).unwrap(),
        customer_id: CustomerId::new("ada").unwrap(),
        campaign_id: None,
        channel: Channel::Email,
        mode: Mode::Live,
    };
    Claim { pool: pool(pool_name), width: Width::Message, message: Arc::new(message) }
}

async fn import(store: &dyn Store, name: &str, code: &str) {
    let voucher = NewVoucher { code: Code::new(code).unwrap(), expires_at: None, metadata: Metadata::new() };
    store.import(&pool(name), &[voucher]).await.unwrap();
}

async fn take(store: &dyn Store, lease: &Lease, claim: &Claim) -> Code {
    match store.reserve(lease, std::slice::from_ref(claim)).await.unwrap().remove(0) {
        Claimed::Bound(binding) => binding.voucher.code,
        other => panic!("a voucher was expected, not {other:?}"),
    }
}

/// The slow one finds the overflow pool empty; before it says so where it began, the fast one gets a code there that came
/// back, and delivers it. Fails on a build that forgets the choice of a pool although it is assigned by then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_that_is_assigned_meanwhile_stays() {
    let server = Server::start();
    let line = Proxy::before(server.port(), 1);
    let fast = open(&server.url(), RedisOptions::default()).await.unwrap();
    let slow = open(&line.url(), RedisOptions::default()).await.unwrap();
    fast.create_pool(&pool("summer"), &PoolSettings::default()).await.unwrap();
    let settings = PoolSettings { overflow: Some(pool("summer")), ..PoolSettings::default() };
    fast.create_pool(&pool("spring"), &settings).await.unwrap();
    import(&*fast, "summer", "SUMMER").await;
    let asked = claim("spring", "m");
    let holder = Lease::new(Lease::TIME);
    take(&*fast, &holder, &claim("summer", "other")).await;

    // The first reply of the slow one is there after 300 ms, and it asks the second pool, which is the third call, at 750 ms.
    line.delay(Duration::from_millis(150));
    let slow_asked = asked.clone();
    let slow = tokio::spawn(async move { slow.reserve(&Lease::new(Lease::TIME), &[slow_asked]).await });
    sleep(Duration::from_millis(880)).await;
    fast.settle(&holder, &[]).await.unwrap();
    let lease = Lease::new(Lease::TIME);
    let code = take(&*fast, &lease, &asked).await;
    let shown = Shown { pool: asked.pool.clone(), key: asked.key().unwrap(), code: code.clone() };
    let kept = Kept { message: asked.message.clone(), shown: vec![shown] };
    assert_eq!(fast.settle(&lease, &[kept]).await.unwrap(), [Settled::Accepted]);
    let answer = slow.await.unwrap().unwrap().remove(0);
    assert!(!matches!(answer, Claimed::Refused(_)), "{answer:?}");

    import(&*fast, "spring", "SPRING").await;
    assert_eq!(take(&*fast, &Lease::new(Lease::TIME), &asked).await.as_str(), code.as_str());
}

/// The clock of the node that gave the code runs ahead: the code goes back, the choice of its pool is still held. Fails on a
/// build that keeps a choice without asking the pool that gave.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_whose_code_went_back_is_not_kept() {
    let server = Server::start();
    let store = open(&server.url(), RedisOptions::default()).await.unwrap();
    store.create_pool(&pool("summer"), &PoolSettings::default()).await.unwrap();
    let settings = PoolSettings { overflow: Some(pool("summer")), ..PoolSettings::default() };
    store.create_pool(&pool("spring"), &settings).await.unwrap();
    import(&*store, "summer", "SUMMER").await;
    let asked = claim("spring", "m");
    let lease = Lease::new(Lease::TIME);
    let code = take(&*store, &lease, &asked).await;

    let run_out =
        "for _, lease in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('ZADD', KEYS[1], 0, lease) end";
    server.command::<()>(&["EVAL", run_out, "1", "tearoff:{default:summer}:leases"]);
    let shown = Shown { pool: asked.pool.clone(), key: asked.key().unwrap(), code };
    let kept = Kept { message: asked.message.clone(), shown: vec![shown] };
    assert_eq!(store.settle(&lease, &[kept]).await.unwrap(), [Settled::Refused]);
    import(&*store, "spring", "SPRING").await;
    assert_eq!(take(&*store, &Lease::new(Lease::TIME), &asked).await.as_str(), "SPRING");
}
