//! `pool`: settings, counts, pausing, deletion.

use std::sync::Arc;

use serde_json::json;

use tearoff::store::SqliteStore;
use tearoff::voucher::{
    Channel, Claim, Claimed, Claims, CustomerId, Lease, MessageId, MessageIdentity, Mode, PoolName, Width,
};

use crate::shop::{Shop, names};

#[test]
fn a_pool_is_made_shown_and_listed() {
    let shop = Shop::new();
    let made = shop.run("pool create spring");
    assert_eq!((made.code, made.stdout.as_str()), (Some(0), ""));
    assert_eq!(made.stderr, "created pool 'spring' in sqlite:tearoff.db\n");
    let counts = json!({"pool": "spring", "total": 0, "available": 0, "reserved": 0, "assigned": 0, "redeemed": 0,
        "expired": 0, "void": 0});
    let shown = shop.json("pool show spring --json");
    for (name, count) in counts.as_object().unwrap() {
        assert_eq!(&shown[name], count, "{name}");
    }
    assert_eq!((&shown["given_last_day"], &shown["dry_at"]), (&json!(0), &json!(null)));
    assert_eq!(shop.json("pool list --json"), json!([counts]));
}

#[test]
fn counts_follow_the_vouchers() {
    let shop = Shop::with_pool("spring", &["S1", "S2", "S3"]);
    shop.add_pool("old", &["O1"], Some("2020-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(shop.render("c1", &[]).0, Some(0));
    let counts = |pool: &str, available: u64, assigned: u64, expired: u64| {
        json!({"pool": pool, "total": available + assigned + expired, "available": available, "reserved": 0,
            "assigned": assigned, "redeemed": 0, "expired": expired, "void": 0})
    };
    assert_eq!(shop.json("pool list --json"), json!([counts("old", 0, 0, 1), counts("spring", 2, 1, 0)]));
}

#[test]
fn people_read_a_table() {
    let shop = Shop::with_pool("spring", &["S1", "S2", "S3"]);
    shop.render("c1", &[]);
    shop.ok("pool create vip --overflow spring");
    shop.ok("pool create leaked");
    shop.ok("pool pause leaked");
    insta::assert_snapshot!(shop.ok("pool list"), @r"
    POOL    AVAILABLE                    TOTAL  ASSIGNED  REDEEMED  STATE
    leaked          0  ░░░░░░░░░░   0 %      0         0         0  paused
    spring          2  ██████░░░░  66 %      3         1         0  open
    vip             0  ░░░░░░░░░░   0 %      0         0         0  empty → spring
    ");
}

#[test]
fn people_read_counts_and_settings() {
    let shop = Shop::with_pool("spring", &["S1", "S2", "S3"]);
    shop.render("c1", &[]);
    shop.ok("pool create vip");
    let set = "pool set spring --valid-for 36h --expires-at 2027-06-30 --limit-per-customer 1 --limit-per-campaign 2000 \
        --limit-total 5000 --fallback FALL --overflow vip --preview-code SPR-0000";
    shop.ok(set);
    let shown = shop.ok("pool show spring");
    let (shown, pace) = shown.split_once("\nlast 24 hours").unwrap();
    // Two are left, and one was given within a day: they last two days.
    assert!(pace.trim().starts_with("1 given; empty at this rate 2"), "{pace}");
    insta::assert_snapshot!(shown, @r"
    spring
    STATE      VOUCHERS
    available         2  66 %  ██████░░░░
    reserved          0   0 %  ░░░░░░░░░░
    assigned          1  33 %  ███░░░░░░░
    redeemed          0   0 %  ░░░░░░░░░░
    expired           0   0 %  ░░░░░░░░░░
    void              0   0 %  ░░░░░░░░░░
    total             3

    new claims          allowed
    valid for           36h
    expires at          2027-06-30 23:59:59 UTC
    limit per customer  1
    limit per campaign  2,000
    limit in total      5,000
    fallback code       FALL
    overflow pool       vip
    preview code        SPR-0000
    ");
}

#[test]
fn an_empty_store_says_what_to_do() {
    let shop = Shop::with_pool("spring", &[]);
    shop.ok("pool delete spring");
    let list = shop.run("pool list");
    assert_eq!((list.code, list.stdout.as_str()), (Some(0), ""));
    let remark = "project 'default' in sqlite:tearoff.db has no pools yet; make one with 'tearoff pool create POOL'\n";
    assert_eq!(list.stderr, remark);
    assert_eq!(shop.json("pool list --json"), json!([]));
}

#[test]
fn set_changes_only_what_is_given_and_unset_takes_back() {
    let shop = Shop::new();
    shop.ok("pool create vip");
    shop.ok("pool create spring --valid-for 30d --limit-total 5 --overflow vip --fallback FALL --preview-code P");
    let settings = || shop.ok("pool show spring").split_once("\n\n").unwrap().1.to_owned();
    shop.ok("pool set spring --limit-per-customer 2 --unset overflow --unset limit-total");
    insta::assert_snapshot!(settings(), @r"
    new claims          allowed
    valid for           30d
    limit per customer  2
    fallback code       FALL
    preview code        P
    ");
    let everything =
        ["valid-for", "limit-per-customer", "fallback", "preview-code", "expires-at", "limit-per-campaign"];
    let unset: Vec<String> = everything.iter().map(|setting| format!("--unset {setting}")).collect();
    shop.ok(&format!("pool set spring {}", unset.join(" ")));
    insta::assert_snapshot!(settings(), @r"
    new claims    allowed
    preview code  spring-preview
    ");
}

#[test]
fn each_setting_alone_is_a_change() {
    let shop = Shop::new();
    shop.ok("pool create vip");
    shop.ok("pool create spring");
    for change in [
        "--valid-for 90s",
        "--expires-at 2027-06-30T18:00:00+02:00",
        "--limit-per-customer 1",
        "--limit-per-campaign 2",
        "--limit-total 3",
        "--fallback FALL",
        "--overflow vip",
        "--preview-code PRE",
        "--limit-total 5/week",
        "--eligible customer.vip",
        "--floor 5",
        "--low-stock 7",
        "--redeem-rule order.total",
        "--redeem-by-others refuse",
        "--unset overflow",
    ] {
        let before = shop.ok("pool show spring");
        shop.ok(&format!("pool set spring {change}"));
        assert_ne!(shop.ok("pool show spring"), before, "{change}");
    }
    assert!(shop.ok("pool show spring").contains("expires at          2027-06-30 16:00:00 UTC\n"));
}

#[test]
fn a_paused_pool_refuses_new_claims_and_serves_old_ones() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    let (_, first) = shop.render("c1", &[]);
    assert_eq!(
        shop.run("pool pause spring").stderr,
        "pool 'spring' takes no new claims; 'tearoff pool resume spring' ends that\n"
    );
    assert_eq!(shop.render("c1", &[]).1["vouchers"], first["vouchers"]);
    let (code, refused) = shop.render("c2", &[]);
    assert_eq!((code, &refused["reason"]), (Some(3), &json!("pool_paused")));
    shop.ok("pool resume spring");
    assert_eq!(shop.render("c2", &[]).0, Some(0));
}

#[test]
fn a_pool_with_assigned_codes_is_deleted_only_with_an_archive() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    let (_, outcome) = shop.render("c1", &[]);
    shop.run("pool delete spring")
        .fails(7, "error: codes of pool 'spring' are assigned to customers\nhelp: delete it with '--archive FILE'");
    let deleted = shop.run("pool delete spring --archive old.csv");
    assert_eq!(
        (deleted.code, deleted.stderr.as_str()),
        (Some(0), "deleted pool 'spring'; its 2 vouchers are in old.csv\n")
    );
    assert_eq!(shop.json("pool list --json"), json!([]));
    let archive = shop.read("old.csv");
    let mut rows: Vec<&str> = archive.lines().collect();
    rows[1..].sort_by_key(|row| row.contains("available"));
    let header =
        "code,pool,state,customer_id,campaign_id,message_id,channel,mode,assigned_at,expires_at,redeemed_at,metadata";
    assert_eq!((rows.len(), rows[0]), (3, header));
    let code = outcome["vouchers"][0]["code"].as_str().unwrap();
    assert!(rows[1].starts_with(&format!("{code},spring,assigned,c1,sale,sale/c1,sms,live,20")), "{}", rows[1]);
    let other = if code == "S1" { "S2" } else { "S1" };
    assert_eq!(rows[2], format!(r#"{other},spring,available,,,,,,,,,"{{""discount"":""20 %""}}""#));
}

#[test]
fn an_archive_of_json_lines_holds_what_voucher_show_says() {
    let codes: Vec<String> = (0..2_500).map(|number| format!("S{number}")).collect();
    let shop = Shop::with_pool("spring", &codes.iter().map(String::as_str).collect::<Vec<_>>());
    shop.render("c1", &[]);
    let mut known: Vec<String> = Vec::new();
    for code in ["S0", "S2499"] {
        known.push(shop.ok(&format!("voucher show {code} --json")).trim().to_owned());
    }
    shop.ok("pool delete spring --archive old.jsonl");
    let archive = shop.read("old.jsonl");
    assert_eq!(archive.lines().count(), 2_500);
    assert!(known.iter().all(|voucher| archive.lines().any(|line| line == voucher)));
}

#[test]
fn an_archive_is_never_overwritten_and_stays_only_if_the_pool_is_gone() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.write("old.csv", "precious");
    shop.run("pool delete spring --archive old.csv")
        .fails(7, "error: the archive 'old.csv' is there already\nhelp: name a file that does not exist");
    assert_eq!(shop.read("old.csv"), "precious");
    shop.ok("pool create vip --overflow spring");
    shop.run("pool delete spring --archive new.csv").fails(
        7,
        "error: pool 'spring' is the overflow pool of another\nhelp: give that pool another overflow pool first",
    );
    assert!(!names(&shop.path("")).contains(&"new.csv".to_owned()));
    assert_eq!(shop.render("c1", &[]).0, Some(0), "the pool takes new claims as before");
}

#[test]
fn a_pool_is_not_archived_while_a_message_holds_its_codes() {
    let shop = Shop::with_pool("spring", &["S1"]);
    let message = Arc::new(MessageIdentity {
        message_id: MessageId::new("m1").unwrap(),
        customer_id: CustomerId::new("c1").unwrap(),
        campaign_id: None,
        channel: Channel::Sms,
        mode: Mode::Live,
    });
    let claim = Claim { pool: PoolName::new("spring").unwrap(), width: Width::Message, message };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lease = Lease::new(Lease::TIME);
    runtime.block_on(async {
        let store = SqliteStore::open(shop.path("tearoff.db"), "default").unwrap();
        assert!(matches!(store.reserve(&lease, &[claim]).await.unwrap()[..], [Claimed::Bound(_)]));
    });
    shop.run("pool delete spring --archive old.csv").fails(
        7,
        "error: codes of pool 'spring' are reserved at this moment\n\
         help: wait until the messages that need them are done",
    );
    assert!(!shop.path("old.csv").exists());
    assert!(shop.ok("pool show spring").contains("new claims    allowed"));
}

#[test]
fn an_archive_of_one_voucher_is_told_in_the_singular() {
    let shop = Shop::with_pool("spring", &["S1"]);
    let deleted = shop.run("pool delete spring --archive old.csv");
    assert_eq!(deleted.stderr, "deleted pool 'spring'; its 1 voucher is in old.csv\n");
}
