//! A customer's vouchers, and those that are assigned outside of messages.

use serde_json::{Value, json};

use crate::service::{Answer, Running, Shop, until};

fn service(codes: usize) -> Running {
    let shop = Shop::new();
    shop.stock("spring", "SPR", codes);
    shop.serve()
}

fn assign(service: &Running, customer: &str, assignment: &str) -> Answer {
    let body = json!({"customer_id": customer, "pool": "spring", "assignment_id": assignment});
    service.post("/v1/customers/assign", &body)
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{answer:?}");
    assert_eq!(answer.json()["retryable"], false);
}

#[test]
fn the_same_assignment_gives_the_same_voucher() {
    let service = service(3);
    let first = assign(&service, "c42", "welcome").json();
    assert_eq!((&first["source"], &first["from"]), (&json!("pool"), &json!("spring")));
    assert_eq!(assign(&service, "c42", "welcome").json(), first);
    let other = assign(&service, "c42", "winback").json();
    assert_ne!(other["code"], first["code"]);
    assert_ne!(assign(&service, "c43", "welcome").json()["code"], first["code"]);
    refused(&assign(&service, "c44", "welcome"), 409, "pool_empty");
    assert_eq!(assign(&service, "c42", "welcome").json(), first, "also when the pool is empty");
    service.put("/v1/pools/spring", &json!({"paused": true}));
    assert_eq!(assign(&service, "c42", "welcome").json(), first, "also when it is paused");
    refused(&assign(&service, "c45", "welcome"), 409, "pool_paused");
    assert_eq!(service.get("/v1/pools/spring").json()["assigned"], 3);
}

#[test]
fn an_assignment_that_makes_a_pool_low_is_told() {
    let service = service(3);
    assert_eq!(service.put("/v1/pools/spring", &json!({"low_stock": [2]})).status, 200);
    assign(&service, "c42", "welcome");
    until("it is told", || service.log().contains("few vouchers are left").then_some(()));
}

#[test]
fn many_who_ask_at_once_get_one_voucher_each() {
    let service = service(8);
    let mut codes: Vec<String> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..16)
            .map(|n| {
                let service = &service;
                scope.spawn(move || assign(service, &format!("c{}", n % 8), "welcome").json()["code"].to_string())
            })
            .collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    codes.sort();
    codes.dedup();
    assert_eq!((codes.len(), &service.get("/v1/pools/spring").json()["assigned"]), (8, &json!(8)));
}

#[test]
fn it_is_what_the_step_of_the_command_line_gives_and_the_current_one() {
    let service = service(3);
    let first = assign(&service, "c42", "welcome").json()["code"].as_str().unwrap().to_owned();
    let current = assign(&service, "c42", "winback").json()["code"].as_str().unwrap().to_owned();
    let shop = service.stop();
    shop.write("people.csv", "customer_id\nc42\n");
    let rows = shop.tearoff(&["assign", "spring", "--node", "welcome", "--audience", "people.csv"]);
    assert_eq!(rows, format!("customer_id,code\nc42,{first}\n"));
    shop.write("templates/hello/body.txt", "$cst.spring.coupon$");
    let customer = r#"{"id": "c42"}"#;
    let outcome = shop.tearoff(&["render", "hello", "--channel", "sms", "--customer", customer, "--message-id", "m1"]);
    let outcome: Value = serde_json::from_str(&outcome).unwrap();
    assert_eq!(outcome["parts"]["body.txt"], current);
}

#[test]
fn limits_and_rules_are_kept() {
    let service = service(5);
    service.put("/v1/pools/spring", &json!({"limit_per_customer": 1, "eligible": "customer.ltv < 500"}));
    let with = |customer: &str, assignment: &str, ltv: Value| {
        service.post(
            "/v1/customers/assign",
            &json!({"customer_id": customer, "pool": "spring", "assignment_id": assignment, "customer": {"ltv": ltv}}),
        )
    };
    refused(&with("c1", "a", json!(500)), 409, "not_eligible");
    let given = with("c1", "a", json!(499)).json();
    assert_eq!(with("c1", "a", json!(900)).json(), given, "who has it keeps it");
    refused(&with("c1", "b", json!(0)), 409, "limit_reached");
    refused(&with("c2", "a", json!("many")), 422, "invalid_input");
    assert_eq!(service.get("/v1/pools/spring").json()["assigned"], 1);
}

#[test]
fn what_was_taken_back_is_gone() {
    let service = service(1);
    assert_eq!(assign(&service, "c42", "welcome").status, 200);
    service.shop.tearoff(&["voucher", "release", "--message", "welcome/c42"]);
    refused(&assign(&service, "c42", "welcome"), 410, "message_released");
}

#[test]
fn a_customer_is_shown_as_the_command_line_shows_them() {
    let service = service(2);
    assign(&service, "ada@shop.example", "welcome");
    assign(&service, "ada@shop.example", "winback");
    let shown = service.shop.tearoff(&["customer", "show", "ada@shop.example", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let told = |id: &str| service.post("/v1/customers/vouchers", &json!({ "customer_id": id })).json();
    assert_eq!(shown.as_array().unwrap().len(), 2);
    assert_eq!(told("ada@shop.example"), shown);
    assert_eq!(told("nobody"), json!([]));
}

#[test]
fn what_is_no_request_is_refused_and_changes_nothing() {
    let service = service(1);
    let before = service.pools();
    let good = json!({"customer_id": "c42", "pool": "spring", "assignment_id": "welcome"});
    for (name, value) in [
        ("customer_id", json!("")),
        ("customer_id", json!("SECRET\n")),
        ("customer_id", json!(5)),
        ("customer_id", json!(null)),
        ("pool", json!("two words")),
        ("assignment_id", json!("")),
        ("assignment_id", json!("a/b")),
        ("assignment_id", json!("a".repeat(65))),
        ("customer", json!([])),
        ("context", json!("SECRET")),
        ("node", json!("welcome")),
    ] {
        let mut body = good.clone();
        body[name] = value;
        let answer = service.post("/v1/customers/assign", &body);
        refused(&answer, 422, "invalid_input");
        assert!(!String::from_utf8_lossy(&answer.body).contains("SECRET"), "{answer:?}");
    }
    let mut unknown = good.clone();
    unknown["pool"] = json!("summer");
    refused(&service.post("/v1/customers/assign", &unknown), 404, "not_found");
    refused(&service.post("/v1/customers/vouchers", &json!({"customer_id": "c".repeat(257)})), 422, "invalid_input");
    refused(&service.post("/v1/customers/vouchers", &json!({"customer": "c42"})), 422, "invalid_input");
    assert_eq!(service.pools(), before);
    assert_eq!(service.post("/v1/customers/assign", &good).status, 200);
}
