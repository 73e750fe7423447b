//! `events ingest`.

use serde_json::{Value, json};
use tearoff::voucher::ByOthers;

use crate::redemptions::set_rules;
use crate::shop::{Run, Shop};

/// A shop in which `c1`, `c2` and so on have one code each: `customer` says whose code is whose.
fn shop(customers: usize) -> Shop {
    let codes: Vec<String> = (0..=customers).map(|number| format!("S{number}")).collect();
    let shop = Shop::with_pool("spring", &codes.iter().map(String::as_str).collect::<Vec<_>>());
    for number in 1..=customers {
        assert_eq!(shop.render(&format!("c{number}"), &[]).0, Some(0));
    }
    shop
}

fn code_of(shop: &Shop, customer: &str) -> String {
    shop.json(&format!("customer show {customer} --json"))[0]["code"].as_str().unwrap().to_owned()
}

fn purchase(customer: &str, code: &str, further: &Value) -> String {
    let mut properties = json!({"voucher_code": code});
    properties.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    let event = json!({"type": "purchase", "customer_id": customer, "timestamp": 1795000000, "properties": properties});
    format!("{event}\n")
}

/// A report with these counts, the others being 0.
fn report(counts: &Value, rejected: &Value) -> Value {
    let mut report = json!({"read": 0, "redeemed": 0, "already_redeemed": 0, "unknown": 0, "not_assigned": 0,
        "expired": 0, "void": 0, "rule_failed": 0, "unmapped": 0, "rejected": rejected});
    report.as_object_mut().unwrap().extend(counts.as_object().unwrap().clone());
    report
}

#[test]
fn purchases_use_vouchers_and_a_repeat_changes_nothing() {
    let shop = shop(2);
    let (first, second) = (code_of(&shop, "c1"), code_of(&shop, "c2"));
    let free = ["S0", "S1", "S2"].into_iter().find(|code| *code != first && *code != second).unwrap();
    let mut events = String::new();
    events += &purchase("c1", &first, &json!({"event_id": "o1"}));
    events += "\n{\"type\": \"page_visit\", \"customer_id\": \"c1\", \"properties\": {}}\n";
    events += &purchase("c9", &first, &json!({"event_id": "o2"}));
    events += &purchase("c2", &second, &json!({}));
    events += &purchase("c2", "NONE", &json!({}));
    events += &purchase("c2", free, &json!({}));
    events += "not json\n";
    events += r#"{"type": "purchase", "properties": {"voucher_code": ["S1"]}}"#;
    shop.write("events.jsonl", &events);
    let rejected = json!([
        {"line": 8, "reason": "the event is not JSON (column 2)"},
        {"line": 9, "reason": "'properties.voucher_code' is a list, not text"},
    ]);
    let counts =
        json!({"read": 8, "redeemed": 2, "already_redeemed": 1, "unknown": 1, "not_assigned": 1, "unmapped": 1});
    let expected = report(&counts, &rejected);
    for _ in 0..2 {
        assert_eq!(shop.json("events ingest events.jsonl --json"), expected);
    }
    let shown = shop.json(&format!("voucher show {second} --json"));
    assert_eq!((&shown["state"], &shown["redeemed_at"]), (&json!("redeemed"), &json!("2026-11-18T11:06:40Z")));
    assert_eq!(shop.json("pool show spring --json")["redeemed"], 2);
}

#[test]
fn people_read_a_report() {
    let shop = shop(1);
    shop.write("events.jsonl", &(purchase("c1", &code_of(&shop, "c1"), &json!({})) + "SECRET\n"));
    let run = shop.run("events ingest events.jsonl");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (Some(0), "warning: events.jsonl:2: the event is not JSON (column 1)\n")
    );
    insta::assert_snapshot!(run.stdout, @r"
    read              2
    redeemed          1
    already redeemed  0
    unknown code      0
    not assigned      0
    expired           0
    void              0
    rule failed       0
    unmapped          0
    rejected          1
    ");
}

#[test]
fn the_project_says_which_events_count() {
    let shop = shop(1);
    let code = code_of(&shop, "c1");
    shop.write("tearoff.toml", "[redemption]\nevent = \"order\"\nattribute = \"coupon\"\nevent_id = \"id\"\n");
    let order = json!({"type": "order", "id": 7, "properties": {"coupon": code}});
    shop.write("events.jsonl", &format!("{order}\n{}", purchase("c1", &code, &json!({}))));
    let expected = report(&json!({"read": 2, "redeemed": 1, "unmapped": 1}), &json!([]));
    assert_eq!(shop.json("events ingest events.jsonl --json"), expected);
    let again = shop.run(&format!("voucher redeem {code} --event-id 7 --json"));
    assert_eq!(again.code, Some(0), "the event is known by its id: {again:?}");
    shop.write("tearoff.toml", "[redemption]\nevents = \"order\"\n");
    let error = "error: tearoff.toml, line 2: unknown field `events`, expected one of `event`, `attribute`, `event_id`";
    assert!(shop.run("events ingest events.jsonl").stderr.starts_with(error));
}

#[test]
fn rules_see_the_event() {
    let shop = shop(3);
    set_rules(&shop, Some("order.total >= 50 and customer.segment != 'staff'"), ByOthers::Refuse);
    let event = |customer: &str, whose: &str, further: &Value| purchase(customer, &code_of(&shop, whose), further);
    let mut events = event("c1", "c1", &json!({"total": 50}));
    events += &event("c1", "c2", &json!({"total": 50}));
    events += &event("c3", "c3", &json!({"total": 50, "customer": {"segment": "staff"}}));
    events += &event("c3", "c3", &json!({}));
    let nobody = json!({"type": "purchase", "properties": {"voucher_code": code_of(&shop, "c3"), "total": 50}});
    events += &format!("{nobody}\n");
    shop.write("events.jsonl", &events);
    let expected = report(&json!({"read": 5, "redeemed": 1, "rule_failed": 4}), &json!([]));
    assert_eq!(shop.json("events ingest events.jsonl --json"), expected);
}

/// More than a batch, with codes and lines of others between, through standard input.
#[test]
fn many_events_are_read_from_standard_input() {
    let shop = shop(1);
    let mut events = String::new();
    for number in 0..2_500 {
        events += &purchase("c1", &format!("FOREIGN-{number}"), &json!({}));
        events += "{\"type\": \"page_visit\"}\n";
    }
    events += &purchase("c1", &code_of(&shop, "c1"), &json!({}));
    shop.write("events.jsonl", &events);
    let input = std::fs::File::open(shop.path("events.jsonl")).unwrap();
    let run = Run::of(shop.command(&["events", "ingest", "-", "--json"]).stdin(input));
    let expected = report(&json!({"read": 5_001, "redeemed": 1, "unknown": 2_500, "unmapped": 2_500}), &json!([]));
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap(), expected, "{run:?}");
}

#[test]
fn what_cannot_be_read_changes_nothing() {
    let shop = shop(1);
    let run = shop.run("events ingest none.jsonl");
    assert_eq!(run.code, Some(7), "{run:?}");
    assert!(run.stderr.starts_with("error: cannot read none.jsonl: "), "{run:?}");
}
