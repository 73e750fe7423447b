//! The templates of this repository, for a customer of whom next to nothing is known.

use std::sync::Arc;

use tearoff::render::{Attributes, Limits, Message, Purpose, Renderer};
use tearoff::voucher::{Catalogue, Channel, Code, Count, PoolCard, PoolName};

const TEMPLATES: [(&str, Channel); 7] = [
    ("welcome", Channel::Email),
    ("spring-sale", Channel::Email),
    ("win-back", Channel::Email),
    ("flash-sms", Channel::Sms),
    ("cart-reminder-sms", Channel::Sms),
    ("back-in-stock", Channel::WebPush),
    ("exit-intent", Channel::WebLayer),
];

fn card(pool: &str) -> PoolCard {
    let count = Count { available: 1, total: 1 };
    PoolCard {
        preview_code: Code::preview_of(&PoolName::new(pool).unwrap()),
        count,
        metadata: Arc::default(),
        expires_at: None,
    }
}

#[test]
fn the_repositorys_templates_preview() {
    let renderer = Renderer::new(Limits::default()).in_folder(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"));
    let json = |text| Attributes::from_json(text).unwrap();
    for (name, channel) in TEMPLATES {
        let template = renderer.load(name, channel).unwrap();
        let catalogue: Catalogue = template.pools().map(|pool| (PoolName::new(&pool).unwrap(), card(&pool))).collect();
        assert!(!catalogue.is_empty(), "{name} names no pool");
        let context = json(r#"{"cart": {"lines": [1]}, "product": {"name": "Teapot"}}"#);
        let message =
            Message::new(None, (channel, Purpose::Preview), json(r#"{"id": "c1"}"#), json(r#"{"id": "k"}"#), context);
        let rendered = template.preview(&Arc::new(message.unwrap()), &Arc::new(catalogue)).unwrap();
        let body = rendered.parts.iter().find(|(part, _)| part.starts_with("body.")).unwrap();
        assert!(body.1.contains("-preview"), "{name} shows no code:\n{}", body.1);
    }
}
