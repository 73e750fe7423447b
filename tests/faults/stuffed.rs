//! More in one place than Lua can unpack.

use std::sync::Arc;

use tearoff::store::RedisOptions;
use tearoff::voucher::*;

use crate::open::{PROJECT, open};
use crate::servers::Server;

fn vouchers(codes: std::ops::Range<usize>) -> Vec<NewVoucher> {
    let code = |n| Code::new(format!("CODE-{n}")).unwrap();
    codes.map(|n| NewVoucher { code: code(n), expires_at: None, metadata: Metadata::new() }).collect()
}

/// A registry that many imports filled at once, before any of them made room. Fails on a build that splits only the first text of a
/// bucket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_of_any_size_is_split() {
    let server = Server::start();
    let store = open(&server.url(), RedisOptions::default()).await.unwrap();
    let spring = PoolName::new("spring").unwrap();
    store.create_pool(&spring, &PoolSettings::default()).await.unwrap();
    store.import(&spring, &vouchers(0..100)).await.unwrap();
    let shard = |part: &str| format!("tearoff:{{{PROJECT}:#0}}:{part}");
    let texts: Vec<_> = (0..9_000).map(|n| format!("OTHER-{n}\u{2}")).collect();
    for texts in texts.chunks(1_000) {
        let words = ["RPUSH".to_owned(), shard("codes:0")].into_iter().chain(texts.iter().cloned()).collect::<Vec<_>>();
        server.command::<i64>(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    server.command::<i64>(&["HINCRBY", &shard("shard"), "codes", "9000"]);
    store.import(&spring, &vouchers(100..200)).await.unwrap();
    let bucket = |n| server.command::<Vec<String>>(&["LRANGE", &shard(&format!("codes:{n}")), "0", "-1"]).concat();
    let codes = |text: String| text.split(char::is_control).filter(|code| !code.is_empty()).count();
    let kept: usize = (0..200).map(|n| codes(bucket(n))).sum();
    assert!(bucket(80).contains("OTHER-"));
    assert_eq!(kept, server.command::<usize>(&["HGET", &shard("shard"), "codes"]));
}

/// Fails on a build that looks all that a message shows up with one command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_may_show_nine_thousand_codes() {
    let server = Server::start();
    let store = open(&server.url(), RedisOptions::default()).await.unwrap();
    let spring = PoolName::new("spring").unwrap();
    store.create_pool(&spring, &PoolSettings::default()).await.unwrap();
    store.import(&spring, &vouchers(0..9_000)).await.unwrap();
    let message = Arc::new(MessageIdentity {
        message_id: MessageId::new("m").unwrap(),
        customer_id: CustomerId::new("ada").unwrap(),
        campaign_id: None,
        channel: Channel::Email,
        mode: Mode::Live,
    });
    let claim = |n| Claim { pool: spring.clone(), width: Width::Occurrence(n), message: message.clone() };
    let claims: Vec<_> = (1..=9_000).map(claim).collect();
    let lease = Lease::new(Lease::TIME);
    let answers = store.reserve(&lease, &claims).await.unwrap();
    let shown = claims.iter().zip(answers).map(|(claim, answer)| match answer {
        Claimed::Bound(binding) => {
            Shown { pool: spring.clone(), key: claim.key().unwrap(), code: binding.voucher.code }
        }
        other => panic!("a voucher was expected, not {other:?}"),
    });
    let kept = Kept { message: message.clone(), shown: shown.collect() };
    assert_eq!(store.settle(&lease, &[kept]).await.unwrap(), [Settled::Accepted]);
    assert_eq!(store.pool(&spring).await.unwrap().unwrap().counts.assigned, 9_000);
}
