//! One file, several users: locks, projects, and rows that another program wrote.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tearoff::ErrorKind;
use tearoff::store::{Options, SqliteStore};
use tearoff::voucher::*;

use crate::support::*;

/// A lock that does not end is an unavailable store: retryable, and never an empty pool. Look-ups go on meanwhile.
#[tokio::test]
async fn a_lock_that_does_not_end_makes_the_store_unavailable() {
    let place = Place::with_codes(5).await;
    let store = Options::default().busy_timeout(Duration::from_millis(100)).open(place.path(), "default").unwrap();
    let holder = place.sql();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let lease = Lease::new(Lease::TIME);
    let error = store.reserve(&lease, &[claim(1)]).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::StoreUnavailable, true));
    assert!(error.to_string().contains("another process holds") && error.help().is_some());
    assert_eq!(store.counts(&[pool()]).await.unwrap(), [Some(Count { available: 5, total: 5 })]);
    let start = Instant::now();
    let late = Options::default().busy_timeout(Duration::from_millis(100)).open(place.path(), "default");
    assert_eq!(late.unwrap_err().kind(), ErrorKind::StoreUnavailable);
    assert!(start.elapsed() < Duration::from_secs(4));
    holder.execute_batch("ROLLBACK").unwrap();
    send(&store, &claim(1)).await;
}

/// A lock that ends in time is waited for.
#[tokio::test]
async fn a_short_lock_is_waited_for() {
    let place = Place::with_codes(5).await;
    let store = place.open();
    let holder = place.sql();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let release = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        holder.execute_batch("ROLLBACK").unwrap();
    });
    send(&store, &claim(1)).await;
    release.join().unwrap();
}

/// Several programs start at once on a file that is not there yet.
#[test]
fn a_new_file_is_made_once() {
    let place = Place::new();
    let stores: Vec<SqliteStore> = std::thread::scope(|scope| {
        let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| place.open())).collect();
        openers.into_iter().map(|opener| opener.join().unwrap()).collect()
    });
    drop(stores);
    let projects: i64 = place.sql().query_row("SELECT count(*) FROM project", [], |row| row.get(0)).unwrap();
    assert_eq!(projects, 1);
}

/// The same code may exist in two projects of a file, which know nothing of each other.
#[tokio::test]
async fn projects_share_a_file_and_nothing_else() {
    let place = Place::with_codes(1).await;
    let (one, other) = (place.open(), SqliteStore::open(place.path(), "other").unwrap());
    assert_eq!(other.pool(&pool()).await.unwrap(), None);
    fill(&other, 1).await;
    assert_eq!(send(&one, &claim(1)).await, send(&other, &claim(1)).await);
    other.release_message(&claim(1).message.message_id).await.unwrap();
    let customer = claim(1).message.customer_id.clone();
    let held =
        [one.customers(std::slice::from_ref(&customer)).await.unwrap(), other.customers(&[customer]).await.unwrap()];
    assert_eq!([held[0][0].len(), held[1][0].len()], [1, 0]);
    other.delete_pool(&pool(), false).await.unwrap();
    assert_eq!(one.pool(&pool()).await.unwrap().unwrap().counts.assigned, 1);
}

/// A store that is dropped closes its file: nothing stays beside it.
#[tokio::test]
async fn a_dropped_store_closes_its_file() {
    let place = Place::with_codes(5).await;
    let store = place.open();
    send(&store, &claim(1)).await;
    store.counts(&[pool()]).await.unwrap();
    drop(store);
    let beside: Vec<_> =
        place.path().parent().unwrap().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["store.db"]);
}

/// A redeemed voucher stays with its customer: under its key past its end, and when its message is released by hand.
#[tokio::test]
async fn a_redeemed_voucher_stays() {
    let place = Place::with_codes(5).await;
    let store = place.open();
    let code = send(&store, &claim(1)).await;
    place.sql().execute("UPDATE binding SET redeemed_at = 1000, expires_at = 2000", []).unwrap();
    assert_eq!(send(&store, &claim(1)).await, code);
    assert_eq!(store.voucher(&code).await.unwrap().unwrap().state, State::Redeemed);
    let released = store.release_message(&claim(1).message.message_id).await.unwrap();
    assert_eq!(released, ReleasedMessage { released: 0, kept: 1 });
    assert_eq!(store.voucher(&code).await.unwrap().unwrap().state, State::Redeemed);
}

/// A void voucher is never given, and replaced under its key where it was.
#[tokio::test]
async fn a_void_voucher_is_replaced() {
    let place = Place::with_codes(2).await;
    let store = place.open();
    let code = send(&store, &claim(1)).await;
    place.sql().execute("UPDATE voucher SET void_at = 1000 WHERE code = ?1", [code.as_str()]).unwrap();
    let late = store.settle(&Lease::new(Lease::TIME), &[kept(&claim(1), &code)]).await.unwrap();
    assert_eq!(late, [Settled::Refused]);
    let new = send(&store, &claim(1)).await;
    assert_ne!(new, code);
    assert_eq!(store.voucher(&code).await.unwrap().unwrap().state, State::Void);
    let empty = store.reserve(&Lease::new(Lease::TIME), &[claim(2)]).await.unwrap();
    assert_eq!(empty, [Claimed::Refused(Refusal::PoolEmpty)]);
}

/// The examination finds counts that were changed by hand, and reservations that nobody would give back.
#[tokio::test]
async fn an_examination_finds_what_was_changed_by_hand() {
    let place = Place::with_codes(5).await;
    let store = place.open();
    store.reserve(&Lease::new(Lease::TIME), &[claim(1)]).await.unwrap();
    let failing = async || {
        let findings = store.examine().await.unwrap();
        findings.into_iter().filter(|finding| !finding.ok).map(|finding| finding.check).collect::<Vec<_>>()
    };
    assert!(failing().await.is_empty());
    place.sql().execute("UPDATE pool_tally SET vouchers = vouchers + 1 WHERE state = 'available'", []).unwrap();
    assert_eq!(failing().await, ["counts"]);
    place.sql().execute("DELETE FROM lease", []).unwrap();
    assert_eq!(failing().await, ["counts", "leases"]);
}

/// The id of an accepted message stays its customer's, also when the code that told so is replaced, reclaimed or deleted.
#[tokio::test]
async fn an_accepted_message_stays_with_its_customer() {
    let place = Place::with_codes(5).await;
    let store = place.open();
    let tested = with(&claim(2), |message| message.mode = Mode::Test);
    let code = send(&store, &claim(1)).await;
    place.sql().execute("UPDATE voucher SET void_at = 1000 WHERE code = ?1", [code.as_str()]).unwrap();
    let lease = Lease::new(Lease::TIME);
    store.reserve(&lease, &[claim(1)]).await.unwrap();
    store.settle(&lease, &[]).await.unwrap();
    send(&store, &tested).await;
    assert_eq!(store.reclaim_tests().await.unwrap(), 1);
    for sent in [&claim(1), &tested] {
        assert_eq!(for_somebody_else(&store, sent).await, Claimed::Rejected(Rejection::Conflict));
    }
    send(&store, &claim(3)).await;
    store.delete_pool(&pool(), true).await.unwrap();
    fill(&store, 5).await;
    assert_eq!(for_somebody_else(&store, &claim(3)).await, Claimed::Rejected(Rejection::Conflict));
    assert!(matches!(for_somebody_else(&store, &claim(4)).await, Claimed::Bound(_)));
}

/// What a message's id gets for another customer.
async fn for_somebody_else(store: &SqliteStore, sent: &Claim) -> Claimed {
    let claim = with(sent, |message| message.customer_id = CustomerId::new("bob@example.com").unwrap());
    store.reserve(&Lease::new(Lease::TIME), &[claim]).await.unwrap().remove(0)
}

fn with(claim: &Claim, change: impl FnOnce(&mut MessageIdentity)) -> Claim {
    let mut message = MessageIdentity::clone(&claim.message);
    change(&mut message);
    Claim { message: message.into(), ..claim.clone() }
}

/// A count finds what was changed by hand, and names it.
#[tokio::test]
async fn a_recount_names_what_was_changed_by_hand() {
    let place = Place::with_codes(5).await;
    let store = place.open();
    let code = send(&store, &claim(1)).await;
    send(&store, &claim(2)).await;
    redeem(&store, &claim(1), &code).await;
    for (change, undo, expected) in [
        (
            "UPDATE pool_tally SET vouchers = vouchers + 1 WHERE state = 'available'",
            "UPDATE pool_tally SET vouchers = vouchers - 1 WHERE state = 'available'",
            vec!["available"],
        ),
        (
            "UPDATE binding SET expires_at = 99 WHERE redeemed_at IS NULL",
            "UPDATE binding SET expires_at = NULL",
            vec!["assigned", "limits", "limits of periods"],
        ),
        ("UPDATE limit_tally SET bindings = 1", "UPDATE limit_tally SET bindings = 2", vec!["limits"]),
        (
            "UPDATE period_tally SET hour = hour - 1",
            "UPDATE period_tally SET hour = hour + 1",
            vec!["limits of periods"],
        ),
        (
            "UPDATE binding SET lease_id = 7 WHERE redeemed_at IS NULL",
            "UPDATE binding SET lease_id = NULL",
            vec!["reserved", "assigned", "leases"],
        ),
        (
            "UPDATE voucher SET binding_id = -binding_id",
            "UPDATE voucher SET binding_id = -binding_id",
            vec!["available", "assigned", "redeemed", "vouchers", "bindings"],
        ),
    ] {
        place.sql().execute(change, []).unwrap();
        let findings = store.reconcile(&pool()).await.unwrap();
        let wrong: Vec<_> = findings.into_iter().filter(|finding| !finding.ok).map(|finding| finding.check).collect();
        assert_eq!(wrong, expected);
        place.sql().execute(undo, []).unwrap();
    }
    assert!(store.reconcile(&pool()).await.unwrap().iter().all(|finding| finding.ok));
}

/// The journal is kept for its time: whoever writes removes what is older, a little each time.
#[tokio::test]
async fn the_journal_is_trimmed_in_passing() {
    let place = Place::with_codes(20).await;
    let now = Arc::new(AtomicI64::new(Timestamp::now().as_millisecond()));
    let days = |count: i64| count * 24 * 60 * 60 * 1000;
    let clock = now.clone();
    let clock = Arc::new(move || Timestamp::from_millisecond(clock.load(Ordering::SeqCst)).unwrap());
    let store = Options::default().clock(clock).open(place.path(), "default").unwrap();
    for n in 0..8 {
        send(&store, &claim(n)).await;
    }
    now.fetch_add(days(89), Ordering::SeqCst);
    send(&store, &claim(8)).await;
    assert_eq!(store.journal_size(&pool()).await.unwrap().entries, 10);
    now.fetch_add(days(2), Ordering::SeqCst);
    for n in 9..12 {
        send(&store, &claim(n)).await;
    }
    assert_eq!(store.journal_size(&pool()).await.unwrap().entries, 4);
}

/// Nothing in the file names a forgotten customer, not even what was deleted.
#[tokio::test]
async fn a_forgotten_customer_is_not_in_the_file() {
    let place = Place::with_codes(20).await;
    let store = place.open();
    let code = send(&store, &claim(1)).await;
    redeem(&store, &claim(1), &code).await;
    store.forget(&claim(1).message.customer_id).await.unwrap();
    drop(store);
    let file = std::fs::read(place.path()).unwrap();
    let name = claim(1).message.customer_id.as_str().as_bytes().to_owned();
    assert!(!file.windows(name.len()).any(|part| part == name));
}
