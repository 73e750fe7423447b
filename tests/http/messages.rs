//! One message: what it is given, and what is refused.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::service::{Answer, Running, Shop, until};

const HI: &str = "Hi {{ customer.name }}: {{ vouchers.spring.assign_available() }}";

/// A shop with ten codes and a template.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.stock("spring", "SPR", 10);
    shop.write("templates/hi/body.txt", HI);
    shop
}

fn message(id: &str, customer: &str) -> Value {
    json!({"message_id": id, "template": "hi", "channel": "sms", "customer": {"id": customer, "name": "Ada"}})
}

fn with(mut message: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("no object: {changes}") };
    for (name, value) in changes {
        message[name] = value;
    }
    message
}

fn counts(service: &Running) -> Value {
    serde_json::from_str(&service.shop.tearoff(&["pool", "show", "spring", "--json"])).unwrap()
}

fn available(service: &Running) -> u64 {
    counts(service)["available"].as_u64().unwrap()
}

fn ask(service: &Running, message: &Value) -> Answer {
    service.post("/v1/messages", message)
}

fn outcome(service: &Running, message: &Value) -> Value {
    let answer = ask(service, message);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn code(outcome: &Value) -> &str {
    outcome["vouchers"][0]["code"].as_str().unwrap_or_else(|| panic!("no code: {outcome}"))
}

#[test]
fn a_message_is_given_a_code_and_the_same_one_again() {
    let service = shop().serve();
    let first = outcome(&service, &message("m1", "c1"));
    assert_eq!(first["status"], "rendered");
    assert_eq!(first["parts"]["body.txt"], format!("Hi Ada: {}", code(&first)));
    assert_eq!(first["event"]["properties"]["status"], "enqueued");
    let again = outcome(&service, &message("m1", "c1"));
    assert_eq!((&again["parts"], &again["vouchers"]), (&first["parts"], &first["vouchers"]));
    assert_ne!(code(&outcome(&service, &message("m2", "c2"))), code(&first));
    assert_eq!(available(&service), 8);
}

#[test]
fn an_outcome_is_the_one_of_the_command_line() {
    let service = shop().serve();
    let mut over_http = outcome(&service, &message("m1", "c1"));
    let customer = r#"{"id": "c1", "name": "Ada"}"#;
    let arguments = ["render", "hi", "--channel", "sms", "--message-id", "m1", "--customer", customer];
    let mut on_the_command_line: Value = serde_json::from_str(&service.shop.tearoff(&arguments)).unwrap();
    for outcome in [&mut over_http, &mut on_the_command_line] {
        outcome["event"]["timestamp"] = Value::Null;
    }
    assert_eq!(over_http.to_string(), on_the_command_line.to_string());
}

#[test]
fn a_message_without_an_id_is_called_after_its_campaign_and_customer() {
    let service = shop().serve();
    let mut message = with(message("", "c1"), json!({"campaign": {"id": "spring-2026"}}));
    message.as_object_mut().unwrap().remove("message_id");
    assert_eq!(outcome(&service, &message)["message_id"], "spring-2026/c1");
}

#[test]
fn a_message_that_is_wrong_is_refused_and_takes_nothing() {
    let service = shop().serve();
    let right = || message("m", "c1");
    let parts = json!({"body.txt": HI});
    let mut nameless = right();
    nameless.as_object_mut().unwrap().remove("message_id");
    let mut without_template = right();
    without_template.as_object_mut().unwrap().remove("template");
    let wrong = [
        (nameless, "the message has no id"),
        (message("", "c1"), "message id is empty"),
        (message(&"m".repeat(10_000), "c1"), "message id is 10000 bytes long"),
        (with(right(), json!({"parts": parts})), "the message has a template and parts"),
        (without_template.clone(), "the message has no template"),
        (with(right(), json!({"template": "hy"})), "did you mean 'hi'?"),
        (with(right(), json!({"template": "../hi"})), "not a valid name"),
        (with(right(), json!({"channel": "email"})), "has no subject.txt"),
        (with(right(), json!({"channel": "pigeon"})), "unknown variant"),
        (with(right(), json!({"mode": "dry"})), "unknown variant"),
        (with(right(), json!({"colour": "red"})), "unknown field `colour`"),
        (with(right(), json!({"customer": ["c1"]})), "expected an object"),
        (with(right(), json!({"customer": {"id": true}})), "customer.id is neither text nor an integer"),
        (with(right(), json!({"customer": {"id": "c".repeat(300)}})), "customer id is 300 bytes long"),
        (with(right(), json!({"campaign": {"id": "a b"}})), "campaign id"),
        (with(right(), json!({"context": {"vouchers": 1}})), "context may not define 'vouchers'"),
        (with(without_template.clone(), json!({"parts": {"body.txt": "a", "body.doc": "b"}})), "no part 'body.doc'"),
        (with(without_template, json!({"parts": {"body.txt": "a".repeat(300_000)}})), "larger than the limit"),
    ];
    for (message, what) in wrong {
        let answer = ask(&service, &message);
        assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid_input"), "{what}: {answer:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(what), "{detail:?} does not say {what:?}");
    }
    assert_eq!(available(&service), 10);
}

#[test]
fn a_body_that_can_be_read_in_two_ways_or_in_none_is_refused() {
    let service = shop().serve();
    let post = |kind: &str, body: &[u8]| {
        let answer = service.call("POST", "/v1/messages", &[("Content-Type", kind)], body);
        (answer.status, answer.problem())
    };
    let right = message("m", "c1").to_string();
    let twice = right.replacen('{', r#"{"message_id": "n", "#, 1);
    assert_eq!(post("application/json", twice.as_bytes()), (422, "invalid_input".to_owned()));
    let not_a_number = right.replace(r#""Ada""#, "NaN");
    let surrogate = right.replace("Ada", r"\ud800");
    let deep = right.replace(r#""Ada""#, &format!("{}1{}", "[".repeat(500), "]".repeat(500)));
    let latin = [&right.as_bytes()[..right.len() - 6], b"\xe9\"}}"].concat();
    for body in [b"{".as_slice(), not_a_number.as_bytes(), surrogate.as_bytes(), deep.as_bytes(), &latin] {
        assert_eq!(post("application/json", body), (400, "malformed_json".to_owned()));
    }
    assert_eq!(post("text/plain", right.as_bytes()), (415, "unsupported_media_type".to_owned()));
    assert_eq!(service.get("/v1/messages").status, 405);
    assert_eq!(available(&service), 10);
}

#[test]
fn an_id_of_another_customer_or_of_a_released_message_is_refused() {
    let service = shop().serve();
    outcome(&service, &message("m1", "c1"));
    let conflict = ask(&service, &message("m1", "c2"));
    assert_eq!((conflict.status, conflict.problem().as_str()), (422, "message_conflict"));
    assert!(!String::from_utf8_lossy(&conflict.body).contains("SPR-"));
    let release = |id: &str| service.post("/v1/messages/release", &json!({"message_id": id}));
    assert_eq!(release("m1").json(), json!({"released": 1, "kept": 0}));
    assert_eq!(release("m1").json(), json!({"released": 0, "kept": 0}));
    let unknown = release("m9");
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "not_found"));
    let released = ask(&service, &message("m1", "c1"));
    assert_eq!((released.status, released.problem().as_str()), (410, "message_released"));
    assert_eq!(available(&service), 10);
}

#[test]
fn a_preview_takes_nothing_and_a_test_can_be_taken_back() {
    let service = shop().serve();
    let preview = outcome(&service, &with(message("m1", "c1"), json!({"mode": "preview"})));
    assert_eq!((code(&preview), &preview["event"]), ("spring-preview", &Value::Null));
    assert_eq!(available(&service), 10);
    let test = outcome(&service, &with(message("m1", "c1"), json!({"mode": "test"})));
    assert_eq!(test["event"]["properties"]["mode"], "test");
    assert_eq!(available(&service), 9);
    service.shop.tearoff(&["voucher", "reclaim", "--test"]);
    assert_eq!(available(&service), 10);
}

#[test]
fn what_cannot_be_personalised_is_an_outcome_of_its_channel() {
    let shop = shop();
    shop.write("templates/hi/body.html", HI);
    shop.write("templates/broken/body.txt", "{{ 1 +");
    shop.write("templates/broken/body.html", "{{ 1 +");
    shop.tearoff(&["pool", "pause", "spring"]);
    let service = shop.serve();
    for (template, reason) in [("hi", "pool_paused"), ("broken", "template_error")] {
        let sms = outcome(&service, &with(message("m1", "c1"), json!({"template": template})));
        assert_eq!((&sms["status"], &sms["reason"]), (&json!("enqueue_failed"), &json!(reason)));
        assert_eq!(sms["event"]["properties"]["reason"], reason);
        let layer = with(message("m2", "c1"), json!({"template": template, "channel": "web_layer"}));
        let layer = outcome(&service, &layer);
        assert_eq!((&layer["status"], &layer["reason"]), (&json!("suppressed"), &json!(reason)));
        assert_eq!(layer["event"], Value::Null);
    }
}

#[test]
fn a_template_is_taken_up_anew_when_its_files_change() {
    let shop = shop();
    shop.write("templates/hi/body.txt", "{% include '_partials/foot.txt' %}");
    shop.write("templates/_partials/foot.txt", "old");
    let service = shop.serve();
    let text = || outcome(&service, &message("m1", "c1"))["parts"]["body.txt"].as_str().map(str::to_owned);
    assert_eq!(text().as_deref(), Some("old"));
    service.shop.write("templates/_partials/foot.txt", "new one");
    until("the new partial is included", || (text().as_deref() == Some("new one")).then_some(()));
    service.shop.write("templates/hi/body.txt", "{{ 1 +");
    until("the broken template is refused", || text().is_none().then_some(()));
    service.shop.write("templates/hi/body.txt", "mended");
    until("the mended template is used", || (text().as_deref() == Some("mended")).then_some(()));
}

#[test]
fn a_message_may_bring_its_template_along() {
    let shop = shop();
    shop.write("templates/_partials/foot.html", "<p>{{ customer.name }}</p>");
    let service = shop.serve();
    let mut message = with(
        message("m1", "c1"),
        json!({"channel": "email", "customer": {"id": "c1", "name": "A & B"}, "parts": {
            "subject.txt": "{{ customer.name }} {{ vouchers.spring.assign_available() }}",
            "body.html": "{{ vouchers.spring.assign_available() }}{% include '_partials/foot.html' %}",
        }}),
    );
    message.as_object_mut().unwrap().remove("template");
    let outcome = outcome(&service, &message);
    let code = code(&outcome).to_owned();
    assert_eq!(outcome["parts"]["subject.txt"], format!("A & B {code}"));
    assert_eq!(outcome["parts"]["body.html"], format!("{code}<p>A &amp; B</p>"));
}

#[test]
fn one_message_that_many_ask_for_at_once_has_one_code() {
    let service = shop().serve();
    let codes: Vec<String> = std::thread::scope(|scope| {
        let ask = || code(&outcome(&service, &message("m1", "c1"))).to_owned();
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert!(codes.iter().all(|code| *code == codes[0]), "{codes:?}");
    assert_eq!(available(&service), 9);
}

#[test]
fn a_client_that_goes_away_leaves_nothing_half_done() {
    let shop = shop();
    shop.stock("spring", "MORE", 100);
    let service = shop.serve();
    outcome(&service, &message("warm", "warm"));
    let body = |n: u64| message(&format!("m{n}"), &format!("c{n}"));
    for n in 0..60 {
        let body = body(n).to_string();
        let mut connection = TcpStream::connect(service.address()).unwrap();
        let head = "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length:";
        write!(connection, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
        // Each goes away at another point of its message.
        std::thread::sleep(Duration::from_micros(n * 200));
    }
    until("nothing is left half settled", || (counts(&service)["reserved"] == 0).then_some(()));
    let codes: HashSet<String> = (0..60).map(|n| code(&outcome(&service, &body(n))).to_owned()).collect();
    assert_eq!((codes.len(), available(&service)), (60, 49));
}

#[test]
fn each_key_renders_what_its_scope_allows() {
    let shop = Shop::new();
    let keys: BTreeMap<&str, String> =
        ["render", "render:web", "test", "codes:read"].map(|scope| (scope, shop.key(scope))).into();
    let service = shop.serve_with(&[]);
    let status = |path: &str, scope: &str, body: &str| {
        let bearer = keys.get(scope).map(|key| format!("Bearer {key}"));
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        service.call("POST", path, &headers, body.as_bytes()).status
    };
    let message = |channel: &str, mode: &str| {
        let parts = if channel == "sms" { json!({"body.txt": "a"}) } else { json!({"body.html": "a"}) };
        json!({"message_id": "m", "channel": channel, "mode": mode, "parts": parts}).to_string()
    };
    let expected = [
        ("render", "sms", "live", 200),
        ("render", "web_layer", "preview", 200),
        ("render", "sms", "test", 403),
        ("render:web", "web_layer", "live", 200),
        ("render:web", "sms", "live", 403),
        ("render:web", "web_layer", "test", 403),
        ("test", "sms", "test", 200),
        ("test", "sms", "live", 403),
        ("codes:read", "sms", "live", 403),
        ("", "sms", "live", 401),
    ];
    for (key, channel, mode, wanted) in expected {
        assert_eq!(status("/v1/messages", key, &message(channel, mode)), wanted, "{key}: {channel}, {mode}");
    }
    assert_eq!(status("/v1/messages", "codes:read", "{"), 403, "nobody else's body is read");
    assert_eq!(status("/v1/messages/release", "render:web", r#"{"message_id": "m"}"#), 403);
    assert_eq!(status("/v1/messages/release", "render", r#"{"message_id": "m"}"#), 404);
    assert_eq!(status("/v1/messages/batch", "codes:read", ""), 403);
}

#[test]
fn a_template_that_kills_its_renderer_costs_its_message_only() {
    let shop = shop();
    // What its limits let a template do, its child may not.
    shop.write("tearoff.toml", "[limits]\ninstructions = 1_000_000_000_000\nseconds = 60\n");
    let service = shop.serve();
    let code = "{{ vouchers.spring.assign_available() }}";
    let loops = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}";
    let endless = format!("{code}{loops}");
    let inline = |id: &str, source: &str| json!({"message_id": id, "channel": "sms", "customer": {"id": id}, "parts": {"body.txt": source}});
    assert_eq!(outcome(&service, &inline("before", code))["status"], "rendered");
    for said in ["the template crashed the renderer", "the template crashed the renderer", "refused for 60 seconds"] {
        let failed = outcome(&service, &inline("bomb", &endless));
        assert_eq!((&failed["status"], &failed["reason"]), (&json!("enqueue_failed"), &json!("template_error")));
        assert!(failed["message"].as_str().unwrap().contains(said), "{failed}");
    }
    assert_eq!(outcome(&service, &inline("after", code))["status"], "rendered");
    assert_eq!(available(&service), 8);
}
