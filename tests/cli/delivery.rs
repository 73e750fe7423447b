//! Test e-mails that are delivered: what a mail server and a file get, and what is refused before anything is claimed.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::mail_server::{Mail, MailServer};
use crate::shop::{Run, Shop, names};
use crate::tls::Certificates;

const SETTINGS: &str = r#"[delivery]
from = "Größe & Söhne <news@shop.example>"
test_recipients = ["ada@example.com", "@testers.example"]
list_unsubscribe = ["https://shop.example/u?list=test", "mailto:unsubscribe@shop.example"]
"#;

const SUBJECT: &str = "Für {{ customer.name }}: 20 % 🎟️ mit {{ vouchers.spring.assign_available() }}";
const PAGE: &str = "<html><body class=\"a\"><h1>Grüße, {{ customer.name }}</h1>\n\
    <p>{{ vouchers.spring.assign_available() }}</p></body></html>";

/// A shop with an e-mail and three codes.
fn shop() -> Shop {
    let shop = Shop::with_pool("spring", &["SPR-1", "SPR-2", "SPR-3"]);
    shop.write("tearoff.toml", SETTINGS);
    shop.write("templates/sale/subject.txt", SUBJECT);
    shop.write("templates/sale/preheader.txt", "20 % & mehr");
    shop.write("templates/sale/body.html", PAGE);
    shop.write(
        "templates/sale/body.txt",
        "Grüße, {{ customer.name }}:\n{{ vouchers.spring.assign_available() }}\n.\n..\n",
    );
    shop
}

fn render(shop: &Shop, customer: &Value, further: &[&str]) -> Run {
    let customer = customer.to_string();
    let first = ["render", "sale", "--channel", "email", "--campaign", "spring", "--customer", &customer];
    shop.run_with(&[&first, further].concat())
}

fn test_send(shop: &Shop, url: &str) -> Run {
    render(
        shop,
        &json!({"id": "c42@private.example", "name": "Jürgen"}),
        &["--mode", "test", "--to", "ada@example.com", "--smtp", url],
    )
}

fn code(run: &Run) -> String {
    let outcome: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    outcome["vouchers"][0]["code"].as_str().unwrap().to_owned()
}

fn available(shop: &Shop) -> u64 {
    shop.json("pool show spring --json")["available"].as_u64().unwrap()
}

#[test]
fn a_mail_server_receives_the_test_as_it_was_rendered() {
    let (shop, server) = (shop(), MailServer::start(&[]));
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let run = test_send(&shop, &url);
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (Some(0), &*format!("delivered to the mail server 127.0.0.1:{}\n", server.port))
    );
    let code = code(&run);
    assert_eq!(shop.json(&format!("voucher show {code} --json"))["mode"], "test");
    assert_eq!(test_send(&shop, &url).code, Some(0), "a repeat");
    let mails = server.received();
    let [mail, repeat] = &mails[..] else { panic!("{} e-mails", mails.len()) };
    mail.is_sound();
    assert_eq!((&mail.0["from"], &mail.0["to"]), (&json!("news@shop.example"), &json!(["ada@example.com"])));
    assert_eq!(mail.header("Subject"), format!("Für Jürgen: 20 % 🎟️ mit {code}"));
    assert_eq!((mail.header("From"), mail.header("To")), ("Größe & Söhne <news@shop.example>", "ada@example.com"));
    assert_eq!(mail.0["type"], "multipart/alternative");
    let kinds: Vec<&Value> = mail.0["parts"].as_array().unwrap().iter().map(|part| &part[0]).collect();
    assert_eq!(kinds, ["text/plain", "text/html"], "the best one last");
    assert_eq!(mail.part("text/plain"), format!("Grüße, Jürgen:\n{code}\n.\n.."));
    let hidden = r#"<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">20 % &amp; mehr</div>"#;
    let page = format!("<html><body class=\"a\">{hidden}<h1>Grüße, Jürgen</h1>\n<p>{code}</p></body></html>");
    assert_eq!(mail.part("text/html"), page);
    assert_eq!(
        (mail.part("text/html"), mail.header("Message-ID")),
        (repeat.part("text/html"), repeat.header("Message-ID"))
    );
}

#[test]
fn headers_say_what_mail_programs_ask_for_and_nothing_of_the_customer() {
    let (shop, server) = (shop(), MailServer::start(&[]));
    let before = jiff::Timestamp::now().as_second();
    test_send(&shop, &format!("smtp://localhost:{}", server.port));
    let mail = server.received().remove(0);
    for (name, value) in [
        ("X-Tearoff-Mode", "test"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("List-Unsubscribe", "<https://shop.example/u?list=test>, <mailto:unsubscribe@shop.example>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ] {
        assert_eq!(mail.header(name), value);
    }
    let date = jiff::fmt::rfc2822::parse(mail.header("Date")).unwrap().timestamp().as_second();
    assert!((before - 1..=before + 60).contains(&date), "{date}");
    let id = mail.header("Message-ID").strip_prefix('<').unwrap().strip_suffix("@shop.example>").unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    for (name, value) in
        mail.0["headers"].as_array().unwrap().iter().map(|header| (&header[0], header[1].as_str().unwrap()))
    {
        assert!(!value.contains("c42") && !value.contains("private.example"), "{name}: {value}");
        assert!(name == "Subject" || !value.contains("SPR-"), "{name}: {value}");
    }
}

#[test]
fn what_would_end_a_header_is_refused_before_a_code_is_taken_or_a_mail_leaves() {
    let (shop, server) = (shop(), MailServer::start(&[]));
    let url = format!("smtp://127.0.0.1:{}", server.port);
    for name in [
        "Eve\r\nBcc: eve@evil.example",
        "Eve\nX-Injected: 1\n\nbody",
        "Eve\rBcc: eve@evil.example",
        "Eve\u{0}",
        "Eve\u{85}Bcc: eve@evil.example",
        "Eve\u{2028}Bcc: eve@evil.example",
        "Ä\r\n\r\n<script>",
        "Eve\r\n.\r\nMAIL FROM:<eve@evil.example>",
    ] {
        let customer = json!({"id": "c1", "name": name});
        let run = render(&shop, &customer, &["--mode", "test", "--to", "bo@testers.example", "--smtp", &url]);
        assert_eq!(run.code, Some(6), "{name:?}: {}", run.stderr);
        let outcome: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((&outcome["status"], &outcome["reason"]), (&json!("enqueue_failed"), &json!("template_error")));
        let message = outcome["message"].as_str().unwrap();
        assert!(
            message.starts_with("sale/subject.txt, line 1, column 8: this value has a line break or a NUL"),
            "{message}"
        );
        assert!(!run.stdout.contains("Bcc") && !run.stderr.contains("Bcc"), "{run:?}");
    }
    assert_eq!(available(&shop), 3);
    assert!(server.received().is_empty());
}

#[test]
fn a_header_that_would_be_two_is_no_setting() {
    let shop = shop();
    for (line, header) in [
        (r#"from = "Shop\r\nBcc: eve@evil.example <news@shop.example>""#, "From"),
        (r#"from = "Shop\u0000 <news@shop.example>""#, "From"),
        (r#"list_unsubscribe = ["https://shop.example/u\r\nBcc: eve@evil.example"]"#, "List-Unsubscribe"),
        (r#"list_unsubscribe = ["mailto:u@shop.example\n"]"#, "List-Unsubscribe"),
    ] {
        shop.write("tearoff.toml", &format!("[delivery]\n{line}\n"));
        let run = render(&shop, &json!({"id": "c1"}), &["--mode", "test", "--eml", "a.eml"]);
        let says =
            format!("error: tearoff.toml, line 2: what becomes the header {header} has a line break or a NUL in it\n");
        assert_eq!((run.code, run.stdout.as_str()), (Some(7), ""));
        assert!(run.stderr.starts_with(&says), "{}", run.stderr);
    }
    shop.write("tearoff.toml", "");
    assert_eq!(available(&shop), 3);
}

#[test]
fn nothing_that_a_customer_is_called_becomes_a_header() {
    let (shop, server) = (shop(), MailServer::start(&[]));
    let url = format!("smtp://127.0.0.1:{}", server.port);
    shop.ok("pool generate spring --count 20 --pattern X-########");
    let attacks = [
        "Eve\u{7}\tBcc: eve@evil.example",
        "=?utf-8?Q?=0D=0ABcc:_eve@evil.example?=",
        "Eve%0d%0aBcc: eve@evil.example",
        &"x".repeat(3_000),
        &"🎟️".repeat(400),
    ];
    for (at, name) in attacks.iter().enumerate() {
        let customer = json!({"id": format!("c{at}"), "name": name});
        let run = render(&shop, &customer, &["--mode", "test", "--to", "bo@testers.example", "--smtp", &url]);
        assert_eq!(run.code, Some(0), "{name:?}: {}", run.stderr);
    }
    let mails = server.received();
    assert_eq!(mails.len(), attacks.len());
    for (mail, name) in mails.iter().zip(attacks) {
        mail.is_sound();
        assert_eq!(mail.0["to"], json!(["bo@testers.example"]));
        let known = [
            "From",
            "To",
            "Subject",
            "Message-ID",
            "Auto-Submitted",
            "X-Tearoff-Mode",
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
            "MIME-Version",
            "Date",
            "Content-Type",
        ];
        let headers: Vec<&str> =
            mail.0["headers"].as_array().unwrap().iter().map(|header| header[0].as_str().unwrap()).collect();
        let mut sorted = [headers.clone(), known.to_vec()];
        sorted.iter_mut().for_each(|names| names.sort_unstable());
        assert_eq!(sorted[0], sorted[1], "{name:?}");
        let subject = mail.header("Subject");
        assert!(!subject.chars().any(char::is_control), "{subject:?}");
        let shown: String = name.chars().take_while(|c| !c.is_control()).collect();
        assert!(subject.starts_with(&format!("Für {shown}")), "{subject:?}");
    }
}

#[test]
fn a_file_holds_the_same_and_a_preview_may_go_into_one() {
    let shop = shop();
    let customer = json!({"id": "c42", "name": "Jürgen"});
    let run = render(&shop, &customer, &["--mode", "test", "--to", "ada@example.com", "--eml", "test.eml"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), "delivered to test.eml\n"));
    let mail = Mail::read(&shop.path("test.eml"));
    mail.is_sound();
    assert_eq!(mail.header("Subject"), format!("Für Jürgen: 20 % 🎟️ mit {}", code(&run)));
    assert_eq!((mail.header("To"), mail.header("X-Tearoff-Mode")), ("ada@example.com", "test"));
    let left = available(&shop);
    std::fs::create_dir(shop.path("out")).unwrap();
    for _ in 0..2 {
        let run = render(&shop, &customer, &["--mode", "preview", "--eml", "out"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    let files = names(&shop.path("out"));
    assert_eq!(files.len(), 1, "{files:?}");
    let preview = Mail::read(&shop.path("out").join(&files[0]));
    assert_eq!((preview.header("X-Tearoff-Mode"), preview.header("To")), ("preview", preview.header("From")));
    assert!(preview.header("Subject").ends_with("spring-preview"));
    assert_ne!(preview.header("Message-ID"), mail.header("Message-ID"), "they are two e-mails");
    assert_eq!(available(&shop), left, "a preview takes nothing");
}

#[test]
fn a_file_needs_no_settings_and_no_page() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.write("templates/sale/subject.txt", "Hi");
    shop.write("templates/sale/body.txt", "{{ vouchers.spring.assign_available() }}");
    let run = render(&shop, &json!({"id": "c1"}), &["--mode", "test", "--eml", "a.eml", "--quiet"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let mail = Mail::read(&shop.path("a.eml"));
    assert_eq!((mail.0["type"].as_str(), mail.part("text/plain").trim_end()), (Some("text/plain"), "S1"));
    assert_eq!((mail.header("From"), mail.headers("List-Unsubscribe")), ("tearoff@localhost", vec![]));
}

#[test]
fn what_can_be_known_to_be_wrong_is_refused_before_anything_is_claimed() {
    let shop = shop();
    let customer = json!({"id": "c42", "name": "Ada"});
    let url = "smtp://ada:SECRET@127.0.0.1:1";
    let refused = |further: &[&str], says: &str| {
        let run = render(&shop, &customer, further);
        run.fails(7, says);
        assert_eq!(available(&shop), 3, "{further:?}");
    };
    let list = "error: the address is not in the list of those to whom tests may go\n\
        help: add it to the list 'test_recipients' in the section [delivery] of tearoff.toml";
    for address in ["eve@evil.example", "ada@example.com.evil.example", "bo@sub.testers.example"] {
        refused(&["--mode", "test", "--to", address, "--smtp", url], list);
        refused(&["--mode", "test", "--to", address, "--eml", "a.eml"], list);
    }
    let to = ["--to", "ada@example.com", "--smtp", url];
    refused(
        &[&["--mode", "live"], &to[..]].concat(),
        "error: a live message is not delivered, only rendered\n\
        help: hand the outcome to your own sender, or render it with '--mode test'",
    );
    refused(
        &[&["--mode", "preview"], &to[..]].concat(),
        "error: a preview goes into a file, not to a mail server\nhelp: give '--eml FILE', or render it with '--mode test'",
    );
    refused(
        &["--mode", "test", "--to", "ada@example.com\r\nBcc: eve@evil.example", "--smtp", url],
        "error: this is no e-mail address\nhelp: write one without a name and in ASCII, such as ada@example.com",
    );
    refused(
        &["--mode", "test", "--to", "ada@example.com"],
        "error: --to: it is not said which mail server delivers it\n\
        help: give '--smtp smtps://USER:PASSWORD@HOST', or '--eml FILE' to write it into a file",
    );
    refused(
        &["--mode", "test", "--eml", "no/a.eml"],
        "error: there is no folder no\nhelp: make it, or name another file",
    );
    let run =
        render(&shop, &customer, &["--mode", "test", "--to", "ada@example.com", "--smtp", "smtp://ada:SECRET@host/x"]);
    assert_eq!(run.code, Some(7));
    assert!(
        run.stderr
            .starts_with("error: --smtp: the mail server's URL has more than a host and a port\nhelp: write smtps:")
    );
    assert!(!run.stderr.contains("SECRET"), "{}", run.stderr);
    shop.write("templates/text/body.txt", "{{ vouchers.spring.assign_available() }}");
    let text =
        ["render", "text", "--channel", "sms", "--campaign", "a", "--customer", r#"{"id": "c1"}"#, "--mode", "test"];
    shop.run_with(&[&text[..], &to[..]].concat()).fails(
        7,
        "error: only an e-mail can be delivered, not one of the channel sms\n\
        help: leave out where to deliver it, or render it with '--channel email'",
    );
    shop.write("tearoff.toml", "[delivery]\ntest_recipients = [\"ada@example.com\"]\n");
    refused(
        &[&["--mode", "test"], &to[..]].concat(),
        "error: it is not set whose e-mails they are\n\
        help: set from = \"Shop <news@example.com>\" in the section [delivery] of tearoff.toml",
    );
    shop.write("tearoff.toml", &format!("{SETTINGS}ca_file = \"no.pem\"\n"));
    let run = render(&shop, &customer, &["--mode", "test", "--to", "ada@example.com", "--smtp", "smtps://127.0.0.1:1"]);
    assert_eq!(run.code, Some(7));
    assert!(run.stderr.starts_with("error: cannot read no.pem (ca_file in the section [delivery] of tearoff.toml)"));
    assert_eq!(available(&shop), 3);
}

#[test]
fn settings_that_cannot_be_name_their_line_and_no_password() {
    let shop = shop();
    for (line, says) in [
        ("from = \"Shop\"", "this is no sender; write \"Shop <news@example.com>\""),
        ("test_recipients = [\"example.com\"]", "a test recipient is no address"),
        ("list_unsubscribe = [\"http://shop.example\"]", "list_unsubscribe takes https and mailto URLs"),
        ("smtp = \"http://ada:SECRET@shop.example\"", "the mail server's URL begins with neither smtp: nor smtps:"),
        ("to = \"x\"", "unknown field `to`"),
    ] {
        shop.write("tearoff.toml", &format!("[delivery]\n{line}\n"));
        let run = shop.run("pool list");
        assert_eq!(run.code, Some(7));
        assert!(run.stderr.starts_with(&format!("error: tearoff.toml, line 2: {says}")), "{}", run.stderr);
        assert!(!run.stderr.contains("SECRET"), "{}", run.stderr);
    }
}

/// A delivery that fails after the codes were assigned prints its outcome, says why and what to do, and no secret.
#[track_caller]
fn fails(shop: &Shop, url: &str, says: &str, help: &str) {
    let run = test_send(shop, url);
    let first = code(&run);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.starts_with(&format!("error: {says}")), "{}", run.stderr);
    let again = "its codes stay assigned, and a repeat under the same message id sends the same ones";
    assert!(run.stderr.contains(&format!("help: {help}; {again}\n")), "{}", run.stderr);
    for secret in ["SECRET", "ada@example.com", "c42", "Jürgen", "SPR-", "robot"] {
        assert!(!run.stderr.contains(secret), "{secret}: {}", run.stderr);
    }
    assert_eq!(shop.json(&format!("voucher show {first} --json"))["state"], "assigned");
    assert_eq!((code(&test_send(shop, url)), available(shop)), (first, 2), "a repeat shows the same");
}

#[test]
fn a_delivery_that_fails_says_so_and_keeps_the_codes() {
    let shop = shop();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let named = format!("the mail server {free}");
    let help = "check its address and port; 'smtps://' encrypts";
    fails(&shop, &format!("smtp://robot:SECRET@{free}"), &format!("{named} cannot be spoken to\n"), help);

    let strict = MailServer::start(&["--refuse", "ada@example.com"]);
    let (url, named) =
        (format!("smtp://127.0.0.1:{}", strict.port), format!("the mail server 127.0.0.1:{}", strict.port));
    let help = "check the address: the server does not know or take it";
    fails(&shop, &url, &format!("{named} refuses the test message (550 5.1.1)\n"), help);
    let help = "see the cause; '?tls=none' sends without encryption where the server offers none";
    fails(&shop, &format!("{url}?tls=required"), &format!("{named} cannot be spoken to\n"), help);
    assert!(strict.received().is_empty());

    let locked = MailServer::start(&["--user", "robot", "--password", "RIGHT"]);
    let (place, named) = (format!("127.0.0.1:{}", locked.port), format!("the mail server 127.0.0.1:{}", locked.port));
    let help = "check the user and the password in its URL";
    fails(
        &shop,
        &format!("smtp://robot:SECRET@{place}"),
        &format!("{named} refuses the test message (535 5.7.8)\n"),
        help,
    );
    let help = "give a user and a password in its URL, or '?tls=required'";
    fails(&shop, &format!("smtp://{place}"), &format!("{named} refuses the test message (530 5.7.0)\n"), help);
    let right = test_send(&shop, &format!("smtp://robot:RIGHT@{place}"));
    assert_eq!((right.code, available(&shop)), (Some(0), 2), "{}", right.stderr);
    assert_eq!(locked.received().len(), 1);
}

#[test]
fn encryption_is_checked_and_passwords_travel_inside_it() {
    let (shop, certificates) = (shop(), Certificates::new());
    let (certificate, key) = (certificates.server(), certificates.server_key());
    let credentials = ["--user", "robot", "--password", "p@ss:wörd"];
    let tls = ["--certificate", certificate.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let user = "robot:p%40ss%3Aw%C3%B6rd";
    for (further, scheme, query) in [(&[][..], "smtps", ""), (&["--starttls"], "smtp", "?tls=required")] {
        let server = MailServer::start(&[&tls[..], &credentials, further].concat());
        let url = format!("{scheme}://{user}@127.0.0.1:{}{query}", server.port);
        shop.write("tearoff.toml", SETTINGS);
        let run = test_send(&shop, &url);
        assert_eq!(run.code, Some(1), "nobody knows who certified it");
        assert!(run.stderr.contains("invalid peer certificate: UnknownIssuer"), "{}", run.stderr);
        let ca_file = certificates.authority();
        shop.write("tearoff.toml", &format!("{SETTINGS}ca_file = {ca_file:?}\n"));
        let run = test_send(&shop, &url);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let mails = server.received();
        assert_eq!(mails.len(), 1);
        assert_eq!((&mails[0].0["encrypted"], &mails[0].0["user"]), (&json!(true), &json!("robot")));
    }
}

#[test]
fn the_mail_server_may_be_set_where_nobody_sees_its_password() {
    let (shop, server) = (shop(), MailServer::start(&["--user", "robot", "--password", "RIGHT"]));
    let customer = r#"{"id": "c1"}"#;
    let arguments = [
        "render",
        "sale",
        "--channel",
        "email",
        "--campaign",
        "a",
        "--customer",
        customer,
        "--mode",
        "test",
        "--to",
        "ada@example.com",
    ];
    let url = format!("smtp://robot:RIGHT@127.0.0.1:{}", server.port);
    let variable = Run::of(shop.command(&arguments).env("TEAROFF_SMTP", &url));
    assert_eq!(variable.code, Some(0), "{}", variable.stderr);
    shop.write("tearoff.toml", &format!("{SETTINGS}smtp = \"{url}\"\n"));
    assert_eq!(shop.run_with(&arguments).code, Some(0));
    assert_eq!(server.received().len(), 2);
}

#[test]
fn what_is_not_rendered_is_not_delivered() {
    let (shop, server) = (shop(), MailServer::start(&[]));
    shop.ok("pool pause spring");
    let run = test_send(&shop, &format!("smtp://127.0.0.1:{}", server.port));
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (Some(3), "warning: nothing is delivered: the message is enqueue_failed\n")
    );
    assert!(server.received().is_empty());
}
