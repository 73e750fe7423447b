//! Pools, their settings, and the pages of their vouchers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::service::{Running, Shop};

#[test]
fn a_pool_is_made_and_its_settings_are_replaced() {
    let service = Running::start();
    let made = service.put("/v1/pools/spring", &json!({"valid_for": "30d", "limit_per_customer": 1}));
    assert_eq!((made.status, &made.json()["settings"]["valid_for"]), (201, &json!("30d")));
    let changed = service.put("/v1/pools/spring", &json!({"limit_total": 5, "low_stock": [10, 100]}));
    let settings = changed.json()["settings"].clone();
    assert_eq!((changed.status, &settings["valid_for"], &settings["limit_total"]), (200, &Value::Null, &json!(5)));
    assert_eq!(settings["low_stock"], json!([100, 10]));
    let again = service.put("/v1/pools/spring", &settings);
    assert_eq!((again.status, &again.json()["settings"]), (200, &settings), "what is shown can be put");
}

#[test]
fn a_pool_is_shown_as_the_command_line_shows_it() {
    let shop = Shop::new();
    shop.stock("spring", "SPR", 3);
    let service = shop.serve();
    let shown: Value = serde_json::from_str(&service.shop.tearoff(&["pool", "show", "spring", "--json"])).unwrap();
    assert_eq!(service.get("/v1/pools/spring").json(), shown);
    assert_eq!(shown["available"], 3);
    let names: Vec<String> =
        service.pools().as_array().unwrap().iter().map(|pool| pool["pool"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["spare", "spring"]);
    assert_eq!(service.pools()[1], shown);
}

#[test]
fn a_paused_pool_stays_so_until_somebody_says_otherwise() {
    let service = Running::start();
    let paused = |body: Value| service.put("/v1/pools/spare", &body).json()["settings"]["paused"].clone();
    assert_eq!(paused(json!({"paused": true})), true);
    assert_eq!(paused(json!({"valid_for": "3d"})), true);
    assert_eq!(paused(json!({"paused": false})), false);
}

#[test]
fn settings_that_are_none_change_nothing() {
    let service = Running::start();
    let before = service.pools();
    for (path, body, status, code, detail) in [
        ("spare", json!({"valid-for": "3d"}), 422, "invalid_input", "there is no setting 'valid-for'"),
        ("spare", json!({"valid_for": "3w"}), 422, "invalid_input", "'valid_for': '3w' is not a span of time"),
        ("spare", json!({"limit_total": 0}), 422, "invalid_input", "'limit_total' takes a whole number of 1 or more"),
        ("spare", json!({"limit_total": -1}), 422, "invalid_input", "'limit_total' takes a whole number of 1 or more"),
        ("spare", json!({"pattern": "FIXED"}), 422, "invalid_input", "'pattern': the pattern has no random character"),
        (
            "spare",
            json!({"overflow": "none"}),
            422,
            "invalid_input",
            "the overflow pool 'none' of 'spare' does not exist",
        ),
        ("spare", json!({"overflow": "spare"}), 422, "invalid_input", "the overflow pools of 'spare' lead back to it"),
        ("new", json!({"overflow": "none"}), 422, "invalid_input", "the overflow pool 'none' of 'new' does not exist"),
        (
            "spare",
            json!({"fallback": " SECRET"}),
            422,
            "invalid_input",
            "'fallback': the code begins or ends with white space",
        ),
        ("spare", json!([]), 422, "invalid_input", "another kind of value is expected here: a map (line 1, column 0)"),
        ("two%20words", json!({}), 422, "invalid_input", "pool name 'two words' is not a valid name"),
    ] {
        let answer = service.put(&format!("/v1/pools/{path}"), &body);
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{body}");
        assert_eq!(answer.json()["detail"], detail, "{body}");
    }
    let eligible = service.put("/v1/pools/spare", &json!({"eligible": "customer.ltv <"}));
    assert_eq!(eligible.status, 422);
    assert!(eligible.json()["detail"].as_str().unwrap().starts_with("'eligible': "));
    let help = service.put("/v1/pools/spare", &json!({"valid-for": "3d"})).json()["help"].clone();
    assert!(help.as_str().unwrap().ends_with("did you mean 'valid_for'?"), "{help}");
    assert_eq!(service.pools(), before);
}

#[test]
fn a_body_that_is_none_changes_nothing() {
    let service = Running::start();
    let before = service.pools();
    let deep = format!("{{\"low_stock\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let large = format!("{{\"eligible\": \"{}\"}}", "a".repeat(1 << 20));
    for (content_type, body, status, code) in [
        ("text/plain", "{}", 415, "unsupported_media_type"),
        ("application/json", "", 400, "malformed_json"),
        ("application/json", "{\"floor\": NaN}", 400, "malformed_json"),
        ("application/json", "{\"eligible\": \"\\ud800\"}", 400, "malformed_json"),
        ("application/json", "{\"floor\": 1, \"floor\": 2}", 422, "invalid_input"),
        ("application/json", &deep, 400, "malformed_json"),
        ("application/json", &large, 413, "body_too_large"),
    ] {
        let answer = service.call("PUT", "/v1/pools/spare", &[("Content-Type", content_type)], body.as_bytes());
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{body:.40}");
    }
    assert_eq!(service.pools(), before);
}

#[test]
fn a_pool_that_is_not_there_is_named_with_the_nearest() {
    let service = Running::start();
    for path in ["/v1/pools/spar", "/v1/pools/spar/vouchers"] {
        let answer = service.get(path);
        assert_eq!((answer.status, answer.problem().as_str()), (404, "not_found"));
        assert_eq!(answer.json()["detail"], "there is no pool 'spar'; did you mean 'spare'?");
    }
    assert_eq!(service.get("/v1/pools/%ff").status, 422);
}

#[test]
fn codes_are_generated() {
    let service = Running::start();
    let path = "/v1/pools/summer/generate";
    let report = service.post(path, &json!({"count": 20, "pattern": "SUM-####", "charset": "digits"}));
    assert_eq!((report.status, &report.json()["generated"]), (200, &json!(20)));
    assert_eq!(report.json()["pattern"], "SUM-####[digits]");
    assert_eq!(service.get("/v1/pools/summer").json()["available"], 20);
    service.put("/v1/pools/summer", &json!({"pattern": "OWN-########"}));
    assert_eq!(service.post(path, &json!({"count": 1})).json()["pattern"], "OWN-########");
    let before = service.pools();
    for body in [
        json!({"count": 0}),
        json!({"count": 100_001}),
        json!({"count": -1}),
        json!({"count": "5"}),
        json!({}),
        json!({"count": 5, "patern": "A-####"}),
        json!({"count": 5, "pattern": "FIXED"}),
        json!({"count": 5, "pattern": "A-#", "charset": "AA"}),
        json!({"count": 100, "pattern": "A-#"}),
    ] {
        let answer = service.post(path, &body);
        assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid_input"), "{body}");
    }
    assert_eq!(service.pools(), before);
}

/// All pages of an address, which are no larger than `limit`.
fn pages(service: &Running, address: &str, limit: usize) -> Vec<String> {
    let (mut codes, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let behind = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = service.get(&format!("{address}{behind}")).json();
        let vouchers = page["vouchers"].as_array().unwrap();
        assert!(vouchers.len() <= limit);
        codes.extend(vouchers.iter().map(|voucher| voucher["code"].as_str().unwrap().to_owned()));
        match page["cursor"].as_str() {
            Some(more) => cursor = Some(more.to_owned()),
            None => return codes,
        }
    }
}

#[test]
fn vouchers_are_listed_page_by_page() {
    let shop = Shop::new();
    shop.stock("spring", "SPR", 25);
    let service = shop.serve();
    let assign = json!({"customer_id": "c42", "pool": "spring", "assignment_id": "welcome"});
    let given = service.post("/v1/customers/assign", &assign).json()["code"].as_str().unwrap().to_owned();
    let all = pages(&service, "/v1/pools/spring/vouchers?limit=10", 10);
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (25, 25));
    assert_eq!(pages(&service, "/v1/pools/spring/vouchers?limit=25", 25), all);
    assert_eq!(pages(&service, "/v1/pools/spring/vouchers?state=assigned&limit=10", 10), [given]);
    assert_eq!(pages(&service, "/v1/pools/spring/vouchers?state=available&limit=5", 5).len(), 24);
    assert!(pages(&service, "/v1/pools/spare/vouchers?limit=10", 10).is_empty());
}

#[test]
fn a_cursor_is_sealed_and_good_for_its_pool_alone() {
    let shop = Shop::new();
    shop.stock("spring", "SPR", 3);
    shop.stock("vip", "VIP", 3);
    let secret = "[http]\ncursor_secret = \"0123456789abcdef0123456789abcdef\"\n";
    shop.write("tearoff.toml", secret);
    let service = shop.serve();
    let page = service.get("/v1/pools/spring/vouchers?limit=1").json();
    let cursor = page["cursor"].as_str().unwrap().to_owned();
    let code = page["vouchers"][0]["code"].as_str().unwrap();
    assert!(!cursor.contains(code) && !cursor.contains("U1BSLT"), "neither as it is nor in base 64: {cursor}");
    let refused = |path: &str| {
        let answer = service.get(path);
        assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid_input"), "{path}");
    };
    for cursor in [&cursor[1..], "x", "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", code] {
        refused(&format!("/v1/pools/spring/vouchers?cursor={cursor}"));
    }
    refused(&format!("/v1/pools/vip/vouchers?cursor={cursor}"));
    service.shop.tearoff(&["pool", "delete", "spring"]);
    service.shop.stock("spring", "NEW", 3);
    refused(&format!("/v1/pools/spring/vouchers?cursor={cursor}"));
    service.shop.stock("spring", "SPR", 3);
    let again = service.stop().serve();
    let answer = again.get(&format!("/v1/pools/spring/vouchers?cursor={cursor}"));
    assert_eq!(answer.status, 200, "another server with the same secret knows it");
}

#[test]
fn parameters_are_read_strictly() {
    let service = Running::start();
    for parameters in ["limit=0", "limit=1001", "limit=x", "limit=-1", "state=lost", "page=2", "limit=1&limit=2"] {
        let answer = service.get(&format!("/v1/pools/spare/vouchers?{parameters}"));
        assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid_input"), "{parameters}");
    }
}
