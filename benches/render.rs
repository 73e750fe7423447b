//! How long the parts of a render take: a whole e-mail, a pass that ends at its first voucher, the text of an
//! e-mail, compiling a template.
//!
//! `cargo bench --bench render`

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use tearoff::render::{Attributes, Known, Limits, Message, Purpose, Renderer, Rendering, Suspension, Template};
use tearoff::voucher::{Binding, Channel, Code, PoolName, Source, Voucher, Width};

const PRODUCTS: &str = r#"[{"sku":"A","name":"Linen shirt","kind":"Shirts","price":49.9},{"sku":"B","name":"Straw hat","kind":"Hats","price":29},
    {"sku":"C","name":"Canvas bag","kind":"Bags","price":35.5},{"sku":"D","name":"Sandals","kind":"Shoes","price":59},
    {"sku":"E","name":"Sunglasses","kind":"More","price":89.95},{"sku":"F","name":"Beach towel","kind":"More","price":24}]"#;

fn email() -> Template {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let renderer = Renderer::new(Limits::default()).in_folder(folder);
    renderer.load("welcome", Channel::Email).expect("the template compiles")
}

fn sms() -> Template {
    let parts = [(
        "body.txt",
        "Hi {{ customer.first_name }}, {{ vouchers['welcome'].assign_available() }} is yours: https://shop.example/",
    )];
    Renderer::new(Limits::default()).compile("sms", Channel::Sms, parts).expect("the template compiles")
}

fn message(channel: Channel) -> Arc<Message> {
    let customer = format!(r#"{{"id": "c42", "first_name": "Ada", "city": "London", "products": {PRODUCTS}}}"#);
    let customer = Attributes::from_json(&customer).expect("an object");
    let campaign = Attributes::from_json(r#"{"id": "spring-2026"}"#).expect("an object");
    Arc::new(
        Message::new(None, (channel, Purpose::Live), customer, campaign, Attributes::default()).expect("a message"),
    )
}

/// Everything that the template asks for, with a constant code.
fn known(template: &Template, message: &Arc<Message>) -> Arc<Known> {
    let mut known = Known::default();
    while let Rendering::Suspended(Suspension::Claim(claim)) = template.render(message, &Arc::new(known.clone())) {
        let voucher =
            Voucher { code: Code::new("SPR-7Q2K-M4XZ").expect("a code"), expires_at: None, metadata: Arc::default() };
        let from: PoolName = claim.pool.clone();
        let (source, assigned_at): (Source, Timestamp) = (Source::Pool, message.instant);
        let width: Width = claim.width;
        known.bind(claim.pool, width, Binding { voucher, source, from, assigned_at, reserved: true });
    }
    Arc::new(known)
}

fn rendering(criterion: &mut Criterion) {
    for (name, template) in [("email", email()), ("sms", sms())] {
        let message = message(template.channel());
        let (known, unknown) = (known(&template, &message), Arc::new(Known::default()));
        criterion.bench_function(&format!("{name}: whole"), |bencher| {
            bencher.iter(|| black_box(template.render(&message, &known)));
        });
        criterion.bench_function(&format!("{name}: until its first voucher"), |bencher| {
            bencher.iter(|| black_box(template.render(&message, &unknown)));
        });
    }
}

/// An e-mail that is HTML only, with and without a text of its own: the difference is what making the text takes.
fn text(criterion: &mut Criterion) {
    let message = message(Channel::Email);
    let html = html(&message);
    let parts = |text| [("subject.txt", "Spring"), ("body.html", html.as_str()), ("body.txt", text)];
    let mut group = criterion.benchmark_group(format!("text of an e-mail of {} bytes", html.len()));
    for (name, parts) in [("of its own", &parts("Spring")[..]), ("from its HTML", &parts("")[..2])] {
        let renderer = Renderer::new(Limits::default());
        let template = renderer.compile("text", Channel::Email, parts.iter().copied()).expect("the template compiles");
        let known = Arc::new(Known::default());
        group.bench_function(name, |bencher| bencher.iter(|| black_box(template.render(&message, &known))));
    }
}

/// The page of the spring sale, rendered: nothing is left in it to be evaluated.
fn html(message: &Arc<Message>) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let renderer = Renderer::new(Limits::default()).in_folder(folder);
    let template = renderer.load("spring-sale", Channel::Email).expect("the template compiles");
    let Rendering::Complete(rendered) = template.render(message, &known(&template, message)) else {
        panic!("everything is known")
    };
    rendered.parts.into_iter().find(|(name, _)| *name == "body.html").expect("a page").1
}

fn compiling(criterion: &mut Criterion) {
    criterion.bench_function("compiling an e-mail", |bencher| bencher.iter(|| black_box(email())));
}

criterion_group!(benches, rendering, text, compiling);
criterion_main!(benches);
