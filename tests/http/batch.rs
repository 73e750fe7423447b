//! A stream of messages: in order, while it still comes, and with nothing lost when it breaks.

use std::collections::{BTreeSet, HashSet};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::servers::Server;
use crate::service::{Answer, Running, Shop, until};

const NDJSON: &str = "application/x-ndjson";

fn shop(codes: usize) -> Shop {
    let shop = Shop::new();
    shop.stock("spring", "SPR", codes);
    shop.write("templates/hi/body.txt", "{{ vouchers.spring.assign_available() }}");
    shop.write("templates/hi/body.html", "<b>{{ vouchers.spring.assign_available() }}</b>");
    shop
}

fn message(id: &str) -> Value {
    json!({"message_id": id, "template": "hi", "channel": "sms", "customer": {"id": id}})
}

fn lines(messages: impl IntoIterator<Item = Value>) -> String {
    messages.into_iter().map(|message| format!("{message}\n")).collect()
}

fn send(service: &Running, body: impl AsRef<[u8]>) -> Answer {
    service.call("POST", "/v1/messages/batch", &[("Content-Type", NDJSON)], body.as_ref())
}

/// The answers to a whole stream.
fn answers(service: &Running, body: impl AsRef<[u8]>) -> Vec<Value> {
    let answer = send(service, body);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(NDJSON)), "{answer:?}");
    read(&answer.body)
}

fn read(body: &[u8]) -> Vec<Value> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn code(answer: &Value) -> String {
    answer["vouchers"][0]["code"].as_str().unwrap_or_else(|| panic!("no code: {answer}")).to_owned()
}

fn counts(shop: &Shop) -> Value {
    serde_json::from_str(&shop.tearoff(&["pool", "show", "spring", "--json"])).unwrap()
}

/// A stream that is written and read at the same time.
struct Stream {
    out: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Stream {
    fn open(service: &Running) -> Stream {
        let mut out = TcpStream::connect(service.address()).unwrap();
        let answers = BufReader::new(out.try_clone().unwrap());
        let head = "POST /v1/messages/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type:";
        write!(out, "{head} {NDJSON}\r\n\r\n").unwrap();
        Stream { out, answers }
    }

    fn try_write(&mut self, text: &str) -> std::io::Result<()> {
        self.out.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
    }

    fn write(&mut self, messages: impl IntoIterator<Item = Value>) {
        self.try_write(&lines(messages)).unwrap();
    }

    fn end(&mut self) {
        self.out.write_all(b"0\r\n\r\n").unwrap();
    }

    /// Reads past the head of the answer.
    fn head(&mut self) {
        let mut line = String::new();
        while self.answers.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
    }

    /// The next answer; what frames the chunks is passed over.
    fn answer(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the answer ends too early");
            if line.starts_with('{') {
                return serde_json::from_str(&line).unwrap();
            }
        }
    }
}

#[test]
fn every_line_has_its_answer_in_order_and_the_same_one_again() {
    let service = shop(3_000).serve();
    let sms = (0..1_200).map(|n| message(&format!("m{n}")));
    let layers = (0..400).map(|n| {
        let mut layer = message(&format!("l{n}"));
        layer["channel"] = json!("web_layer");
        layer
    });
    let body = lines(
        sms.zip(layers.map(Some).chain(std::iter::repeat(None))).flat_map(|(sms, layer)| [Some(sms), layer]).flatten(),
    );
    let first = answers(&service, &body);
    let asked: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(first.len(), 1_600);
    for (answer, asked) in first.iter().zip(&asked) {
        assert_eq!((&answer["message_id"], &answer["channel"]), (&asked["message_id"], &asked["channel"]));
    }
    let codes: BTreeSet<String> = first.iter().map(code).collect();
    assert_eq!(codes.len(), 1_600);
    let again = answers(&service, &body);
    assert!(first.iter().map(code).eq(again.iter().map(code)));
    let counts = counts(&service.shop);
    assert_eq!((&counts["assigned"], &counts["reserved"]), (&json!(1_600), &json!(0)));
}

#[test]
fn a_wrong_line_is_told_in_its_place_and_the_others_go_on() {
    let service = shop(10).serve();
    let mut unknown = message("m2");
    unknown["template"] = json!("hy");
    let mut derived = json!({"template": "hy", "channel": "sms", "customer": {"id": "c"}, "campaign": {"id": "k"}});
    let twice = message("m3").to_string().replacen('{', r#"{"message_id": "m3", "#, 1);
    let mut preview = message("m4");
    preview["mode"] = json!("preview");
    let broken =
        json!({"message_id": "m5", "parts": {"body.txt": "{{ 1 +"}, "channel": "sms", "customer": {"id": "c"}});
    let body = [
        message("m1").to_string(),
        unknown.to_string(),
        String::new(),
        "{".to_owned(),
        twice,
        derived.to_string(),
        format!("{{\"message_id\": \"{}\"}}", "m".repeat(2_000_000)),
        preview.to_string(),
        broken.to_string(),
        r#"{"message_id": "m6", "colour": 1}"#.to_owned(),
        message("m7").to_string(),
    ];
    let answers = answers(&service, body.join("\r\n"));
    let told = answers.iter().map(|answer| match answer["error"]["code"].as_str() {
        Some(code) => (answer["line"].as_u64(), answer["message_id"].as_str(), code),
        None => (None, answer["message_id"].as_str(), answer["reason"].as_str().unwrap_or("rendered")),
    });
    let expected = [
        (None, Some("m1"), "rendered"),
        (Some(2), Some("m2"), "invalid_input"),
        (Some(4), None, "malformed_json"),
        (Some(5), None, "invalid_input"),
        (Some(6), Some("k/c"), "invalid_input"),
        (Some(7), None, "body_too_large"),
        (None, Some("m4"), "rendered"),
        (None, Some("m5"), "template_error"),
        (Some(10), Some("m6"), "invalid_input"),
        (None, Some("m7"), "rendered"),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert!(answers[1]["error"]["detail"].as_str().unwrap().contains("did you mean 'hi'?"));
    assert_eq!(answers[1]["error"]["retryable"], false);
    assert_eq!(code(&answers[6]), "spring-preview");
    assert_eq!(counts(&service.shop)["available"], 8);
    derived["template"] = json!("hi");
    let other = send(&service, derived.to_string());
    assert_eq!(read(&other.body)[0]["message_id"], "k/c", "the last line needs no end");
}

#[test]
fn a_stream_of_another_type_is_refused_and_an_empty_one_has_an_empty_answer() {
    let service = shop(1).serve();
    let other = service.call("POST", "/v1/messages/batch", &[("Content-Type", "application/json")], b"{}");
    assert_eq!((other.status, other.problem().as_str()), (415, "unsupported_media_type"));
    let empty = send(&service, "\n\n");
    assert_eq!((empty.status, empty.body.len()), (200, 0));
}

#[test]
fn a_message_that_stands_twice_has_the_same_code_twice() {
    let service = shop(10).serve();
    let mut other = message("m1");
    other["customer"] = json!({"id": "somebody else"});
    let answers = answers(&service, lines([message("m1"), message("m2"), message("m1"), other, message("m1")]));
    assert_eq!([code(&answers[2]), code(&answers[4])], [code(&answers[0]), code(&answers[0])]);
    assert_eq!(answers[3]["error"]["code"], "message_conflict");
    assert_eq!(counts(&service.shop)["assigned"], 2);
}

#[test]
fn answers_come_while_the_stream_still_comes() {
    let service = shop(10).serve();
    let mut stream = Stream::open(&service);
    let mut codes = HashSet::new();
    for n in 0..5 {
        stream.write([message(&format!("m{n}"))]);
        if n == 0 {
            stream.head();
        }
        let answer = stream.answer();
        assert_eq!(answer["message_id"], format!("m{n}"));
        codes.insert(code(&answer));
    }
    stream.end();
    assert_eq!(codes.len(), 5);
    let mut rest = String::new();
    // The connection lives on for the next call.
    stream.out.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let _ = stream.answers.read_to_string(&mut rest);
    assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
}

#[test]
fn who_does_not_read_is_not_read_from_any_more_and_holds_nothing() {
    let service = shop(20_000).serve();
    let mut stream = Stream::open(&service);
    let filler = "x".repeat(8_000);
    let long = |n: usize| {
        json!({"message_id": format!("m{n}"), "parts": {"body.txt": "{{ filler }} {{ vouchers.spring.assign_available() }}"},
            "channel": "sms", "customer": {"id": "c"}, "context": {"filler": filler}})
    };
    stream.out.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut sent = 0;
    let stopped = loop {
        match stream.try_write(&lines((sent..sent + 50).map(long))) {
            Ok(()) => sent += 50,
            Err(error) => break error,
        }
        assert!(sent < 15_000, "all of it was read");
    };
    assert!(matches!(stopped.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{stopped}");
    let assigned = until("nothing is reserved", || {
        let counts = counts(&service.shop);
        (counts["reserved"] == 0).then(|| counts["assigned"].as_u64().unwrap())
    });
    assert!(0 < assigned && assigned < sent as u64, "{assigned} of {sent}");
}

#[test]
fn a_client_that_goes_away_in_the_middle_loses_no_code() {
    let service = shop(4_000).serve();
    let messages = || (0..2_000).map(|n| message(&format!("m{n}")));
    let mut seen = Vec::new();
    for reads in [1, 400, 900] {
        let mut stream = Stream::open(&service);
        stream.write(messages());
        stream.head();
        for n in 0..reads {
            let answer = stream.answer();
            assert_eq!(answer["message_id"], format!("m{n}"));
            seen.push((n, code(&answer)));
        }
        drop(stream);
    }
    until("what was only reserved goes back", || (counts(&service.shop)["reserved"] == 0).then_some(()));
    let all = answers(&service, lines(messages()));
    for (n, seen) in seen {
        assert_eq!(code(&all[n]), seen);
    }
    assert_eq!(all.iter().map(code).collect::<HashSet<_>>().len(), 2_000);
    let counts = counts(&service.shop);
    assert_eq!((&counts["assigned"], &counts["available"]), (&json!(2_000), &json!(2_000)));
}

#[test]
fn the_last_codes_go_to_the_first_lines() {
    let service = shop(700).serve();
    let answers = answers(&service, lines((0..1_500).map(|n| message(&format!("m{n}")))));
    let rendered = answers.iter().take_while(|answer| answer["status"] == "rendered").count();
    assert_eq!(rendered, 700);
    assert!(answers[700..].iter().all(|answer| answer["reason"] == "pool_empty"));
}

#[test]
fn a_store_that_goes_away_is_told_line_by_line_and_the_stream_goes_on() {
    let server = Server::start();
    let shop = Shop::new();
    shop.write("tearoff.toml", format!("store = \"{}\"\n", server.url()));
    shop.stock("spring", "SPR", 100);
    shop.write("templates/hi/body.txt", "{{ vouchers.spring.assign_available() }}");
    let service = shop.serve();
    let mut stream = Stream::open(&service);
    stream.write([message("m0")]);
    stream.head();
    let first = stream.answer();
    server.kill_9();
    stream.write([message("m1"), message("m2")]);
    for line in [2, 3] {
        let answer = stream.answer();
        assert_eq!((&answer["line"], &answer["message_id"]), (&json!(line), &json!(format!("m{}", line - 1))));
        assert_eq!(
            (&answer["error"]["code"], &answer["error"]["retryable"]),
            (&json!("store_unavailable"), &json!(true))
        );
    }
    server.restart();
    let began = Instant::now();
    loop {
        stream.write([message("m0"), message("m1")]);
        let again = [stream.answer(), stream.answer()];
        if again.iter().all(|answer| answer["status"] == "rendered") {
            assert_eq!(code(&again[0]), code(&first));
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "the store is back: {again:?}");
    }
}
