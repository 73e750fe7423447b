//! The numbers for Prometheus.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::service::{Running, Shop};

fn scrape(service: &Running) -> String {
    let answer = service.get("/metrics");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    String::from_utf8(answer.body).unwrap()
}

#[track_caller]
fn holds(text: &str, line: &str) {
    assert!(text.lines().any(|other| other == line), "no line {line}\n{text}");
}

#[test]
fn calls_are_counted_by_route_and_status() {
    let service = Running::start();
    for path in ["/healthz", "/healthz", "/v1/nothing/customer@example.com"] {
        service.get(path);
    }
    let text = scrape(&service);
    holds(&text, r#"tearoff_http_requests_total{method="GET",route="/healthz",status="200"} 2"#);
    holds(&text, r#"tearoff_http_requests_total{method="GET",route="none",status="404"} 1"#);
    holds(&text, "tearoff_http_requests_in_flight 1");
    assert!(!text.contains("customer@example.com"), "{text}");
    assert!(text.contains(&format!(r#"tearoff_build_info{{version="{}"}} 1"#, env!("CARGO_PKG_VERSION"))), "{text}");
}

#[test]
fn what_the_pools_have_is_looked_up() {
    let shop = Shop::new();
    shop.tearoff(&["pool", "create", "spring"]);
    shop.stock("spring", "SPR", 3);
    let service = shop.serve();
    let text = scrape(&service);
    holds(&text, r#"tearoff_pool_vouchers{pool="spring",state="available"} 3"#);
    holds(&text, r#"tearoff_pool_vouchers{pool="spring",state="assigned"} 0"#);
    assert!(!text.contains("SPR-"), "{text}");
}

/// `make tools` installs promtool.
#[test]
fn prometheus_finds_nothing_wrong_with_it() {
    let service = Running::start();
    service.get("/healthz");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool of Debian's package 'prometheus' is not here; 'make tools' installs it");
    promtool.stdin.take().unwrap().write_all(scrape(&service).as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn messages_are_counted_by_how_they_ended() {
    let shop = Shop::new();
    shop.stock("spring", "SPR", 2);
    shop.write("templates/hi/body.txt", "{{ vouchers.spring.assign_available() }}");
    let service = shop.serve();
    let message = |id: &str| json!({"message_id": id, "template": "hi", "channel": "sms", "customer": {"id": id}});
    assert_eq!(service.post("/v1/messages", &message("a")).status, 200);
    let lines = format!("{}\n{}\n", message("b"), message("c"));
    let headers = [("Content-Type", "application/x-ndjson")];
    assert_eq!(service.call("POST", "/v1/messages/batch", &headers, lines.as_bytes()).status, 200);
    let text = scrape(&service);
    holds(&text, r#"tearoff_outcomes_total{channel="sms",mode="live",status="rendered",reason=""} 2"#);
    holds(&text, r#"tearoff_outcomes_total{channel="sms",mode="live",status="enqueue_failed",reason="pool_empty"} 1"#);
    for number in ["claims_total{answer=\"bound\"}", "store_seconds_count{call=\"settle\"}", "render_seconds_total"] {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("tearoff_{number} ")));
        assert!(line.is_some_and(|count| count.parse::<f64>().unwrap() > 0.0), "{number}: {line:?}\n{text}");
    }
}
