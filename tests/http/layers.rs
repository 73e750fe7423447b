//! Web layers as browsers ask for them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::servers::{Server, until};
use crate::service::{Answer, Running, Shop};

pub(crate) const SHOP: &str = "https://shop.example";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const OLD_SECRET: &str = "an older secret, which is being replaced";

/// A shop with a layer that shows a code of the pool `spring`.
pub(crate) fn shop(settings: &str, codes: usize) -> Shop {
    let shop = Shop::new();
    configure(&shop, settings);
    shop.write(
        "templates/spring/body.html",
        "<h2>Hi {{ customer.first_name|default('you', true) }}</h2>\
         <p class=\"code\">{{ vouchers['spring'].assign_available() }}</p>{{ page }}",
    );
    shop.tearoff(&["pool", "create", "spring"]);
    if codes > 0 {
        shop.stock("spring", "SPR", codes);
    }
    shop
}

fn configure(shop: &Shop, settings: &str) {
    shop.write(
        "tearoff.toml",
        format!(
            "[visitors]\nkeys = [{{ id = \"new\", secret = \"{SECRET}\" }}, {{ id = \"old\", secret = \"{OLD_SECRET}\" }}]\n\
             [layers.spring]\norigins = [\"{SHOP}\"]\n{settings}\n\
             [layers.autumn]\ntemplate = \"spring\"\nanonymous = true\n"
        ),
    );
}

pub(crate) fn token(shop: &Shop, more: &[&str]) -> String {
    let arguments = ["token", "--layer", "spring", "--customer", "c42"];
    shop.tearoff(&[&arguments, more].concat()).trim().to_owned()
}

/// A token as a program other than this one makes it.
pub(crate) fn signed(secret: &str, json: &str) -> String {
    use base64::Engine;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let payload = encode(json.as_bytes());
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let signature = encode(ring::hmac::sign(&key, payload.as_bytes()).as_ref());
    format!("{payload}.{signature}")
}

pub(crate) fn display_with(service: &Running, headers: &[(&str, &str)], wish: &Value) -> Answer {
    let headers = [&[("Content-Type", "application/json"), ("Origin", SHOP)], headers].concat();
    service.call("POST", "/v1/layers/spring/display", &headers, wish.to_string().as_bytes())
}

pub(crate) fn display(service: &Running, wish: &Value) -> Answer {
    display_with(service, &[], wish)
}

/// The code that an answer shows.
pub(crate) fn code(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let layer = answer.json();
    let code = layer["codes"][0].as_str().unwrap().to_owned();
    assert!(layer["parts"]["body.html"].as_str().unwrap().contains(&code), "{layer}");
    code
}

/// How many codes of the pool somebody has.
pub(crate) fn assigned(shop: &Shop) -> u64 {
    let pool: Value = serde_json::from_str(&shop.tearoff(&["pool", "show", "spring", "--json"])).unwrap();
    assert_eq!(pool["reserved"], 0, "{pool}");
    pool["assigned"].as_u64().unwrap_or_else(|| panic!("{pool}"))
}

#[test]
fn a_customer_sees_the_same_code_again() {
    let service = shop("", 10).serve();
    let token = token(&service.shop, &["--attributes", r#"{"first_name": "Ada <3"}"#]);
    let first = display(&service, &json!({"token": token, "context": {"page": "<b>"}}));
    assert_eq!(code(&first), code(&display(&service, &json!({"token": token}))));
    let layer = first.json();
    let body = layer["parts"]["body.html"].as_str().unwrap();
    assert!(body.starts_with("<h2>Hi Ada &lt;3</h2>") && body.ends_with("</p>&lt;b&gt;"), "{body}");
    assert_eq!(layer["layer"], "spring");
    assert!(!layer.to_string().contains("c42"), "{layer}");
    assert_eq!(first.header("cache-control"), Some("no-store"));
    assert_eq!(first.header("set-cookie"), None);
    assert_eq!(assigned(&service.shop), 1);
    let record = service.shop.tearoff(&["customer", "show", "c42", "--json"]);
    assert!(record.contains(&code(&first)) && record.contains("layer:spring/c42"), "{record}");
}

#[test]
fn only_pages_of_its_origins_show_a_layer() {
    let service = shop("anonymous = true", 10).serve();
    for origin in [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "null",
        "https://shop.example.evil",
    ] {
        let headers = [("Content-Type", "application/json"), ("Origin", origin)];
        let answer = service.call("POST", "/v1/layers/spring/display", &headers, b"{}");
        assert_eq!((answer.status, answer.problem().as_str()), (403, "forbidden"), "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let preflight = service.call("OPTIONS", "/v1/layers/spring/display", &[("Origin", origin)], b"");
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (403, None), "{origin}");
    }
    assert_eq!(assigned(&service.shop), 0);
    let asking = [("Origin", SHOP), ("Access-Control-Request-Method", "POST")];
    let preflight = service.call("OPTIONS", "/v1/layers/spring/display", &asking, b"");
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, Some(SHOP)));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("content-type"));
    let answer = display(&service, &json!({}));
    assert_eq!(answer.header("access-control-allow-origin"), Some(SHOP));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("vary"), Some("Origin"));
    assert_eq!(assigned(&service.shop), 1);
}

#[test]
fn what_nobody_looks_at_takes_no_code() {
    let service = shop("anonymous = true", 10).serve();
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let answer = service.call(method, "/v1/layers/spring/display", &[("Origin", SHOP)], b"");
        assert_eq!((answer.status, answer.header("cache-control")), (405, Some("no-store")), "{method}");
    }
    for (name, value) in [("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch"), ("X-Moz", "prefetch")] {
        let answer = display_with(&service, &[(name, value)], &json!({}));
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{name}");
    }
    assert_eq!(assigned(&service.shop), 0);
}

#[test]
fn a_layer_without_a_code_is_not_shown_and_makes_no_event() {
    let service = shop("", 0).serve();
    let wish = json!({"token": token(&service.shop, &[])});
    let answer = display(&service, &wish);
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let journal = service.shop.tearoff(&["export", "journal"]);
    assert!(!journal.contains("spring/c42"), "{journal}");
    // The canary hears more than an operator does.
    let told = "a layer is not shown";
    assert!(service.whole_log().contains(told) && !service.log().contains(told), "{}", service.log());
    service.shop.stock("spring", "SPR", 1);
    code(&display(&service, &wish));
}

#[test]
fn a_store_that_is_away_is_not_an_empty_pool() {
    let server = Server::start();
    let settings = format!(
        "[visitors]\nkeys = [{{ id = \"a\", secret = \"{SECRET}\" }}]\n[layers.spring]\norigins = [\"{SHOP}\"]\n"
    );
    let shop = Shop::new();
    shop.write("tearoff.toml", format!("store = \"{}\"\n{settings}", server.url()));
    shop.write("templates/spring/body.html", "{{ vouchers['spring'].assign_available() }}");
    shop.stock("spring", "SPR", 1);
    let service = shop.serve();
    let wish = json!({"token": token(&service.shop, &[])});
    let shown = code(&display(&service, &wish));
    server.kill_9();
    let answer = display(&service, &wish);
    assert_eq!((answer.status, answer.problem().as_str()), (503, "store_unavailable"));
    assert!(answer.header("retry-after").is_some() && answer.header("cache-control") == Some("no-store"), "{answer:?}");
    assert!(!String::from_utf8_lossy(&answer.body).contains(&server.url()), "{answer:?}");
    server.restart();
    let again = until("the store is back", || Some(display(&service, &wish)).filter(|answer| answer.status == 200));
    assert_eq!(code(&again), shown);
}

#[test]
fn what_a_page_sends_wrongly_is_refused_and_takes_nothing() {
    let service = shop("anonymous = true", 10).serve();
    let call = |kind: &str, body: &[u8]| {
        let answer =
            service.call("POST", "/v1/layers/spring/display", &[("Content-Type", kind), ("Origin", SHOP)], body);
        assert_eq!(answer.header("access-control-allow-origin"), Some(SHOP));
        (answer.status, answer.problem())
    };
    let json = "application/json";
    assert_eq!(call("text/plain", b"{}"), (415, "unsupported_media_type".to_owned()));
    assert_eq!(call(json, b"{"), (400, "malformed_json".to_owned()));
    for body in [
        &b"[]"[..],
        br#"{"tokne": "x"}"#,
        br#"{"token": 7}"#,
        br#"{"context": []}"#,
        br#"{"context": {"customer": 1}}"#,
        br#"{"context": {"vouchers": 1}}"#,
        br#"{"display": "short"}"#,
        br#"{"display": "a/b/c/d/e/f"}"#,
        br#"{"revealed": "yes"}"#,
        br#"{"context": {"a": 1, "a": 2}}"#,
    ] {
        assert_eq!(call(json, body), (422, "invalid_input".to_owned()), "{}", String::from_utf8_lossy(body));
    }
    let large = json!({"context": {"text": "x".repeat(40_000)}}).to_string();
    assert_eq!(call(json, large.as_bytes()), (413, "body_too_large".to_owned()));
    let unknown = service.call("POST", "/v1/layers/winter/display", &[("Content-Type", json)], b"{}");
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "not_found"));
    assert_eq!(assigned(&service.shop), 0);
}

#[test]
fn context_is_data() {
    let service = shop("", 10).serve();
    let page = "{{ vouchers['spring'].assign_available(cached=false) }} $cst.spring.coupon$";
    let answer = display(&service, &json!({"token": token(&service.shop, &[]), "context": {"page": page}}));
    assert!(answer.json()["parts"]["body.html"].as_str().unwrap().contains("$cst.spring.coupon$"));
    assert_eq!(assigned(&service.shop), 1);
}

#[test]
fn each_display_may_be_a_message_of_its_own() {
    let service = shop("reuse = \"display\"", 10).serve();
    let token = token(&service.shop, &[]);
    let code = |display_id: &str| code(&display(&service, &json!({"token": token, "display": display_id})));
    assert_eq!(code("first-display"), code("first-display"));
    assert_ne!(code("first-display"), code("other-display"));
    assert_eq!(assigned(&service.shop), 2);
    assert_ne!(self::code(&display(&service, &json!({"token": token}))), code("first-display"));
    assert_eq!(assigned(&service.shop), 3);
}

#[test]
fn a_double_click_takes_one_code() {
    for settings in ["", "reuse = \"display\""] {
        let service = shop(settings, 10).serve();
        let wish = json!({"token": token(&service.shop, &[]), "display": "one-display"});
        let codes: BTreeSet<String> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| code(&display(&service, &wish)))).collect();
            asking.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        assert_eq!((codes.len(), assigned(&service.shop)), (1, 1));
    }
}

#[test]
fn a_layer_that_is_clicked_for_takes_no_code_before() {
    let service = shop("reveal = \"click\"\nlabels = { reveal = \"Zeig her\" }", 10).serve();
    let wish = |revealed: bool| json!({"token": token(&service.shop, &[]), "revealed": revealed});
    let covered = display(&service, &wish(false)).json();
    assert_eq!(covered["labels"]["reveal"], "Zeig her");
    assert_eq!((covered.get("parts"), covered.get("codes")), (None, None));
    assert_eq!(assigned(&service.shop), 0);
    assert_eq!(display(&service, &json!({"revealed": false})).status, 401);
    code(&display(&service, &wish(true)));
    assert_eq!(assigned(&service.shop), 1);
}

#[test]
fn the_script_is_small_and_kept_by_browsers() {
    let service = shop("", 1).serve();
    let script = service.get("/layer.js");
    assert_eq!((script.status, script.header("content-type")), (200, Some("text/javascript; charset=utf-8")));
    assert_eq!(script.header("cache-control"), Some("public, max-age=3600"));
    assert_eq!(script.header("access-control-allow-origin"), Some("*"));
    let tag = script.header("etag").unwrap();
    let known = service.call("GET", "/layer.js", &[("If-None-Match", tag)], b"");
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(tag)));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &script.body).unwrap();
    let size = packed.finish().unwrap().len();
    assert!(size < 4096, "{size}");
}

#[test]
fn settings_that_cannot_be_are_named_before_anybody_asks() {
    let error = |toml: &str| {
        let shop = Shop::new();
        shop.write("tearoff.toml", toml);
        shop.fails(&["serve", "--dev", "--listen", "127.0.0.1:0"])
    };
    let keyed = |layer: &str| {
        format!("[visitors]\nkeys = [{{ id = \"a\", secret = \"{SECRET}\" }}]\n[layers.spring]\n{layer}\n")
    };
    assert!(error("[layers.spring]\n").contains("no key to know their visitors by"));
    let short = error("[visitors]\nkeys = [{ id = \"2026-11\", secret = \"s3cr3t\" }]\n");
    assert!(short.contains("'2026-11' is shorter than 32 bytes") && !short.contains("s3cr3t"), "{short}");
    assert!(error(&keyed("origins = [\"https://shop.example/\"]")).contains("'https://shop.example/' is no origin"));
    assert!(error(&keyed("per_visitor_per_minute = 0")).contains("line 4"));
    assert!(error(&keyed("reveal = \"hover\"")).contains("line 4"));
    assert!(error(&keyed("")).contains("layer 'spring': "));
    assert!(error("[http]\ntrusted_proxies = [\"10.0.0.0/40\"]\n").contains("'10.0.0.0/40' is neither an address"));
}
