//! The SQL that `docs/STORAGE.md` shows, so that it stays true.

use rusqlite::types::Value;
use tearoff::voucher::*;

use crate::support::*;

const STORAGE: &str = include_str!("../../docs/STORAGE.md");

/// The statements of the document, in order.
fn questions() -> Vec<&'static str> {
    STORAGE.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn ask(place: &Place, sql: &str) -> Vec<Vec<String>> {
    let connection = place.sql();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let text = |value: Value| match value {
        Value::Text(text) => text,
        Value::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let rows = statement.query_map([], |row| (0..columns).map(|n| row.get(n).map(text)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// A store with two messages sent, one code redeemed elsewhere, one reserved and one that expires.
async fn example() -> (Place, Vec<Code>) {
    let place = Place::with_codes(10).await;
    let store = place.open();
    let codes = vec![send(&store, &claim(1)).await, send(&store, &claim(2)).await];
    store.reserve(&Lease::new(Lease::TIME), &[claim(3)]).await.unwrap();
    let expires_at = Some("2999-12-31T00:00:00Z".parse().unwrap());
    store.import(&pool(), &[NewVoucher { expires_at, ..new_voucher("LATE") }]).await.unwrap();
    let purchases = "CREATE TABLE purchases (code TEXT, bought_at TEXT, amount INTEGER)";
    place.sql().execute_batch(purchases).unwrap();
    place.sql().execute("INSERT INTO purchases VALUES (?1, '2026-12-01', 42)", [codes[1].as_str()]).unwrap();
    (place, codes)
}

/// Assignments joined with purchases.
#[tokio::test]
async fn who_bought_with_the_code_that_they_got() {
    let (place, codes) = example().await;
    let rows = ask(&place, questions()[0]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][..3], ["spring-2026", "ada-2@example.com", codes[1].as_str()]);
    assert_eq!(rows[0][4..], ["2026-12-01", "42"]);
    assert!(rows[0][3].parse::<jiff::Timestamp>().is_ok(), "{rows:?}");
}

/// Codes left for each pool and expiry.
#[tokio::test]
async fn how_many_codes_are_left_until_when() {
    let (place, _) = example().await;
    let rows = ask(&place, questions()[1]);
    assert_eq!(rows, [["spring", "2999-12-31T00:00:00.000Z", "1"], ["spring", "never", "7"]]);
}

/// The messages of a campaign that took codes.
#[tokio::test]
async fn which_messages_of_a_campaign_took_codes() {
    let (place, _) = example().await;
    let rows = ask(&place, questions()[2]);
    let messages: Vec<_> =
        rows.iter().map(|row| (row[0].as_str(), row[2].as_str(), row[3].as_str(), row[4].as_str())).collect();
    let expected =
        ["spring-2026/ada-1@example.com", "spring-2026/ada-2@example.com"].map(|id| (id, "spring", "spring", "1"));
    assert_eq!(messages, expected);
}

/// The journal of one code.
#[tokio::test]
async fn what_happened_to_one_code() {
    let (place, codes) = example().await;
    redeem(&place.open(), &claim(1), &codes[0]).await;
    let sql = questions()[3].replace("SECRET-00001", codes[0].as_str());
    let rows = ask(&place, &sql);
    let steps: Vec<_> = rows.iter().map(|row| (row[1].as_str(), row[2].as_str(), row[3].as_str())).collect();
    assert_eq!(steps, [("spring", "assigned", "Null"), ("spring", "redeemed", "ada-1@example.com")]);
}

/// The view tells the same states as the program.
#[tokio::test]
async fn the_inventory_agrees_with_the_program() {
    let (place, codes) = example().await;
    let store = place.open();
    place.sql().execute("UPDATE voucher SET expires_at = 1000 WHERE code = 'LATE'", []).unwrap();
    place.sql().execute("UPDATE binding SET redeemed_at = 1000 WHERE message_id LIKE '%ada-1@%'", []).unwrap();
    place.sql().execute("UPDATE voucher SET void_at = 1000 WHERE code = ?1", [codes[1].as_str()]).unwrap();
    let listing = store.vouchers(&pool(), None, 100).await.unwrap();
    let rows = ask(&place, "SELECT code, state, ifnull(customer_id, '') FROM inventory ORDER BY code");
    let mut told: Vec<_> = listing
        .iter()
        .map(|record| {
            let customer = record.customer_id.as_ref().map_or("", CustomerId::as_str);
            vec![record.code.as_str().to_owned(), record.state.as_str().to_owned(), customer.to_owned()]
        })
        .collect();
    told.sort();
    assert_eq!(rows, told);
    let states: std::collections::BTreeSet<_> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(states, ["available", "expired", "redeemed", "reserved", "void"].into());
}

/// Both ways of making a backup give a store that can be opened.
#[tokio::test]
async fn a_backup_is_a_store() {
    assert!(STORAGE.contains("VACUUM INTO 'backup.db'"));
    let (place, codes) = example().await;
    let store = place.open();
    let backup = place.path().with_file_name("backup.db");
    place.sql().execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    drop(store);
    let restored = tearoff::store::SqliteStore::open(backup, "default").unwrap();
    assert_eq!(send(&restored, &claim(1)).await, codes[0]);
}
