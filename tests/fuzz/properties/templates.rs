//! Sources of templates.

use std::sync::Arc;

use tearoff::render::{Attributes, Known, Limits, Message, Purpose, Renderer, Template};
use tearoff::voucher::{Catalogue, Channel, Code, Count, MessageId, PoolCard, PoolName};

const OPEN: &str = "$cst.";
const CLOSE: &str = ".coupon$";

/// So little that a made-up loop reaches it.
const LIMITS: Limits = Limits {
    instructions: 20_000,
    source_bytes: 100_000,
    text_bytes: 1 << 20,
    output_bytes: 10_000,
    vouchers: 10,
    nesting: 20,
    seconds: 1,
};

/// Text prints each placeholder's voucher, and everything else as it is.
pub(crate) fn placeholders(text: &str) {
    if ["{{", "{%", "{#"].iter().any(|open| text.contains(open)) {
        return;
    }
    let limits = Limits { vouchers: usize::MAX, ..Limits::default() };
    let template = compile(text, limits).expect("text compiles");
    let rendered = template.preview(&message(Purpose::Preview), &pools_of(&template)).expect("text renders");
    // A byte order mark is dropped, and of one line break at the end either form.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    assert_eq!(rendered.parts[0].1, expected(text.strip_suffix('\r').unwrap_or(text)));
}

/// What text prints, the plain way: each placeholder as its pool's name in angle brackets.
fn expected(text: &str) -> String {
    let Some((before, after)) = text.split_once(OPEN) else { return text.to_owned() };
    let name: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    let valid = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() <= 64;
    match after[name.len()..].strip_prefix(CLOSE) {
        Some(rest) if valid => format!("{before}<{name}>{}", expected(rest)),
        _ => format!("{before}{OPEN}{}", expected(after)),
    }
}

/// A source compiles or does not; what compiles stays within its limits, and renders the same again.
pub(crate) fn template(source: &str) {
    let Ok(template) = compile(source, LIMITS) else { return };
    assert!(template.pool_mentions().iter().all(|mention| source.contains(&mention.name)));
    let _ = template.printed_attributes();
    let (pools, preview) = (pools_of(&template), message(Purpose::Preview));
    if let Ok(rendered) = template.preview(&preview, &pools) {
        let bytes: usize = rendered.parts.iter().map(|(_, text)| text.len()).sum();
        assert!(bytes <= LIMITS.output_bytes && rendered.vouchers.len() <= LIMITS.vouchers, "{bytes}");
        let again = template.preview(&preview, &pools).expect("it renders as before");
        assert_eq!(again.parts, rendered.parts);
    }
    let _ = template.render(&message(Purpose::Live), &Arc::new(Known::default()));
}

fn compile(source: &str, limits: Limits) -> tearoff::Result<Template> {
    Renderer::new(limits).compile("any", Channel::Sms, [("body.txt", source)])
}

/// Every pool that a template names, with its name in angle brackets as the code.
fn pools_of(template: &Template) -> Arc<Catalogue> {
    let card = |name: &PoolName| PoolCard {
        preview_code: Code::new(format!("<{name}>")).expect("a code"),
        count: Count { available: 7, total: 9 },
        metadata: Arc::default(),
        expires_at: None,
    };
    let names = template.pools().filter_map(|name| PoolName::new(name).ok());
    Arc::new(names.map(|name| (name.clone(), card(&name))).collect())
}

fn message(purpose: Purpose) -> Arc<Message> {
    let customer = Attributes::from_json(r#"{"id": "c1", "first_name": "Ada"}"#).expect("an object");
    let context = Attributes::from_json(r#"{"x": "data", "items": [1, {"a": "b"}]}"#).expect("an object");
    let id = Some(MessageId::new("m1").expect("an id"));
    let message = Message::new(id, (Channel::Sms, purpose), customer, Attributes::default(), context);
    Arc::new(message.expect("a message"))
}
