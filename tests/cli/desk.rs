//! `customer forget`, `pool reconcile`, `pool imports`, `pool undo-import`, `pool trim-journal`, and the journal in `doctor`.

use serde_json::json;

use crate::shop::Shop;

#[test]
fn a_customer_is_forgotten_only_if_it_is_meant() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    shop.render("ada@example.com", &[]);
    shop.run("customer forget ada@example.com")
        .fails(7, "error: forgetting a customer cannot be undone\nhelp: say --yes if it is meant");
    assert_eq!(shop.json("customer forget ada@example.com --yes --json"), json!({"vouchers": 1}));
    assert_eq!(shop.ok("customer forget ada@example.com --yes"), "forgotten: who got 0 vouchers\n");
    assert_eq!(shop.json("customer show ada@example.com --json"), json!([]));
    assert_eq!(shop.json("pool show spring --json")["assigned"], 1, "the code stays spent");
    for what in ["assignments", "vouchers", "journal"] {
        assert!(!shop.ok(&format!("export {what}")).contains("ada@"), "{what}");
    }
}

#[test]
fn the_numbers_of_a_pool_add_up() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    shop.add_pool("other", &["O1"], None);
    shop.render("c1", &[]);
    shop.ok("voucher void O1");
    let findings = shop.json("pool reconcile --json");
    let findings = findings.as_array().unwrap();
    assert!(
        findings.iter().any(|finding| finding["pool"] == "spring") && findings.iter().any(|f| f["pool"] == "other")
    );
    assert!(findings.iter().all(|finding| finding["ok"] == true), "{findings:?}");
    assert!(shop.ok("pool reconcile spring").lines().all(|line| line.starts_with("✔ spring: ")));
}

#[test]
fn a_number_that_is_wrong_is_named() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    let database = rusqlite::Connection::open(shop.path("tearoff.db")).unwrap();
    database.execute("UPDATE pool_tally SET vouchers = 5 WHERE state = 'available'", []).unwrap();
    drop(database);
    let run = shop.run("pool reconcile spring");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("✘ spring: available: "), "{run:?}");
}

#[test]
fn an_import_is_listed_and_taken_back() {
    let shop = Shop::new();
    shop.write("good.csv", "code\nA\nB\n");
    shop.write("wrong.csv", "code\nW1\nW2\nW3\n");
    shop.ok("pool import spring good.csv");
    shop.ok("pool import spring wrong.csv");
    let imports = shop.json("pool imports spring --json");
    let counts: Vec<_> = imports.as_array().unwrap().iter().map(|import| &import["vouchers"]).collect();
    assert_eq!(counts, [&json!(2), &json!(3)]);
    let wrong = imports[1]["import_id"].as_str().unwrap();
    for voided in [3, 0] {
        let expected = json!({"pool": "spring", "import_id": wrong, "voided": voided, "kept": 3 - voided});
        assert_eq!(shop.json(&format!("pool undo-import spring {wrong} --json")), expected);
    }
    let counts = shop.json("pool show spring --json");
    assert_eq!((&counts["available"], &counts["void"]), (&json!(2), &json!(3)));
    assert_eq!(shop.run("pool undo-import spring no-such").code, Some(7));
    assert!(shop.ok("pool imports spring").contains(wrong));
}

#[test]
fn the_journals_size_is_told() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.render("c1", &[]);
    assert!(shop.ok("doctor").contains("✔ journal of pool 'spring': entries: 2 since "));
    assert_eq!(shop.json("pool trim-journal --json"), json!({"spring": 0}));
    shop.write("tearoff.toml", "journal_keep = \"soon\"\n");
    let run = shop.run("pool trim-journal");
    run.fails(
        7,
        "error: tearoff.toml: journal_keep: 'soon' is not a span of time\nhelp: write a whole number and a unit: 30d, 12h, 45m or 90s",
    );
}
