//! Vouchers by their codes.

use serde_json::{Value, json};

use crate::service::{Running, Shop};

/// A service with a pool `spring` of three codes, of which the customer c42 has the one that is given back.
fn service() -> (Running, String) {
    let shop = Shop::new();
    shop.stock("spring", "SPR", 3);
    let service = shop.serve();
    let code = assigned(&service, "c42");
    (service, code)
}

fn assigned(service: &Running, customer: &str) -> String {
    let body = json!({"customer_id": customer, "pool": "spring", "assignment_id": "welcome"});
    service.post("/v1/customers/assign", &body).json()["code"].as_str().unwrap().to_owned()
}

fn post(service: &Running, call: &str, body: &Value) -> Value {
    let answer = service.post(&format!("/v1/vouchers/{call}"), body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn a_voucher_is_told_as_the_command_line_tells_it() {
    let (service, code) = service();
    let told: Value = serde_json::from_str(&service.shop.tearoff(&["voucher", "show", &code, "--json"])).unwrap();
    assert_eq!(post(&service, "lookup", &json!({ "code": code })), told);
    let unknown = service.post("/v1/vouchers/lookup", &json!({"code": "SECRET-CODE"}));
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "not_found"));
    assert!(!String::from_utf8_lossy(&unknown.body).contains("SECRET"));
}

#[test]
fn a_voucher_is_used_once_and_an_event_hears_the_same_again() {
    let (service, code) = service();
    let redeem = |event: &str| post(&service, "redeem", &json!({"code": code, "event_id": event}))["result"].clone();
    let validate = || post(&service, "validate", &json!({"code": code, "customer_id": "c42"}));
    assert_eq!(validate(), json!({"valid": true, "reason": null}));
    assert_eq!((redeem("o1"), redeem("o2")), (json!("redeemed"), json!("already_redeemed")));
    assert_eq!((redeem("o1"), redeem("o2")), (json!("redeemed"), json!("already_redeemed")));
    assert_eq!(validate(), json!({"valid": false, "reason": "already_redeemed"}));
    assert_eq!(service.get("/v1/pools/spring").json()["redeemed"], 1);
}

#[test]
fn every_answer_is_given() {
    let (service, code) = service();
    let void = assigned(&service, "c43");
    let free = ["SPR-0", "SPR-1", "SPR-2"].into_iter().find(|free| *free != code && *free != void).unwrap();
    service.shop.tearoff(&["voucher", "void", &void]);
    let rule = json!({"redeem_rule": "order.total >= 50", "redeem_by_others": "refuse"});
    assert_eq!(service.put("/v1/pools/spring", &rule).status, 200);
    let order = |total: u64, customer: &str| json!({"code": code, "customer_id": customer, "order": {"total": total}});
    for (body, result) in [
        (json!({"code": "NONE"}), "unknown"),
        (json!({ "code": free }), "not_assigned"),
        (json!({ "code": void }), "void"),
        (order(49, "c42"), "rule_failed"),
        (order(50, "c43"), "rule_failed"),
        (order(50, "c42"), "redeemed"),
    ] {
        let reason = post(&service, "validate", &body)["reason"].clone();
        assert_eq!(reason.as_str().unwrap_or("redeemed"), result, "{body}");
        let mut wish = body.clone();
        wish["event_id"] = json!(body.to_string());
        assert_eq!(post(&service, "redeem", &wish)["result"], result, "{body}");
    }
}

#[test]
fn a_rule_sees_the_customer() {
    let (service, code) = service();
    service.put("/v1/pools/spring", &json!({"redeem_rule": "customer.segment == 'vip'"}));
    let valid =
        |customer: Value| post(&service, "validate", &json!({"code": code, "customer": customer}))["valid"].clone();
    assert_eq!((valid(json!({"segment": "vip"})), valid(json!({"segment": "new"}))), (json!(true), json!(false)));
}

#[test]
fn what_is_no_wish_is_refused_and_changes_nothing() {
    let (service, code) = service();
    let before = service.pools();
    for (call, body) in [
        ("lookup", json!({})),
        ("lookup", json!({"code": 5})),
        ("lookup", json!({"code": ""})),
        ("lookup", json!({"code": " SECRET"})),
        ("lookup", json!({"code": "S".repeat(257)})),
        ("lookup", json!({"code": "SECRET\u{200b}"})),
        ("lookup", json!({"code": "A", "pool": "spring"})),
        ("validate", json!({"code": code, "customer_id": ""})),
        ("validate", json!({"code": code, "order": "80"})),
        ("validate", json!({"code": code, "order": [80]})),
        ("redeem", json!({ "code": code })),
        ("redeem", json!({"code": code, "event_id": ""})),
        ("redeem", json!({"code": code, "event_id": 7})),
        ("redeem", json!({"code": code, "event_id": "e".repeat(257)})),
        ("redeem", json!({"code": code, "event_id": "o1", "customer": "SECRET"})),
    ] {
        let answer = service.post(&format!("/v1/vouchers/{call}"), &body);
        assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid_input"), "{call} {body}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("SECRET"), "{answer:?}");
    }
    assert_eq!(service.call("GET", "/v1/vouchers/lookup", &[], b"").status, 405);
    assert_eq!(service.send("/v1/vouchers/redeem", "text/plain", "{}").problem(), "unsupported_media_type");
    assert_eq!(service.send("/v1/vouchers/redeem", "application/json", "{").problem(), "malformed_json");
    assert_eq!(service.pools(), before);
}
