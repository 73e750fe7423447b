//! Who is told when few vouchers of a pool are left.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::shop::Shop;

/// A server that takes calls: it answers each with the next status, and gives signature and body of the last ones.
struct Receiver {
    port: u16,
    thread: JoinHandle<Vec<(String, String)>>,
}

impl Receiver {
    fn start(statuses: &'static [u16]) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            statuses.iter().map(|status| answer(&listener.accept().unwrap().0, *status)).collect()
        });
        Receiver { port, thread }
    }

    fn configure(&self, shop: &Shop) {
        let url = format!("http://127.0.0.1:{}/hook", self.port);
        shop.write("tearoff.toml", &format!("[low_stock]\nwebhook = \"{url}\"\nsecret = \"Jefe\"\n"));
    }
}

fn answer(stream: &TcpStream, status: u16) -> (String, String) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut signature, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim_end().is_empty() { break } else { continue }
        };
        match name.to_lowercase().as_str() {
            "tearoff-signature" => signature = value.to_owned(),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    (signature, String::from_utf8(body).unwrap())
}

#[test]
fn a_pool_that_becomes_low_is_told_once_signed_and_until_somebody_listens() {
    let shop = Shop::with_pool("spring", &["S1", "S2", "S3"]);
    shop.ok("pool set spring --low-stock 1,2");
    let receiver = Receiver::start(&[500, 200, 200]);
    receiver.configure(&shop);
    let run = |customer: &str| {
        let customer = format!(r#"{{"id": "{customer}"}}"#);
        shop.write("templates/hi/body.txt", "{{ vouchers.spring.assign_available() }}");
        shop.run_with(&["render", "hi", "--channel", "sms", "--campaign", "sale", "--customer", &customer])
    };
    let first = run("c1");
    assert!(first.stderr.contains("few vouchers are left") && first.stderr.contains("threshold=2"), "{first:?}");
    assert!(!run("c1").stderr.contains("few vouchers are left"), "nothing new was given");
    assert!(run("c2").stderr.contains("threshold=1"));
    assert!(!run("c3").stderr.contains("few vouchers are left"), "each crossing is told once");
    let calls = receiver.thread.join().unwrap();
    let [refused, repeated, second] = &calls[..] else { panic!("{} calls", calls.len()) };
    assert_eq!(refused, repeated, "what was not heard is told again, word by word");
    assert!(repeated.0.starts_with("sha256=") && repeated.0.len() == "sha256=".len() + 64);
    assert_ne!(repeated.0, second.0);
    let body: Value = serde_json::from_str(&second.1).unwrap();
    assert_eq!(
        (&body["type"], &body["pool"], &body["threshold"], &body["left"], &body["project"]),
        (&"low_stock".into(), &"spring".into(), &1.into(), &1.into(), &"default".into())
    );
    assert!(body["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    assert!(!second.1.contains("S1") && !second.1.contains("S2") && !second.1.contains("S3"), "no code is told");
}

#[test]
fn nobody_is_told_of_what_a_test_took() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    shop.ok("pool set spring --low-stock 1");
    let render = |mode: &str| {
        shop.write("templates/hi/body.txt", "{{ vouchers.spring.assign_available() }}");
        let customer = r#"{"id": "c1"}"#;
        let run = ["render", "hi", "--channel", "sms", "--campaign", mode, "--customer", customer, "--mode", mode];
        shop.run_with(&run).stderr
    };
    assert!(!render("test").contains("few vouchers are left"));
    shop.ok("voucher reclaim --test");
    assert!(render("live").contains("few vouchers are left"));
}

#[test]
fn a_pool_without_thresholds_is_never_looked_at() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.write("tearoff.toml", "[low_stock]\nwebhook = \"https://example.invalid/\"\nsecret = \"x\"\n");
    let (code, _) = shop.render("c1", &[]);
    assert_eq!(code, Some(0));
}

#[test]
fn a_webhook_without_encryption_or_secret_is_refused() {
    let shop = Shop::new();
    for (text, says) in [
        ("webhook = \"http://example.com\"\nsecret = \"x\"", "error: tearoff.toml: low_stock.webhook is no https URL"),
        ("webhook = \"https://example.com\"\nsecret = \"\"", "error: tearoff.toml: low_stock.secret is empty"),
        ("webhook = \"https://example.com\"", "error: tearoff.toml, line 1: missing field `secret`"),
    ] {
        shop.write("tearoff.toml", &format!("[low_stock]\n{text}\n"));
        let run = shop.run("pool list");
        assert_eq!(run.code, Some(7));
        assert!(run.stderr.starts_with(says), "{}", run.stderr);
    }
}
