//! What the service takes from whoever reaches it: every limit, and every bad request.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use serde_json::Value;
use tearoff::http::HttpSettings;

use crate::raw::{get, rest, status};
use crate::service::{Answer, Running, Shop};

fn with(settings: &str) -> Running {
    let shop = Shop::new();
    shop.write("tearoff.toml", format!("[http]\n{settings}\n"));
    shop.serve()
}

#[test]
fn a_head_that_does_not_come_ends_the_connection() {
    let service = with("header_seconds = 1");
    for part in ["", "GET /healthz HTTP/1.1\r\nHost: he"] {
        let mut stream = service.connect();
        stream.write_all(part.as_bytes()).unwrap();
        let answer = rest(&mut stream);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    assert_eq!(service.get("/healthz").status, 200);
}

#[test]
fn who_finds_no_room_waits_until_there_is_some() {
    let service = with("connections = 1");
    let mut first = service.connect();
    first.write_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    first.read_exact(&mut [0; 12]).unwrap();
    let mut second = service.connect();
    second.write_all(get("/healthz").as_bytes()).unwrap();
    second.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let error = second.read(&mut [0; 1]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    drop(first);
    second.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert!(rest(&mut second).starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let service = Running::start();
    let long = "x".repeat(100_000);
    for head in [format!("GET /{long} HTTP/1.1\r\n\r\n"), format!("GET /healthz HTTP/1.1\r\nX: {long}\r\n\r\n")] {
        let status = status(service.connect(), head.as_bytes());
        assert!(matches!(status, Some(414 | 431)), "{status:?}");
    }
    let many: String = (0..500).map(|n| format!("X-{n}: 1\r\n")).collect();
    assert_eq!(status(service.connect(), format!("GET /healthz HTTP/1.1\r\n{many}\r\n").as_bytes()), Some(431));
    for nonsense in ["GET\r\n\r\n", "\0\0\0\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        let status = status(service.connect(), nonsense.as_bytes());
        assert!(matches!(status, None | Some(400)), "{status:?}");
    }
    assert_eq!(service.get("/healthz").status, 200);
}

#[test]
fn a_method_that_a_call_does_not_have_is_a_problem() {
    let service = Running::start();
    for path in ["/healthz", "/metrics", "/openapi.json"] {
        let answer = service.call("POST", path, &[], b"");
        assert_eq!((answer.status, answer.problem().as_str()), (405, "no_such_method"), "{path}");
        assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{path}");
    }
    let answer = service.call("HEAD", "/healthz", &[], b"");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

#[test]
fn answers_are_not_kept_nor_guessed_at() {
    let answer = Running::start().get("/healthz");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn a_request_has_an_id() {
    let service = Running::start();
    let id = |sent: &str| {
        let answer = service.call("GET", "/healthz", &[("X-Request-Id", sent)], b"");
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("order-17_a.b"), "order-17_a.b");
    for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
        let made = id(bad);
        assert!(made.len() == 32 && made.bytes().all(|digit| digit.is_ascii_hexdigit()), "{made}");
    }
    let made = service.get("/healthz").header("x-request-id").unwrap().to_owned();
    assert_ne!(made, service.get("/healthz").header("x-request-id").unwrap());
}

#[test]
fn each_call_is_a_line_of_the_log_without_what_was_sent() {
    let service = Shop::new().serve_with(&["--dev", "--log-format", "json"]);
    service.call("GET", "/healthz?code=SECRET-1", &[("X-Request-Id", "abc")], b"");
    service.call("GET", "/v1/SECRET-2", &[], b"");
    let line = crate::servers::until("the call is logged", || {
        service.log().lines().find(|line| line.contains(r#""request":"abc""#)).map(str::to_owned)
    });
    let line: Value = serde_json::from_str(&line).unwrap();
    let fields = &line["fields"];
    assert_eq!((&line["level"], &fields["message"]), (&"INFO".into(), &"call".into()));
    assert_eq!(
        (&fields["method"], &fields["route"], &fields["status"]),
        (&"GET".into(), &"/healthz".into(), &200.into())
    );
    assert!(fields["milliseconds"].is_u64(), "{line}");
    assert!(!service.log().contains("SECRET"), "{}", service.log());
}

#[test]
fn pages_of_the_list_may_call() {
    let service = with("cors_origins = ['https://shop.example']");
    let preflight = |path: &str, origin: &str| {
        service.call("OPTIONS", path, &[("Origin", origin), ("Access-Control-Request-Method", "POST")], b"")
    };
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    assert_eq!(allowed(&preflight("/healthz", "https://shop.example")), Some("https://shop.example".into()));
    assert_eq!(allowed(&preflight("/healthz", "https://evil.example")), None);
    let answer = service.call("GET", "/healthz", &[("Origin", "https://shop.example")], b"");
    assert_eq!((answer.status, allowed(&answer)), (200, Some("https://shop.example".into())));
    let other = Running::start();
    assert_eq!(allowed(&other.call("GET", "/healthz", &[("Origin", "https://shop.example")], b"")), None);
}

#[test]
fn the_layers_are_left_to_rules_of_their_own() {
    let service = with("cors_origins = ['https://shop.example']");
    let headers = [("Origin", "https://shop.example"), ("Access-Control-Request-Method", "POST")];
    let answer = service.call("OPTIONS", "/v1/layers/none/of/these", &headers, b"");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (404, None));
}

/// Every call that takes JSON, as the document describes it.
fn calls_with_json(service: &Running) -> Vec<(String, String)> {
    let document = service.get("/openapi.json").json();
    let mut calls = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        // There is no layer here, and a layer that is none does not look at bodies.
        if path.starts_with("/v1/layers/") {
            continue;
        }
        for (method, call) in methods.as_object().unwrap() {
            if call["requestBody"]["content"].get("application/json").is_some() {
                let mut path = path.clone();
                while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
                    path.replace_range(from..=to, "spare");
                }
                calls.push((method.to_uppercase(), path));
            }
        }
    }
    calls
}

/// A bad body: what is wrong, the headers that it is sent with, and the statuses with which it may be refused.
type BadBody = (&'static str, Vec<(&'static str, &'static str)>, Vec<u8>, Vec<u16>);

fn bad_bodies() -> Vec<BadBody> {
    let json = ("Content-Type", "application/json");
    let deep = "[".repeat(100_000);
    vec![
        ("deep", vec![json], deep.into_bytes(), vec![400]),
        ("deep objects", vec![json], r#"{"a":"#.repeat(5_000).into_bytes(), vec![400]),
        ("a name twice", vec![json], br#"{"message_id": "a", "message_id": "b"}"#.to_vec(), vec![422]),
        ("NaN", vec![json], br#"{"message_id": NaN}"#.to_vec(), vec![400]),
        ("a lone surrogate", vec![json], br#"{"message_id": "\ud800"}"#.to_vec(), vec![400]),
        ("no UTF-8", vec![json], b"{\"message_id\": \"\xff\"}".to_vec(), vec![400]),
        ("no JSON", vec![json], b"{".to_vec(), vec![400]),
        ("two values", vec![json], b"{} {}".to_vec(), vec![400]),
        ("a number", vec![json], b"1e999".to_vec(), vec![400, 422]),
        ("unknown field", vec![json], br#"{"nonsense": 1}"#.to_vec(), vec![422]),
        ("another type", vec![("Content-Type", "text/plain")], b"{}".to_vec(), vec![415]),
        ("no type", vec![], b"{}".to_vec(), vec![415]),
        ("packed", vec![json, ("Content-Encoding", "gzip")], b"\x1f\x8b\x08".to_vec(), vec![415]),
        ("large", vec![json], vec![b' '; (1 << 20) + 1], vec![413]),
    ]
}

#[test]
fn a_bad_body_is_refused_by_every_call() {
    let service = with("events_bytes = 1048576");
    let before = service.shop.tearoff(&["pool", "list", "--json"]);
    assert!(calls_with_json(&service).len() > 5);
    for (method, path) in calls_with_json(&service) {
        for (name, headers, body, expected) in bad_bodies() {
            let answer = service.call(&method, &path, &headers, &body);
            assert!(expected.contains(&answer.status), "{method} {path}, {name}: {answer:?}");
            answer.problem();
        }
    }
    assert_eq!(service.shop.tearoff(&["pool", "list", "--json"]), before);
}

#[test]
fn a_body_that_does_not_end_is_refused_by_every_call() {
    let service = with("body_seconds = 1\nevents_bytes = 1048576");
    for (method, path) in calls_with_json(&service) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        let endless = head.clone() + &format!("1000\r\n{}\r\n", " ".repeat(0x1000)).repeat(300);
        assert_eq!(status(service.connect(), endless.as_bytes()), Some(413), "{method} {path}");
        assert_eq!(status(service.connect(), (head + "1\r\n{\r\n").as_bytes()), Some(408), "{method} {path}");
    }
}

#[test]
fn a_wrong_setting_is_named() {
    let fails = |settings: &str, variables: &[(&str, &str)], said: &str| {
        let shop = Shop::new();
        shop.write("tearoff.toml", settings);
        let output = shop.command(&["serve"]).envs(variables.iter().copied()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(7), "{error}");
        assert!(error.starts_with(&format!("error: {said}")), "{error}");
    };
    fails("[http]\nconnections = 0", &[], "tearoff.toml, line 2: ");
    fails("[http]\nconections = 9", &[], "tearoff.toml, line 2: unknown field `conections`");
    fails("[http]\ncors_origins = ['*']", &[], "tearoff.toml, line 2: '*' is no origin");
    fails("", &[("TEAROFF_HTTP__BODY_BYTES", "many")], "TEAROFF_HTTP__BODY_BYTES: ");
    fails("", &[("TEAROFF_HTTP__BODY", "1")], "TEAROFF_HTTP__BODY: unknown field `body`");
}

#[test]
fn the_environment_sets_what_the_file_does_not() {
    let shop = Shop::new();
    shop.write("tearoff.toml", "[http]\nkeys = 'file.json'\nconnections = 7\n");
    let mut command = shop.command(&["key", "create", "--scope", "render"]);
    assert!(command.env("TEAROFF_HTTP__KEYS", "other.json").output().unwrap().status.success());
    assert!(shop.path("other.json").exists() && !shop.path("file.json").exists());
}

#[test]
fn a_service_says_what_it_does() {
    let service = Shop::new().serve();
    let log = service.log();
    for line in [
        "store       sqlite:tearoff.db",
        "project     default",
        "templates   templates",
        "keys        none: ",
        "limits      1,024 connections",
    ] {
        assert!(log.contains(line), "no '{line}' in {log}");
    }
}

/// The settings of the guide's table with their defaults, as they would stand in a file.
fn documented() -> Vec<(String, String)> {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/SERVE.md")).unwrap();
    let rows = guide.lines().skip_while(|line| !line.starts_with("| setting |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with("| `")).map(|line| line.split('`').collect::<Vec<_>>());
    rows.map(|cells| (cells[1].to_owned(), cells[3].to_owned())).collect()
}

#[test]
fn every_setting_is_documented_with_its_default() {
    let documented = documented();
    // The reader names all that it knows when it does not know one.
    let unknown = toml::from_str::<HttpSettings>("x = 1").unwrap_err().to_string();
    let known = unknown.split_once("expected one of ").unwrap().1;
    for name in known.split('`').skip(1).step_by(2) {
        assert!(documented.iter().any(|(other, _)| other == name), "docs/SERVE.md does not describe '{name}'");
    }
    let is_toml = |value: &str| toml::from_str::<toml::Table>(&format!("x = {value}")).is_ok();
    let line = |(name, value): &(String, String)| match value.as_str() {
        "none" => String::new(),
        value if is_toml(value) => format!("{name} = {value}\n"),
        value => format!("{name} = '{value}'\n"),
    };
    let defaults: String = documented.iter().map(line).collect();
    assert_eq!(toml::from_str::<HttpSettings>(&defaults).unwrap(), HttpSettings::default());
}
