//! How long the parts of a message take, from the line of an audience to the line of an outcome, with the templates of
//! `tearoff bench`.
//!
//! `cargo bench --bench message`

use std::fmt::Write;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tearoff::campaign::{Audience, AudienceSource, Columns, Outcome, Personalizer, Recipient, RenderThreads};
use tearoff::render::{Attributes, Known, Limits, Message, Purpose, Renderer, Rendering, Suspension, Template};
use tearoff::store::SqliteStore;
use tearoff::voucher::{Channel, Claimed, Claims, Code, Lease, NewVoucher, PoolName, PoolSettings, Stock};

const TEMPLATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/bench/templates");
const CHANNELS: [(&str, Channel); 2] = [("email", Channel::Email), ("sms", Channel::Sms)];
const ROWS: usize = 1_000;

fn template(name: &str, channel: Channel) -> Arc<Template> {
    let renderer = Renderer::new(Limits::default()).in_folder(TEMPLATES);
    Arc::new(renderer.load(name, channel).expect("the template compiles"))
}

fn customer(number: usize) -> String {
    let product = |place| {
        format!(
            r#"{{"sku":"AF-{place}","name":"Linen & clay","kind":"Felt","price":49.75,"was":59,"stock":7,"rating":4.5}}"#
        )
    };
    let products: Vec<String> = (0..6).map(product).collect();
    format!(
        r#"{{"id":"c{number}","first_name":"Ada","last_name":"O'Brien","email":"c{number}@mail.example","city":"Porto","season":"2027","vip":true,"points":640,"since":2012,"products":[{}]}}"#,
        products.join(",")
    )
}

fn message(customer: Attributes, channel: Channel) -> Message {
    let campaign = Attributes::from_json(r#"{"id": "bench"}"#).expect("an object");
    Message::new(None, (channel, Purpose::Live), customer, campaign, Attributes::default()).expect("a message")
}

fn first_message(channel: Channel) -> Arc<Message> {
    Arc::new(message(Attributes::from_json(&customer(1)).expect("an object"), channel))
}

/// A store with a few codes.
fn store(runtime: &tokio::runtime::Runtime) -> Arc<SqliteStore> {
    let store = Arc::new(SqliteStore::in_memory("bench").expect("a store"));
    let pool = PoolName::new("spring").expect("a name");
    let code = |number| Code::new(format!("SPR-{number:08}")).expect("a code");
    let voucher = |number| NewVoucher { code: code(number), expires_at: None, metadata: Default::default() };
    let vouchers: Vec<NewVoucher> = (0..8).map(voucher).collect();
    let fill = async {
        store.create_pool(&pool, &PoolSettings::default()).await?;
        store.import(&pool, &vouchers).await
    };
    runtime.block_on(fill).expect("the codes are new");
    store
}

/// What the store answers to the message's claim.
fn known(runtime: &tokio::runtime::Runtime, template: &Template, message: &Arc<Message>) -> Arc<Known> {
    let Rendering::Suspended(Suspension::Claim(claim)) = template.render(message, &Arc::default()) else {
        panic!("the template claims")
    };
    let lease = Lease::new(Lease::TIME);
    let claimed = runtime.block_on(store(runtime).reserve(&lease, std::slice::from_ref(&claim))).expect("an answer");
    let mut known = Known::default();
    match claimed.into_iter().next() {
        Some(Claimed::Bound(binding)) => known.bind(claim.pool, claim.width, binding),
        other => panic!("a voucher was expected, not {other:?}"),
    }
    Arc::new(known)
}

/// A message renders until its first claim, then with the voucher from the start again.
fn rendering(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    for (name, channel) in CHANNELS {
        let (template, message) = (template(name, channel), first_message(channel));
        let (nothing, known) = (Arc::new(Known::default()), known(&runtime, &template, &message));
        let mut group = criterion.benchmark_group(format!("{name}: render"));
        group.bench_function("until it is suspended", |bencher| {
            bencher.iter(|| black_box(template.render(&message, &nothing)));
        });
        group.bench_function("with its voucher", |bencher| {
            bencher.iter(|| black_box(template.render(&message, &known)));
        });
        group.bench_function("both", |bencher| {
            bencher.iter(|| {
                black_box(template.render(&message, &nothing));
                black_box(template.render(&message, &known))
            });
        });
    }
}

/// Compiling a text that is full of placeholders, beside one of the same length without: the difference is the scan.
fn placeholders(criterion: &mut Criterion) {
    let with = "Your code is $cst.spring.coupon$, for 5 $ less. ".repeat(100);
    let without = "Your code is (cst-spring-coupon), for 5 $ less. ".repeat(100);
    let mut group = criterion.benchmark_group("compile a text of 4.8 kB");
    group.throughput(Throughput::Bytes(with.len() as u64));
    for (name, text) in [("with 100 placeholders", &with), ("without", &without)] {
        let renderer = Renderer::new(Limits::default());
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(renderer.compile("text", Channel::Sms, [("body.txt", text.as_str())])));
        });
    }
}

/// An audience in the temporary folder.
fn audience(name: &str, text: &str) -> AudienceSource {
    let path: PathBuf = std::env::temp_dir().join(format!("tearoff-{}-{name}", std::process::id()));
    std::fs::write(&path, text).expect("a file");
    AudienceSource::File(path)
}

/// From the lines of an audience to messages.
fn reading(criterion: &mut Criterion) {
    let (mut json, mut csv) = (String::new(), "customer_id,first_name\n".to_owned());
    for number in 0..ROWS {
        let _ = writeln!(json, r#"{{"customer":{}}}"#, customer(number));
        let _ = writeln!(csv, "c{number},Ada");
    }
    let sources = [("JSON lines", "audience.jsonl", json, Channel::Email), ("CSV", "audience.csv", csv, Channel::Sms)];
    let mut group = criterion.benchmark_group("audience to messages");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, file, text, channel) in sources {
        let source = audience(file, &text);
        group.bench_function(name, |bencher| bencher.iter(|| black_box(read(&source, channel))));
        if let AudienceSource::File(path) = source {
            std::fs::remove_file(path).expect("it was there");
        }
    }
}

fn read(source: &AudienceSource, channel: Channel) -> Vec<Message> {
    let mut audience = Audience::open(source, &Columns::new()).expect("an audience");
    let mut messages = Vec::with_capacity(ROWS);
    while let Some(row) = audience.next_row().expect("a row") {
        let Recipient { customer, .. } = row.content.expect("a recipient");
        messages.push(message(customer, channel));
    }
    messages
}

/// From an outcome to the line of `messages.jsonl`, and to that of `events.jsonl`.
fn writing(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    for (name, channel) in CHANNELS {
        let outcome = outcome(&runtime, name, channel);
        let mut group = criterion.benchmark_group(format!("{name}: outcome to JSON"));
        let mut line = Vec::with_capacity(64 << 10);
        group.bench_function("message", |bencher| {
            bencher.iter(|| {
                line.clear();
                serde_json::to_writer(&mut line, &outcome.without_event()).expect("JSON");
                black_box(line.len())
            });
        });
        group.bench_function("event", |bencher| {
            bencher.iter(|| {
                line.clear();
                serde_json::to_writer(&mut line, &outcome.event()).expect("JSON");
                black_box(line.len())
            });
        });
    }
}

fn outcome(runtime: &tokio::runtime::Runtime, name: &str, channel: Channel) -> Outcome {
    let (store, threads) = (store(runtime), Arc::new(RenderThreads::for_this_machine().expect("threads")));
    let personalizer = Personalizer::new(template(name, channel), store.clone(), store, threads);
    let message = Message::clone(&first_message(channel));
    let outcomes = runtime.block_on(personalizer.personalize(vec![message])).expect("outcomes");
    outcomes.into_iter().next().expect("one of them")
}

criterion_group!(benches, rendering, placeholders, reading, writing);
criterion_main!(benches);
