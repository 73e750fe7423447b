//! The texts of the templates that come with Tearoff and have none of their own.

use std::sync::Arc;

use jiff::Timestamp;

use crate::render::{Attributes, Known, Limits, Message, Purpose, Renderer, Rendering, Suspension, Template};
use crate::voucher::{Binding, Channel, Code, Source, Voucher};

const CUSTOMER: &str = r#"{"id": "c42", "first_name": "Ada", "last_order_at": "2025-03-03", "favourite": "linen", "products": [
    {"sku": "A", "name": "Linen shirt", "kind": "Textiles", "price": 49.9}, {"sku": "B", "name": "Fern", "kind": "Garden", "price": 29},
    {"sku": "C", "name": "Teapot & two cups", "kind": "Kitchen", "price": 35.5}]}"#;

fn text(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let template = Renderer::new(Limits::default()).in_folder(folder).load(name, Channel::Email).unwrap();
    let customer = Attributes::from_json(CUSTOMER).unwrap();
    let campaign = Attributes::from_json(r#"{"id": "spring-2026"}"#).unwrap();
    let way = (Channel::Email, Purpose::Live);
    let message = Arc::new(Message::new(None, way, customer, campaign, Attributes::default()).unwrap());
    let parts = parts(&template, &message);
    parts.into_iter().find(|(name, _)| *name == "body.txt").unwrap().1
}

/// Renders with the same voucher wherever the template asks for one.
fn parts(template: &Template, message: &Arc<Message>) -> Vec<(&'static str, String)> {
    let mut known = Known::default();
    loop {
        match template.render(message, &Arc::new(known.clone())) {
            Rendering::Complete(rendered) => return rendered.parts,
            Rendering::Suspended(Suspension::Claim(claim)) => {
                let from = claim.pool.clone();
                known.bind(
                    claim.pool,
                    claim.width,
                    Binding {
                        voucher: voucher(),
                        source: Source::Pool,
                        from,
                        assigned_at: message.instant,
                        reserved: true,
                    },
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

fn voucher() -> Voucher {
    let expires_at: Timestamp = "2027-06-30T21:00:00Z".parse().unwrap();
    Voucher { code: Code::new("SPR-7Q2K-M4XZ").unwrap(), expires_at: Some(expires_at), metadata: Arc::default() }
}

#[test]
fn the_spring_sale() {
    insta::assert_snapshot!(text("spring-sale"));
}

#[test]
fn the_win_back() {
    insta::assert_snapshot!(text("win-back"));
}
