//! Imports that are killed half-way, or whose replies are lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Instant;

use rand::RngExt;
use tearoff::store::RedisOptions;
use tearoff::voucher::{
    Claim, Claimed, Code, Imported, Lease, Metadata, NewVoucher, PoolName, PoolSettings, Store, Width,
};

use crate::checker::listing;
use crate::claim::claim;
use crate::line::line_to;
use crate::open::open;
use crate::servers::{Cluster, Server};
use crate::workshop::Workshop;

/// How many codes a file has. The second half of them stands in the next file, too, which goes into the other pool.
const CODES: usize = 8_000;
const FILES: usize = 8;
const POOLS: [&str; 2] = ["spring", "extra"];

/// Fails on a build that does not finish what an earlier import left pending, on one that adds a chunk without looking whether
/// it is pending still, and on one that registers codes without looking whether another pool has them.
#[test]
fn killed_at_random_points_and_run_again_an_import_adds_every_code_once() {
    let server = Server::start();
    import_and_kill(&server.url(), &[]);
}

/// The same where the pools and the registry lie on three masters.
#[test]
fn killed_at_random_points_and_run_again_an_import_into_a_cluster_adds_every_code_once() {
    let cluster = Cluster::of_masters();
    import_and_kill(&cluster.url(), &["--accept-loss"]);
}

fn import_and_kill(url: &str, more: &[&str]) {
    let workshop = Workshop::new(1, 1);
    let import = |file: usize| {
        let name = format!("{file}.csv");
        workshop.command(&[&["--store", url, "pool", "import", POOLS[file % 2], &name], more].concat())
    };
    for file in 0..FILES {
        workshop.write(&format!("{file}.csv"), &rows(file));
    }
    let began = Instant::now();
    assert!(import(0).status().unwrap().success());
    let mut whole = began.elapsed();
    let struck = (1..FILES).filter(|file| {
        let mut child = import(*file).spawn().unwrap();
        // The first import is the slowest: it makes the pool and meets a server that knows no script.
        sleep(rand::rng().random_range(whole / 8..whole * 2 / 3));
        let running = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        // What slowed the first one down may be over.
        whole = if running { whole } else { whole / 2 };
        running
    });
    assert!(struck.count() >= FILES / 2, "hardly a kill struck while it was importing");
    for file in 1..FILES {
        assert!(import(file).status().unwrap().success());
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(check(url));
}

/// The file's codes, each with its number as a further column.
fn rows(file: usize) -> String {
    let first = file * CODES / 2;
    let rows: String = (first..first + CODES).map(|number| format!("{},{number}\n", code(number).as_str())).collect();
    format!("code,number\n{rows}")
}

fn code(number: usize) -> Code {
    Code::new(format!("K-{number:06}")).unwrap()
}

/// Every code is in one of the pools, is handed out once, and has its further columns.
async fn check(url: &str) {
    let store = open(url, RedisOptions::default().accept_loss(true)).await.unwrap();
    let mut all = Vec::new();
    for pool in POOLS.map(|pool| PoolName::new(pool).unwrap()) {
        let listed = listing(&*store, &pool).await;
        for record in &listed {
            assert_eq!(record.code, code(record.metadata["number"].as_str().unwrap().parse().unwrap()));
        }
        let listed: BTreeSet<Code> = listed.into_iter().map(|record| record.code).collect();
        let drawn = drawn(&*store, &pool).await;
        assert_eq!(drawn.len(), listed.len(), "'{pool}' hands out as many codes as it has");
        assert_eq!(drawn.iter().cloned().collect::<BTreeSet<_>>(), listed);
        all.extend(drawn);
    }
    all.sort();
    assert!(all.iter().eq((0..(FILES + 1) * CODES / 2).map(code).collect::<Vec<_>>().iter()));
}

/// Everything that a pool hands out until it is empty. It goes back.
pub(crate) async fn drawn(store: &dyn Store, pool: &PoolName) -> Vec<Code> {
    let message = claim("all", "ada").message;
    let (lease, mut codes) = (Lease::new(Lease::TIME), Vec::new());
    loop {
        let first = u32::try_from(codes.len()).unwrap() + 1;
        let claim = |n| Claim { pool: pool.clone(), width: Width::Occurrence(n), message: Arc::clone(&message) };
        let answers = store.reserve(&lease, &(first..first + 500).map(claim).collect::<Vec<_>>()).await.unwrap();
        let bound = answers.into_iter().map_while(|answer| match answer {
            Claimed::Bound(binding) => Some(binding.voucher.code),
            _ => None,
        });
        let before = codes.len();
        codes.extend(bound);
        if codes.len() < before + 500 {
            break;
        }
    }
    store.settle(&lease, &[]).await.unwrap();
    codes
}

/// Fails on a build that adds a chunk without looking whether it is pending still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_whose_replies_are_cut_adds_every_code_once() {
    let server = Server::start();
    let line = line_to(&server);
    let store = open(&line.url(), RedisOptions::default()).await.unwrap();
    let pool = PoolName::new("spring").unwrap();
    store.create_pool(&pool, &PoolSettings::default()).await.unwrap();
    line.cut_replies(0.1);
    let new = |number| NewVoucher { code: code(number), expires_at: None, metadata: Metadata::new() };
    let codes: Vec<_> = (0..3_000).map(new).collect();
    let mut added = 0;
    for codes in codes.chunks(50) {
        let answers = store.import(&pool, codes).await.unwrap();
        added += answers.into_iter().filter(|answer| *answer == Imported::Added).count();
    }
    line.heal();
    assert!(line.cuts() > 5, "only {} replies were cut", line.cuts());
    assert_eq!(added, 3_000);
    let counts = store.pool(&pool).await.unwrap().unwrap().counts;
    assert_eq!((counts.total, counts.available), (3_000, 3_000));
    let drawn = drawn(&*store, &pool).await;
    assert_eq!((drawn.len(), drawn.iter().collect::<BTreeSet<_>>().len()), (3_000, 3_000));
}
