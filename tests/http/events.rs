//! Tracked events.

use serde_json::{Value, json};

use crate::service::{Running, Shop};

/// A service in whose pool `spring` the customer c42 has the voucher `SPR-0`.
fn service(configuration: &str) -> Running {
    let shop = Shop::new();
    shop.stock("spring", "SPR", 1);
    shop.write("tearoff.toml", configuration);
    let service = shop.serve();
    let body = json!({"customer_id": "c42", "pool": "spring", "assignment_id": "welcome"});
    assert_eq!(service.post("/v1/customers/assign", &body).json()["code"], "SPR-0");
    service
}

fn purchase(event: &str, code: &str) -> Value {
    json!({"type": "purchase", "customer_id": "c42", "properties": {"event_id": event, "voucher_code": code}})
}

#[test]
fn an_event_uses_its_voucher_once() {
    let service = service("");
    for _ in 0..2 {
        let answer = service.post("/v1/events", &purchase("o1", "SPR-0"));
        assert_eq!((answer.status, &answer.json()["results"]), (200, &json!(["redeemed"])));
    }
    assert_eq!(service.post("/v1/events", &purchase("o2", "SPR-0")).json()["results"], json!(["already_redeemed"]));
    assert_eq!(service.get("/v1/pools/spring").json()["redeemed"], 1);
}

#[test]
fn each_event_of_a_list_stands_for_itself() {
    let service = service("");
    let events = json!([
        {"type": "page_visit"}, 5, purchase("o1", "SPR-0"), purchase("o2", "SPR-0"), purchase("o3", "NONE"),
        {"type": "purchase", "properties": {"voucher_code": 7}},
    ]);
    let report = json!({
        "read": 6, "redeemed": 1, "already_redeemed": 1, "unknown": 1, "not_assigned": 0, "expired": 0, "void": 0,
        "rule_failed": 0, "unmapped": 1, "rejected": [
            {"line": 2, "reason": "the event is not a JSON object"},
            {"line": 6, "reason": "'properties.voucher_code' is a number, not text"},
        ],
        "results": ["unmapped", "rejected", "redeemed", "already_redeemed", "unknown", "rejected"],
    });
    for _ in 0..2 {
        assert_eq!(service.post("/v1/events", &events).json(), report, "the same again");
    }
    assert_eq!(service.post("/v1/events", &json!([])).json()["read"], 0);
}

#[test]
fn a_long_list_is_answered_whole_and_in_order() {
    let service = service("");
    let mut events: Vec<Value> = (0..2_500).map(|n| purchase(&format!("e{n}"), "NONE")).collect();
    events[1_999] = purchase("o1", "SPR-0");
    let report = service.post("/v1/events", &Value::from(events)).json();
    assert_eq!((&report["read"], &report["unknown"], &report["redeemed"]), (&json!(2_500), &json!(2_499), &json!(1)));
    assert_eq!(report["results"][1_999], "redeemed");
}

#[test]
fn the_configuration_says_which_events_count() {
    let service = service("[redemption]\nevent = \"order\"\nattribute = \"coupon\"\nevent_id = \"id\"\n");
    let results = |event: &Value| service.post("/v1/events", event).json()["results"].clone();
    assert_eq!(results(&purchase("o1", "SPR-0")), json!(["unmapped"]));
    assert_eq!(results(&json!({"type": "order", "id": 7, "properties": {"coupon": "SPR-0"}})), json!(["redeemed"]));
}

#[test]
fn what_is_no_event_is_refused_and_changes_nothing() {
    let service = service("[http]\nevents_bytes = 20000\n");
    let before = service.pools();
    for event in [
        json!("SECRET"),
        json!(5),
        json!(null),
        json!({}),
        json!({"type": 1}),
        json!({"type": "purchase", "properties": []}),
        json!({"type": "purchase", "properties": {"voucher_code": ["SECRET"]}}),
        json!({"type": "purchase", "timestamp": "SECRET", "properties": {"voucher_code": "SPR-0"}}),
    ] {
        let answer = service.post("/v1/events", &event);
        assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid_input"), "{event}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("SECRET"), "{answer:?}");
    }
    let twice = r#"{"type": "purchase", "properties": {"voucher_code": "SPR-0", "voucher_code": "SPR-1"}}"#;
    for (content_type, body, status, code) in [
        ("application/json", twice, 422, "invalid_input"),
        ("application/json", "[{]", 400, "malformed_json"),
        ("application/json", &"[".repeat(10_000), 400, "malformed_json"),
        ("application/json", &"[".repeat(30_000), 413, "body_too_large"),
        ("application/x-ndjson", "{}", 415, "unsupported_media_type"),
    ] {
        let answer = service.send("/v1/events", content_type, body);
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{body:.40}");
    }
    assert_eq!(service.pools(), before);
}
