//! Which key may call what.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::service::{Running, Shop};

const SCOPES: [&str; 8] =
    ["render", "render:web", "test", "pools:read", "pools:write", "codes:read", "redeem", "admin"];

/// A service with a pool of one code, and a key for each scope.
struct Guarded {
    service: Running,
    keys: BTreeMap<&'static str, String>,
}

impl Guarded {
    fn start() -> Guarded {
        let shop = Shop::new();
        shop.write("codes.txt", "SPR-1\n");
        shop.tearoff(&["pool", "import", "spring", "codes.txt"]);
        let keys = SCOPES.map(|scope| (scope, shop.key(scope))).into();
        Guarded { service: shop.serve_with(&[]), keys }
    }

    /// The status of a call with the key of a scope, and what it answers.
    fn call(&self, scope: &str, call: (&str, &str, Option<&Value>)) -> (u16, Value) {
        self.call_with(Some(&self.keys[scope]), call)
    }

    fn call_with(&self, key: Option<&str>, (method, path, body): (&str, &str, Option<&Value>)) -> (u16, Value) {
        let is_import = path.ends_with("/import");
        let bearer = key.map(|key| format!("Bearer {key}"));
        let mut headers = vec![("Content-Type", if is_import { "text/csv" } else { "application/json" })];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        let body = match (is_import, body) {
            (true, _) => "code\nSPR-1\n".to_owned(),
            (false, body) => body.map(Value::to_string).unwrap_or_default(),
        };
        let answer = self.service.call(method, path, &headers, body.as_bytes());
        (answer.status, answer.json())
    }
}

#[test]
fn a_call_needs_its_scope() {
    let guarded = Guarded::start();
    let (code, customer) = (json!({"code": "NONE"}), json!({"customer_id": "c42"}));
    let assign = json!({"customer_id": "c42", "pool": "spring", "assignment_id": "welcome"});
    let redeem = json!({"code": "NONE", "event_id": "o1"});
    let (settings, count, event) = (json!({}), json!({"count": 1}), json!({"type": "visit"}));
    for (wanted, method, path, body, status) in [
        ("pools:read", "GET", "/v1/pools", None, 200),
        ("pools:read", "GET", "/v1/pools/spring", None, 200),
        ("pools:write", "PUT", "/v1/pools/spring", Some(&settings), 200),
        ("pools:write", "POST", "/v1/pools/spring/import", Some(&settings), 200),
        ("pools:write", "POST", "/v1/pools/spring/generate", Some(&count), 200),
        ("codes:read", "GET", "/v1/pools/spring/vouchers", None, 200),
        ("codes:read", "POST", "/v1/vouchers/lookup", Some(&code), 404),
        ("redeem", "POST", "/v1/vouchers/validate", Some(&code), 200),
        ("redeem", "POST", "/v1/vouchers/redeem", Some(&redeem), 200),
        ("redeem", "POST", "/v1/events", Some(&event), 200),
        ("codes:read", "POST", "/v1/customers/vouchers", Some(&customer), 200),
        ("render", "POST", "/v1/customers/assign", Some(&assign), 200),
    ] {
        for key in [None, Some("nobody"), Some("")] {
            let (status, problem) = guarded.call_with(key, (method, path, body));
            assert_eq!((status, &problem["code"]), (401, &json!("unauthorized")), "{method} {path} {key:?}");
        }
        for key in SCOPES {
            let (answered, answer) = guarded.call(key, (method, path, body));
            match key == wanted || key == "admin" {
                true => assert_eq!(answered, status, "{method} {path} {key}: {answer}"),
                false => assert_eq!((answered, &answer["code"]), (403, &json!("forbidden")), "{method} {path} {key}"),
            }
        }
    }
}

#[test]
fn who_may_not_read_codes_hears_the_same_of_all_that_are_not_valid() {
    let guarded = Guarded::start();
    let post = |key: &str, path: &str, body: &Value| guarded.call(key, ("POST", path, Some(body))).1;
    let validate = |key: &str, code: &str| post(key, "/v1/vouchers/validate", &json!({ "code": code }));
    let not_valid = json!({"valid": false, "reason": "not_valid"});
    for (code, reason) in [("NONE", "unknown"), ("SPR-1", "not_assigned")] {
        assert_eq!(validate("redeem", code), not_valid);
        assert_eq!(validate("admin", code), json!({"valid": false, "reason": reason}));
    }
    let assign = json!({"customer_id": "c42", "pool": "spring", "assignment_id": "welcome"});
    assert_eq!(post("render", "/v1/customers/assign", &assign)["code"], "SPR-1");
    assert_eq!(validate("redeem", "SPR-1"), json!({"valid": true, "reason": null}));
    let refuse = json!({"redeem_by_others": "refuse"});
    assert_eq!(guarded.call("admin", ("PUT", "/v1/pools/spring", Some(&refuse))).0, 200);
    assert_eq!(validate("redeem", "SPR-1"), not_valid, "somebody else's");
    guarded.call("admin", ("PUT", "/v1/pools/spring", Some(&json!({}))));
    let redeem = json!({"code": "SPR-1", "event_id": "o1"});
    assert_eq!(post("redeem", "/v1/vouchers/redeem", &redeem), json!({"result": "redeemed"}));
    assert_eq!(validate("redeem", "SPR-1"), not_valid, "used");
}

/// The scopes that a call names in the document, and whether it can do without a key.
fn documented(call: &Value) -> (Vec<&str>, bool) {
    let ways = call["security"].as_array().unwrap_or_else(|| panic!("no scopes: {}", call["operationId"]));
    let scopes = ways.iter().filter_map(|way| way["key"].as_array()).flatten().map(|scope| scope.as_str().unwrap());
    (scopes.collect(), ways.contains(&json!({})))
}

#[test]
fn the_document_names_the_scopes_that_a_call_asks_for() {
    let guarded = Guarded::start();
    let document = guarded.service.get("/openapi.json").json();
    let paths = document["paths"].as_object().unwrap().iter();
    let calls = paths.flat_map(|(path, calls)| calls.as_object().unwrap().iter().map(move |call| (path, call)));
    let mut guarded_calls = 0;
    for (path, (method, call)) in calls {
        let (scopes, is_open) = documented(call);
        let path = path.replace("{pool}", "spring").replace("{layer}", "none");
        // Somebody behind a proxy: who calls from this machine needs no key for the numbers.
        let status = |key: Option<&str>| {
            let bearer = format!("Bearer {}", key.unwrap_or_default());
            let away = [("Authorization", bearer.as_str()), ("X-Forwarded-For", "192.0.2.1")];
            guarded.service.call(&method.to_uppercase(), &path, if key.is_some() { &away } else { &[] }, b"").status
        };
        assert_eq!(status(None) != 401, is_open, "{method} {path}");
        guarded_calls += usize::from(!scopes.is_empty());
        for key in SCOPES {
            let answered = status(Some(&guarded.keys[key]));
            let is_refused = !(scopes.is_empty() || scopes.contains(&key) || key == "admin");
            assert_eq!(answered == 403, is_refused, "{method} {path} {key}: {answered}");
        }
    }
    assert!(guarded_calls > 15, "{guarded_calls} calls ask for a scope");
}
