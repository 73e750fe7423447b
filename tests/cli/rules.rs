//! Settings that decide who may get a voucher, who is told, and when it may be used.

use serde_json::json;

use crate::shop::Shop;

fn settings(shop: &Shop) -> String {
    shop.ok("pool show spring").split_once("\n\n").unwrap().1.to_owned()
}

#[test]
fn every_rule_is_set_shown_and_taken_back() {
    let shop = Shop::new();
    let made = shop.run_with(&[
        "pool",
        "create",
        "spring",
        "--eligible",
        "customer.ltv < 500 and customer.segment != 'vip'",
        "--limit-total",
        "50000",
        "--limit-total",
        "10000/day",
        "--floor",
        "1000",
        "--low-stock",
        "100,1000",
        "--redeem-rule",
        "order.total >= 50",
        "--redeem-by-others",
        "flag",
    ]);
    assert_eq!(made.code, Some(0), "{made:?}");
    insta::assert_snapshot!(settings(&shop), @r"
    new claims         allowed
    limit in total     50,000
    limit in a period  10,000 in each day
    eligible           customer.ltv < 500 and customer.segment != 'vip'
    floor              1,000 not for web layers
    low stock          1000,100
    preview code       spring-preview
    redeem rule        order.total >= 50
    redeem by others   flag
    ");
    let shown = shop.json("pool show spring --json");
    assert_eq!(
        shown["settings"],
        json!({
            "paused": false, "valid_for": null, "expires_at": null, "limit_per_customer": null, "limit_per_campaign": null,
            "limit_total": 50000, "limit_in_period": "10000/day", "eligible": "customer.ltv < 500 and customer.segment != 'vip'",
            "floor": 1000, "low_stock": [1000, 100], "fallback": null, "overflow": null, "pattern": null,
            "preview_code": "spring-preview", "redeem_rule": "order.total >= 50", "redeem_by_others": "flag"
        })
    );
    shop.ok("pool set spring --limit-total 7 --floor 0");
    assert_eq!(shop.json("pool show spring --json")["settings"]["limit_in_period"], "10000/day");
    let all = ["eligible", "limit-total", "low-stock", "redeem-rule", "redeem-by-others"];
    let unset: Vec<String> = all.iter().map(|setting| format!("--unset {setting}")).collect();
    shop.ok(&format!("pool set spring {} --unset floor", unset.join(" ")));
    insta::assert_snapshot!(settings(&shop), @r"
    new claims    allowed
    preview code  spring-preview
    ");
}

#[test]
fn an_expression_that_does_not_parse_changes_nothing() {
    let shop = Shop::new();
    for (argument, text, says) in [
        ("--eligible", "customer.segment = 'vip'", "--eligible: line 1, column 18: "),
        ("--eligible", "vouchers.spring", "--eligible: line 1, column 1: a rule does not see vouchers"),
        (
            "--redeem-rule",
            "order.total|flot > 5",
            "--redeem-rule: line 1, column 13: there is no filter 'flot'; did you mean 'float'?",
        ),
    ] {
        let run = shop.run_with(&["pool", "create", "spring", argument, text]);
        assert_eq!(run.code, Some(7), "{run:?}");
        assert!(run.stderr.starts_with(&format!("error: {says}")), "{}", run.stderr);
        assert!(!shop.path("tearoff.db").exists(), "nothing was made");
    }
}

#[test]
fn other_values_that_mean_nothing_are_refused() {
    let shop = Shop::new();
    for (arguments, code, says) in [
        ("--limit-total 0", 2, "write a number of 1 or more"),
        ("--limit-total 10/fortnight", 2, "hour, day, week or month"),
        ("--redeem-by-others perhaps", 2, "[possible values: allow, flag, refuse]"),
        ("--low-stock many", 7, "--low-stock: 'many' is no list of numbers of vouchers"),
        ("--floor -1", 2, ""),
    ] {
        let run = shop.run(&format!("pool create spring {arguments}"));
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.stderr.contains(says), "{}", run.stderr);
    }
}

#[test]
fn a_message_to_somebody_who_is_not_eligible_is_suppressed() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.run_with(&["pool", "set", "spring", "--eligible", "customer.id != 'c1' and event.total > 10"]);
    let event = ["--context", r#"{"event": {"total": 20}}"#];
    let (code, outcome) = shop.render("c1", &event);
    assert_eq!((code, &outcome["status"], &outcome["reason"]), (Some(0), &json!("suppressed"), &json!("not_eligible")));
    assert_eq!((&outcome["pool"], &outcome["event"]), (&json!("spring"), &json!(null)));
    assert_eq!(shop.render("c2", &["--mode", "preview"]).1["status"], "rendered", "a preview asks no rule");
    assert_eq!(shop.render("c2", &event).1["status"], "rendered");
}

#[test]
fn a_name_that_may_be_a_slip_is_told() {
    let shop = Shop::with_pool("spring", &[]);
    let set = |argument: &str, expression: &str| shop.run_with(&["pool", "set", "spring", argument, expression]).stderr;
    let told = set("--eligible", "custmer.vip and segment == 'a' and now() > customer.since and event.x");
    assert_eq!(
        told,
        "warning: --eligible knows customer, event, campaign, channel, params, and looks at 'custmer'; did you mean 'customer'?\n\
         warning: --eligible knows customer, event, campaign, channel, params, and looks at 'segment'\n\
         changed pool 'spring'\n"
    );
    let told = set("--redeem-rule", "order.total >= 50 and ordr.total < 100");
    assert!(told.contains("channel, and looks at 'ordr'; did you mean 'order'?"), "{told}");
    assert_eq!(set("--redeem-rule", "order.total >= 50 and range(3)|length == 3"), "changed pool 'spring'\n");
}
