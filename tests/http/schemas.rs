//! What the document says of answers, held against answers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::service::Shop;

/// Holds an answer against a schema of the document: the same names everywhere, and no value that an enumeration lacks.
fn hold(document: &Value, schema: &Value, answer: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference} is missing"));
        return hold(document, schema, answer, place);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let choice = choices.iter().find(|choice| answer.is_null() || choice["type"] != "null").unwrap();
        if !answer.is_null() {
            hold(document, choice, answer, place);
        }
        return;
    }
    if let Some(values) = schema["enum"].as_array() {
        assert!(values.contains(answer), "{place}: {answer} is none of {values:?}");
    }
    if let (Some(properties), Some(members)) = (schema["properties"].as_object(), answer.as_object()) {
        let (described, there): (BTreeSet<_>, BTreeSet<_>) = (properties.keys().collect(), members.keys().collect());
        assert_eq!(described, there, "{place}");
        members.iter().for_each(|(name, value)| hold(document, &properties[name], value, &format!("{place}.{name}")));
    }
    if let Some(items) = answer.as_array() {
        items.iter().for_each(|item| hold(document, &schema["items"], item, place));
    }
}

#[test]
fn answers_look_as_the_document_says() {
    let shop = Shop::new();
    shop.stock("spring", "SPR", 4);
    let service = shop.serve();
    let document = service.get("/openapi.json").json();
    let described = |method: &str, path: &str, answer: Value| {
        let call = &document["paths"][path][method];
        let response = &call["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(!response.is_null(), "{method} {path} is not described");
        hold(&document, response, &answer, path);
    };
    let post = |path: &str, body: &Value| described("post", path, service.post(path, body).json());
    post("/v1/customers/assign", &json!({"customer_id": "c42", "pool": "spring", "assignment_id": "welcome"}));
    post("/v1/customers/vouchers", &json!({"customer_id": "c42"}));
    post("/v1/vouchers/lookup", &json!({"code": "SPR-0"}));
    post("/v1/vouchers/validate", &json!({"code": "SPR-0"}));
    post("/v1/vouchers/redeem", &json!({"code": "NONE", "event_id": "o1"}));
    post("/v1/events", &json!([{"type": "visit"}, 5, {"type": "purchase", "properties": {"voucher_code": "NONE"}}]));
    let generated = service.post("/v1/pools/spring/generate", &json!({"count": 1})).json();
    described("post", "/v1/pools/{pool}/generate", generated);
    let imported = service.send("/v1/pools/spring/import", "text/csv", "code\nA\n\"\"\n").json();
    described("post", "/v1/pools/{pool}/import", imported);
    described("put", "/v1/pools/{pool}", service.put("/v1/pools/spring", &json!({"low_stock": [5]})).json());
    described("get", "/v1/pools/{pool}", service.get("/v1/pools/spring").json());
    described("get", "/v1/pools", service.get("/v1/pools").json());
    described("get", "/v1/pools/{pool}/vouchers", service.get("/v1/pools/spring/vouchers?limit=2").json());
}

#[test]
fn no_two_calls_share_an_id() {
    let document = Shop::new().serve().get("/openapi.json").json();
    let calls = document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let mut ids: Vec<&str> = calls.map(|call| call["operationId"].as_str().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{ids:?}");
}
