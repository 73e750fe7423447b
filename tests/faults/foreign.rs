//! Keys of ours that are something else.

use std::collections::BTreeMap;

use tearoff::voucher::{
    Claimed, Code, Kept, Lease, Metadata, NewVoucher, PoolName, PoolSettings, Settled, Shown, Store,
};
use tearoff::{Error, ErrorKind, Result};

use crate::claim::claim;
use crate::load::Load;
use crate::servers::Server;

/// What stands under the pool's hash tag.
const KEYS: [&str; 6] = ["pool", "shelf", "tray", "reserved", "leases", "journal"];

/// Everything on the server.
fn dump(server: &Server) -> BTreeMap<String, Option<Vec<u8>>> {
    let keys: Vec<String> = server.command(&["KEYS", "*"]);
    keys.into_iter().map(|key| (key.clone(), server.command(&["DUMP", &key]))).collect()
}

/// What a call of the store answers. If it fails, it has changed nothing.
async fn whole<T>(server: &Server, call: impl Future<Output = Result<T>>) -> Result<T> {
    let before = dump(server);
    let answer = call.await;
    assert!(answer.is_ok() || dump(server) == before, "a call that failed has written something");
    answer
}

/// Reserves and settles one message.
async fn send(server: &Server, store: &dyn Store, id: &str) -> Result<()> {
    let claim = claim(id, "ada");
    let lease = Lease::new(Lease::TIME);
    let Claimed::Bound(binding) = whole(server, store.reserve(&lease, std::slice::from_ref(&claim))).await?.remove(0)
    else {
        return Err(Error::new(ErrorKind::Refused, "no code"));
    };
    let shown = Shown { pool: claim.pool.clone(), key: claim.key().unwrap(), code: binding.voucher.code };
    let kept = [Kept { message: claim.message, shown: vec![shown] }];
    let settled = whole(server, store.settle(&lease, &kept)).await?;
    assert_eq!(settled, [Settled::Accepted]);
    Ok(())
}

/// Fails on a build whose scripts write something before they have read everything, and on one that takes what it cannot read
/// for an empty pool or a server that is away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_type_is_an_error_and_changes_nothing() {
    let server = Server::start();
    let store = Load::on(server.url()).open().await;
    let pool = PoolName::new("spring").unwrap();
    store.create_pool(&pool, &PoolSettings::default()).await.unwrap();
    let new = |number| NewVoucher {
        code: Code::new(format!("S-{number}")).unwrap(),
        expires_at: None,
        metadata: Metadata::new(),
    };
    store.import(&pool, &(0..10).map(new).collect::<Vec<_>>()).await.unwrap();
    send(&server, &*store, "before").await.unwrap();
    for name in KEYS {
        let (key, aside) = (format!("tearoff:{{default:spring}}:{name}"), format!("aside:{{default:spring}}:{name}"));
        let there = server.try_command::<()>(&["RENAME", &key, &aside]).is_ok();
        server.command::<()>(&["SET", &key, "something else"]);
        let error = send(&server, &*store, name).await.expect_err(name);
        assert_eq!(error.kind(), ErrorKind::StoreCorrupt, "{name}: {error}");
        server.command::<()>(&["DEL", &key]);
        if there {
            server.command::<()>(&["RENAME", &aside, &key]);
        }
        send(&server, &*store, name).await.unwrap();
    }
}
