//! Processes that die, and disks that are full.

use std::collections::HashSet;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use tearoff::ErrorKind;
use tearoff::store::{Options, SqliteStore};
use tearoff::voucher::*;

use crate::support::*;

/// Where a child of these tests finds its store file.
const FILE: &str = "TEAROFF_TEST_STORE";

/// This program again, running one ignored test on the file. Its limits are set by a shell first.
fn child(test: &str, place: &Place, shell: &str) -> Command {
    let mut command = Command::new("sh");
    let run = format!("{shell} exec \"$0\" --exact crash::{test} --ignored --nocapture");
    command.arg("-c").arg(run).arg(env::current_exe().unwrap());
    command.env(FILE, place.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Killed at any instant: what was accepted is assigned, what was used is redeemed, nothing is lost, and the next program goes
/// on.
#[tokio::test]
async fn a_killed_process_leaves_a_store_that_goes_on() {
    let place = Place::with_codes(20_000).await;
    let mut start = 0;
    for round in 0..5 {
        let mut sender = child("sends_until_it_is_killed", &place, "").env("START", start.to_string()).spawn().unwrap();
        let output = BufReader::new(sender.stdout.take().unwrap());
        let (begun, has_begun) = mpsc::channel();
        let reading = thread::spawn(move || {
            let is_told = |line: &String| line.starts_with("sent ") || line.starts_with("used ");
            let lines = output.lines().map_while(Result::ok).filter(is_told);
            lines.inspect(|_| begun.send(()).unwrap_or_default()).collect::<Vec<_>>()
        });
        has_begun.recv().unwrap();
        thread::sleep(Duration::from_millis(10 + round * 37));
        sender.kill().unwrap();
        sender.wait().unwrap();
        let lines = reading.join().unwrap();
        let told = |what: &str| -> Vec<(String, Code)> {
            let pairs = lines.iter().filter_map(|line| line.strip_prefix(what)?.split_once(' '));
            pairs.map(|(n, code)| (n.to_owned(), Code::new(code).unwrap())).collect()
        };
        let store = place.open();
        let used: HashSet<_> = told("used ").into_iter().map(|(_, code)| code).collect();
        for (n, code) in told("sent ") {
            let record = store.voucher(&code).await.unwrap().unwrap();
            let message = &claim(n.parse().unwrap()).message.message_id;
            assert_eq!(record.message_id.as_ref(), Some(message));
            assert!(record.state == State::Redeemed || (record.state == State::Assigned && !used.contains(&code)));
        }
        let findings = [store.examine().await.unwrap(), store.reconcile(&pool()).await.unwrap()].concat();
        assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
        start += 100_000;
    }
    let later = open_later(&place);
    later.reserve(&Lease::new(Lease::TIME), &[]).await.unwrap();
    let counts = later.pool(&pool()).await.unwrap().unwrap().counts;
    assert_eq!((counts.reserved, counts.available + counts.assigned + counts.redeemed), (0, 20_000));
    assert!(counts.redeemed > 0);
}

/// The store as it is when every lease has run out.
fn open_later(place: &Place) -> SqliteStore {
    let clock = Arc::new(|| Timestamp::now() + Lease::TIME + Duration::from_secs(1));
    Options::default().clock(clock).open(place.path(), "default").unwrap()
}

#[tokio::test]
#[ignore = "the child of a_killed_process_leaves_a_store_that_goes_on"]
async fn sends_until_it_is_killed() {
    let store = SqliteStore::open(env::var(FILE).unwrap(), "default").unwrap();
    let start: usize = env::var("START").unwrap().parse().unwrap();
    for n in (start..).step_by(10) {
        let claims: Vec<_> = (n..n + 10).map(claim).collect();
        let lease = Lease::new(Lease::TIME);
        let answers = store.reserve(&lease, &claims).await.unwrap();
        let codes: Vec<_> = answers
            .into_iter()
            .map(|answer| match answer {
                Claimed::Bound(binding) => binding.voucher.code,
                other => panic!("{other:?}"),
            })
            .collect();
        // Every other message is kept, so that there is something to give back at each instant too.
        let messages: Vec<_> = claims.iter().zip(&codes).step_by(2).map(|(claim, code)| kept(claim, code)).collect();
        store.settle(&lease, &messages).await.unwrap();
        for (n, code) in (n..).zip(&codes).step_by(2) {
            println!("sent {n} {}", code.as_str());
        }
        assert_eq!(redeem(&store, &claims[0], &codes[0]).await, RedemptionResult::Redeemed);
        println!("used {n} {}", codes[0].as_str());
    }
}

/// With no room left, calls fail as unavailable, one after the other, and nothing of them is done; with room, it goes on.
#[tokio::test]
async fn a_full_disk_leaves_nothing_half_done() {
    let place = Place::with_codes(100).await;
    let limited = child("imports_until_the_disk_is_full", &place, "trap '' XFSZ; ulimit -f 1000;").output().unwrap();
    let output = String::from_utf8(limited.stdout).unwrap();
    let imported: u64 = output.lines().find_map(|line| line.strip_prefix("imported ")).expect(&output).parse().unwrap();
    let store = place.open();
    assert!(store.examine().await.unwrap().iter().all(|finding| finding.ok));
    assert_eq!(store.pool(&pool()).await.unwrap().unwrap().counts.available, 100 + imported);
    send(&store, &claim(1)).await;
}

#[tokio::test]
#[ignore = "the child of a_full_disk_leaves_nothing_half_done"]
async fn imports_until_the_disk_is_full() {
    let store = SqliteStore::open(env::var(FILE).unwrap(), "default").unwrap();
    let mut imported = 0;
    let error = loop {
        let vouchers: Vec<_> = (imported..imported + 1000).map(|n| new_voucher(&format!("NEW-{n:09}"))).collect();
        match store.import(&pool(), &vouchers).await {
            Ok(_) => imported += 1000,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    assert!(error.is_retryable() && error.help().is_some());
    assert_eq!(store.counts(&[pool()]).await.unwrap()[0].unwrap().total, 100 + imported);
    println!("\nimported {imported}");
}
