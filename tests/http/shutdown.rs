//! How a service ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::raw::{get, rest};
use crate::servers::{Server, until};
use crate::service::{Running, Shop};

/// A service whose store stands still, with a call under way that waits for it: it is answered after two seconds.
fn waiting(settings: &str) -> (Running, Server, TcpStream) {
    let server = Server::start();
    let shop = Shop::new();
    shop.write("tearoff.toml", format!("store = '{}'\n[http]\n{settings}\n", server.url()));
    shop.tearoff(&["pool", "create", "spring"]);
    let service = shop.serve();
    // The numbers of the pools are fresh for some seconds now, and are not looked up.
    service.get("/metrics");
    server.stop();
    let mut call = service.connect();
    call.write_all(get("/readyz").as_bytes()).unwrap();
    until("the call is under way", || {
        let numbers = String::from_utf8(service.get("/metrics").body).unwrap();
        numbers.contains("\ntearoff_http_requests_in_flight 2\n").then_some(())
    });
    (service, server, call)
}

#[test]
fn a_service_ends_when_it_is_told_to() {
    let mut service = Running::start();
    // A connection that is kept alive holds nothing up.
    let mut idle = service.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    until("it is answered", || {
        let mut first = [0; 1];
        (idle.peek(&mut first).unwrap() == 1).then_some(())
    });
    let began = Instant::now();
    service.terminate();
    assert_eq!(service.ended(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(service.log().ends_with("stopped\n"), "{}", service.log());
}

#[test]
fn a_call_under_way_gets_its_answer() {
    let (mut service, _server, mut call) = waiting("");
    service.terminate();
    let answer = rest(&mut call);
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains(r#""code":"not_ready""#), "{answer}");
    assert_eq!(service.ended(), Some(0));
}

#[test]
fn a_call_that_does_not_end_in_time_is_cut_off() {
    let (mut service, _server, mut call) = waiting("grace_seconds = 0");
    service.terminate();
    assert_eq!(rest(&mut call), "");
    assert_eq!(service.ended(), Some(0));
    assert!(service.log().contains("calls that did not end in time are cut off"), "{}", service.log());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (mut service, _server, mut call) = waiting("");
    service.terminate();
    let address = service.address().to_owned();
    until("it accepts nobody any more", || TcpStream::connect(&address).is_err().then_some(()));
    service.terminate();
    assert_eq!(service.ended(), Some(130));
    assert_eq!(rest(&mut call), "");
}

/// A batch whose client goes on sending when the service is told to stop: what was answered before is final, and the rest is cut
/// off with the connection, not with an answer that looks whole.
#[test]
fn a_stream_is_cut_off_where_it_does_not_end_in_time() {
    let shop = Shop::new();
    shop.stock("spring", "SPR", 5);
    shop.write("templates/hi/body.txt", "{{ vouchers.spring.assign_available() }}");
    shop.write("tearoff.toml", "[http]\ngrace_seconds = 1\n");
    let mut service = shop.serve();
    let mut stream = service.connect();
    let line = r#"{"message_id": "a", "template": "hi", "channel": "sms", "customer": {"id": "a"}}"#.to_owned() + "\n";
    let head = "POST /v1/messages/batch HTTP/1.1\r\nHost: here\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
    write!(stream, "{head}{:x}\r\n{line}\r\n", line.len()).unwrap();
    let mut answered = String::new();
    until("the line is answered", || {
        let mut some = [0; 4096];
        let length = stream.read(&mut some).unwrap();
        answered.push_str(&String::from_utf8_lossy(&some[..length]));
        answered.contains("SPR-").then_some(())
    });
    service.terminate();
    assert!(!rest(&mut stream).ends_with("0\r\n\r\n"));
    assert_eq!(service.ended(), Some(0));
    let counts = service.shop.tearoff(&["pool", "show", "spring", "--json"]);
    assert!(counts.contains(r#""assigned":1"#) && counts.contains(r#""reserved":0"#), "{counts}");
}
