//! Which key may call what: the library's service, with keys that are made here.

use std::sync::Arc;
use std::sync::mpsc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tearoff::http::{self, HttpSettings, Key, Keys, Scope, Service};
use tearoff::store::SqliteStore;
use tearoff::voucher::{NewVoucher, PoolName, PoolSettings, Stock, Store};

const SCOPES: [(&str, Scope); 6] = [
    ("render", Scope::Render),
    ("pools:read", Scope::PoolsRead),
    ("pools:write", Scope::PoolsWrite),
    ("codes:read", Scope::CodesRead),
    ("redeem", Scope::Redeem),
    ("admin", Scope::Admin),
];

/// Starts a service that knows a key for each scope, called like the scope. Says where it listens.
fn start() -> String {
    let key = |(secret, scope): (&str, Scope)| Key {
        id: secret.to_owned(),
        hash: Sha256::digest(secret).into(),
        scopes: vec![scope],
    };
    let keys = Keys::new(SCOPES.into_iter().map(key).collect());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = SqliteStore::in_memory("default").unwrap();
            let spring = PoolName::new("spring").unwrap();
            store.create_pool(&spring, &PoolSettings::default()).await.unwrap();
            let code = tearoff::voucher::Code::new("SPR-1").unwrap();
            let voucher = NewVoucher { code, expires_at: None, metadata: Default::default() };
            store.import(&spring, &[voucher]).await.unwrap();
            let store: Arc<dyn Store> = Arc::new(store);
            let service = Arc::new(Service::new(store, HttpSettings::default(), Some(keys)));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap().to_string()).unwrap();
            http::serve(&service, listener, std::future::pending()).await.unwrap();
        });
    });
    receiver.recv().unwrap()
}

/// The status of a call, and what it answers.
fn call(address: &str, key: Option<&str>, (method, path, body): (&str, &str, Option<&Value>)) -> (u16, Value) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{address}{path}"));
    if let Some(key) = key {
        request = request.header("Authorization", format!("Bearer {key}"));
    }
    let is_import = path.ends_with("/import");
    let request = request.header("Content-Type", if is_import { "text/csv" } else { "application/json" });
    let body = match (is_import, body) {
        (true, _) => "code\nSPR-1\n".to_owned(),
        (false, body) => body.map(Value::to_string).unwrap_or_default(),
    };
    let mut response = agent.run(request.body(body).unwrap()).unwrap();
    let answer = response.body_mut().read_to_vec().unwrap();
    (response.status().as_u16(), serde_json::from_slice(&answer).unwrap())
}

#[test]
fn a_call_needs_its_scope() {
    let address = start();
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
            let (status, problem) = call(&address, key, (method, path, body));
            assert_eq!((status, &problem["code"]), (401, &json!("unauthorized")), "{method} {path} {key:?}");
        }
        for (key, _) in SCOPES {
            let (answered, answer) = call(&address, Some(key), (method, path, body));
            match key == wanted || key == "admin" {
                true => assert_eq!(answered, status, "{method} {path} {key}: {answer}"),
                false => assert_eq!((answered, &answer["code"]), (403, &json!("forbidden")), "{method} {path} {key}"),
            }
        }
    }
}

#[test]
fn who_may_not_read_codes_hears_the_same_of_all_that_are_not_valid() {
    let address = start();
    let post = |key: &str, path: &str, body: &Value| call(&address, Some(key), ("POST", path, Some(body))).1;
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
    assert_eq!(call(&address, Some("admin"), ("PUT", "/v1/pools/spring", Some(&refuse))).0, 200);
    assert_eq!(validate("redeem", "SPR-1"), not_valid, "somebody else's");
    call(&address, Some("admin"), ("PUT", "/v1/pools/spring", Some(&json!({}))));
    let redeem = json!({"code": "SPR-1", "event_id": "o1"});
    assert_eq!(post("redeem", "/v1/vouchers/redeem", &redeem), json!({"result": "redeemed"}));
    assert_eq!(validate("redeem", "SPR-1"), not_valid, "used");
}
