//! Data is never code: template syntax in whatever a message prints is printed, escaped as its channel needs it, and claims nothing.
//! Names of files are held to it in `tests/cli/data.rs`, what comes in by a URL in `tests/http/data.rs`.

use std::sync::Arc;

use serde_json::json;
use tearoff::render::{Attributes, Known, Limits, Message, Purpose, Renderer, Rendering, Suspension};
use tearoff::voucher::{Binding, Channel, Code, Metadata, PoolName, Source, Voucher, Width};

use super::attacks::ATTACKS;

/// Every place that data comes from. What they hold has no markup, so that HTML and JSON differ in quotes only.
const PRINTING: &str = "{{ customer.name }}|{{ customer.deep.list[0].name }}|{{ customer.deep }}|{{ customer.keyed }}|{{ campaign.title }}\
    |{{ event.properties.utm }}|{{ order.items[0].name }}|{{ customer.name ~ '' }}|{{ customer.name + '' }}|{{ customer.name * 2 }}\
    |{{ customer.name|upper|lower }}|{{ '%s'|format(customer.name) }}|{{ customer.keyed.items()|list }}\
    |{{ [customer.name]|join }}|{% set x %}{{ customer.name }}{% endset %}{{ x }}|{{ customer.name|urlencode }}|{{ customer|tojson }}";

fn message(channel: Channel, attack: &str) -> Arc<Message> {
    let attributes = |value: serde_json::Value| Attributes::from_json(&value.to_string()).unwrap();
    let customer = json!({
        "id": "c1", "name": attack, "deep": {"list": [{"name": attack}]}, "keyed": {attack: attack},
    });
    let campaign = json!({"id": "spring", "title": attack});
    let context = json!({
        "event": {"properties": {"utm": attack, attack: 1}},
        "order": {"items": [{"name": attack}]},
    });
    let parts = (channel, Purpose::Live);
    Arc::new(Message::new(None, parts, attributes(customer), attributes(campaign), attributes(context)).unwrap())
}

fn rendered(
    channel: Channel,
    parts: &[(&str, &str)],
    message: &Arc<Message>,
    known: Known,
) -> Vec<(&'static str, String)> {
    let template = Renderer::new(Limits::default()).compile("data", channel, parts.iter().copied()).unwrap();
    match template.render(message, &Arc::new(known)) {
        Rendering::Complete(rendered) => rendered.parts,
        other => panic!("{other:?}"),
    }
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;").replace('\'', "&#39;")
}

#[test]
fn template_syntax_in_attributes_is_printed_and_claims_nothing() {
    for attack in ATTACKS {
        let parts = [("subject.txt", "{{ customer.name }}"), ("body.html", PRINTING), ("body.txt", PRINTING)];
        let parts = rendered(Channel::Email, &parts, &message(Channel::Email, attack), Known::default());
        let text = |wanted: &str| &parts.iter().find(|(name, _)| *name == wanted).unwrap().1;
        assert_eq!(text("subject.txt"), attack);
        let plain: Vec<&str> = text("body.txt").split('|').collect();
        assert!(text("body.txt").starts_with(&format!("{attack}|{attack}|")), "{plain:?}");
        assert!(text("body.txt").contains(&format!("|{attack}{attack}|")), "{plain:?}");
        assert!(text("body.html").starts_with(&format!("{0}|{0}|", html(attack))), "{}", text("body.html"));
        assert_eq!(text("body.txt").matches("49").count(), 0);
    }
}

#[test]
fn template_syntax_is_a_string_of_json_like_any_other() {
    let source = r#"{"name": {{ customer.name }}, "all": {{ customer }}, "utm": {{ event.properties.utm }}, "joined": {{ 'a' ~ customer.name }}}"#;
    for attack in ATTACKS {
        let parts =
            rendered(Channel::Webhook, &[("body.json", source)], &message(Channel::Webhook, attack), Known::default());
        let json: serde_json::Value = serde_json::from_str(&parts[0].1).unwrap();
        assert_eq!(json["name"], attack);
        assert_eq!(json["all"]["keyed"][attack], attack);
        assert_eq!(json["utm"], attack);
        assert_eq!(json["joined"], format!("a{attack}"));
    }
}

#[test]
fn template_syntax_in_codes_and_their_metadata_is_printed() {
    for attack in ATTACKS {
        let code: String = attack.chars().filter(|c| !c.is_whitespace()).collect();
        let pool = PoolName::new("own").unwrap();
        let metadata: Metadata = serde_json::from_value(json!({"note": attack})).unwrap();
        let voucher = Voucher { code: Code::new(&code).unwrap(), expires_at: None, metadata: Arc::new(metadata) };
        let assigned_at = "2026-11-20T09:00:00Z".parse().unwrap();
        let binding = Binding { voucher, source: Source::Pool, from: pool.clone(), assigned_at, reserved: true };
        let mut known = Known::default();
        known.bind(pool.clone(), Width::Customer, binding.clone());
        known.bind(pool, Width::Message, binding);
        let source = "{% set c = vouchers.own.assign() %}{{ c }}|{{ c ~ '' }}|{{ c.metadata.note }}|$cst.own.coupon$";
        let parts = [("subject.txt", "s"), ("body.html", source), ("body.txt", source)];
        let parts = rendered(Channel::Email, &parts, &message(Channel::Email, attack), known);
        let expected = format!("{code}|{code}|{attack}|{code}");
        assert_eq!(parts[2].1, expected);
        assert_eq!(parts[1].1, html(&expected));
    }
}

#[test]
fn a_pool_named_by_data_is_claimed_by_the_template_only() {
    let source = "{{ vouchers[customer.name].assign_available() }}";
    let template = Renderer::new(Limits::default()).compile("data", Channel::Sms, [("body.txt", source)]).unwrap();
    let named = template.render(&message(Channel::Sms, "vip"), &Arc::default());
    assert!(matches!(named, Rendering::Suspended(Suspension::Claim(claim)) if claim.pool.as_str() == "vip"));
    for attack in ATTACKS {
        assert!(matches!(template.render(&message(Channel::Sms, attack), &Arc::default()), Rendering::Failed(_)));
    }
}

#[test]
fn data_that_would_end_a_header_is_refused_and_not_repeated() {
    let plain = |part| (part, "x");
    for (channel, part, others) in [
        (Channel::Email, "subject.txt", vec![plain("body.txt")]),
        (Channel::Email, "preheader.txt", vec![plain("subject.txt"), plain("body.txt")]),
        (Channel::WebPush, "title.txt", vec![plain("body.txt")]),
        (Channel::WebPush, "link.txt", vec![plain("title.txt"), plain("body.txt")]),
        (Channel::Mms, "media.txt", vec![plain("body.txt")]),
    ] {
        let parts = others.into_iter().chain([(part, "{{ customer.name }}")]);
        let template = Renderer::new(Limits::default()).compile("data", channel, parts).unwrap();
        for end in ["\n", "\r", "\r\n", "\0", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
            let message = message(channel, &format!("Sale{end}Bcc: all@example.com"));
            let Rendering::Failed(failure) = template.render(&message, &Arc::default()) else {
                panic!("{part} {end:?}")
            };
            let failure = failure.to_string();
            let place =
                format!("data/{part}, line 1, column 4: this value has a line break or a NUL in it, and {part} may");
            assert!(failure.starts_with(&place) && !failure.contains("Bcc"), "{failure}");
        }
        assert!(matches!(template.render(&message(channel, "Ada"), &Arc::default()), Rendering::Complete(_)));
    }
}

#[test]
fn a_file_that_is_not_utf_8_names_its_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sale")).unwrap();
    std::fs::write(folder.path().join("sale/body.txt"), b"a\nb\xff\xfe").unwrap();
    let error = Renderer::new(Limits::default()).in_folder(folder.path()).load("sale", Channel::Sms).unwrap_err();
    assert!(error.to_string().contains("is not UTF-8 (line 2)"), "{error}");
}

#[test]
fn a_limit_may_be_raised() {
    let source = format!("{}{{{{ ('a' * 1000000)|upper|upper|upper|upper|length }}}}", " ".repeat(300 << 10));
    let compile = |limits| Renderer::new(limits).compile("large", Channel::Sms, [("body.txt", source.as_str())]);
    assert!(compile(Limits::default()).is_err());
    let limits = Limits { source_bytes: 1 << 20, ..Limits::default() };
    let render = |limits| compile(limits).unwrap().render(&message(Channel::Sms, "Ada"), &Arc::default());
    assert!(matches!(render(limits), Rendering::Failed(failure) if failure.to_string().contains("limits.text_bytes")));
    assert!(matches!(render(Limits { text_bytes: 64 << 20, ..limits }), Rendering::Complete(_)));
    let none = Limits {
        text_bytes: usize::MAX,
        instructions: u64::MAX,
        output_bytes: usize::MAX,
        seconds: u64::MAX,
        ..limits
    };
    assert!(matches!(render(none), Rendering::Complete(_)));
}
