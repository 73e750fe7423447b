//! Who changed what: a line of the log for each, with nothing in it of codes or customers.

use serde_json::{Value, json};

use crate::service::{Running, Shop, until};

/// What must be in no line: a code, a customer, a message and an event.
const MARKS: [&str; 4] = ["CANARY-CODE", "canary@example.com", "canary-message", "canary-event"];

fn changes(service: &Running) -> Vec<Value> {
    let lines: Vec<Value> = service.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    lines.into_iter().map(|line| line["fields"].clone()).filter(|fields| fields["audit"] == true).collect()
}

#[test]
fn every_change_is_told_with_its_key_and_without_anything_of_anybodys() {
    let shop = Shop::new();
    let key = shop.key("admin");
    let id = key.split('_').nth(1).unwrap().to_owned();
    shop.write("templates/hi/body.txt", "{{ vouchers.spring.assign_available() }}");
    let service = shop.serve_with(&["--log-format", "json"]);
    let bearer = format!("Bearer {key}");
    let call = |method: &str, path: &str, kind: &str, body: &str| {
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", kind)];
        let answer = service.call(method, path, &headers, body.as_bytes());
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer
    };
    let post = |path: &str, body: Value| call("POST", path, "application/json", &body.to_string());

    call("PUT", "/v1/pools/spring", "application/json", "{}");
    call("POST", "/v1/pools/spring/import", "text/csv", "code\nCANARY-CODE\n");
    post("/v1/pools/spring/generate", json!({"count": 5, "pattern": "SUM-##########"}));
    let customer = "canary@example.com";
    post("/v1/customers/assign", json!({"customer_id": customer, "pool": "spring", "assignment_id": "step"}));
    let message =
        json!({"message_id": "canary-message", "template": "hi", "channel": "sms", "customer": {"id": customer}});
    post("/v1/messages", message);
    post("/v1/messages/release", json!({"message_id": "canary-message"}));
    let other = json!({"message_id": "m", "template": "hi", "channel": "sms", "customer": {"id": customer}});
    let code = post("/v1/messages", other).json()["vouchers"][0]["code"].clone();
    post("/v1/vouchers/redeem", json!({"code": code, "event_id": "canary-event"}));
    let purchase = json!({"type": "purchase", "customer_id": customer, "timestamp": "2026-11-20T09:00:00Z",
        "properties": {"event_id": "canary-event", "voucher_code": code}});
    post("/v1/events", purchase);

    let told = until("every change is told", || Some(changes(&service)).filter(|told| told.len() >= 7));
    let expected = [
        ("pool.put", Some("spring")),
        ("pool.import", Some("spring")),
        ("pool.generate", Some("spring")),
        ("customer.assign", Some("spring")),
        ("message.release", None),
        ("voucher.redeem", None),
    ];
    for (call, pool) in expected {
        let line = told.iter().find(|line| line["call"] == call).unwrap_or_else(|| panic!("{call}: {told:?}"));
        assert_eq!((line["key"].as_str(), line["pool"].as_str()), (Some(id.as_str()), pool), "{call}");
    }
    let (log, secret) = (service.log(), key.rsplit('_').next().unwrap());
    for mark in MARKS.into_iter().chain([code.as_str().unwrap(), secret]) {
        assert!(!log.contains(mark), "the log has '{mark}'");
    }
}
