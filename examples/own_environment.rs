//! Run with `cargo run --example own_environment`.
//!
//! A minijinja environment with a filter and a global of your own, and one message rendered with it. A sender's loop is driven
//! by hand here: render, answer what is asked for, render again. A real sender asks a store.

use std::sync::Arc;

use tearoff::render::{Attributes, Known, Limits, Message, Purpose, Renderer, Rendering, Suspension};
use tearoff::voucher::{Binding, Channel, Claim, Code, Count, Metadata, Source, Voucher};

const BODY: &str = "\
Hi {{ customer.first_name }}, {{ shop }} has something for you.
{{ vouchers['spring'].assign_available() }} takes {{ 1250|money }} off.
Only {{ vouchers['spring'].count_available() }} left.
For a friend: {{ vouchers['spring'].assign_available(cached=false) }}";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut environment = Renderer::environment();
    environment.add_filter("money", |cents: u64| format!("{}.{:02} EUR", cents / 100, cents % 100));
    environment.add_global("shop", "The Tea Shop");

    let renderer = Renderer::with_environment(environment, Limits::default());
    let template = renderer.compile("hello", Channel::Sms, [("body.txt", BODY)])?;
    let customer = Attributes::from_json(r#"{"id": "c42", "first_name": "Ada"}"#)?;
    let campaign = Attributes::from_json(r#"{"id": "spring-2026"}"#)?;
    let message =
        Message::new(None, (Channel::Sms, Purpose::Live), customer, campaign, Attributes::default()).map(Arc::new)?;

    let mut stock = ["SPR-7Q2K", "SPR-M4XZ"].into_iter();
    let mut known = Arc::new(Known::default());
    let rendered = loop {
        match template.render(&message, &known) {
            Rendering::Complete(rendered) => break rendered,
            Rendering::Failed(failure) => return Err(failure.into()),
            Rendering::Suspended(Suspension::Claim(claim)) => {
                let code = stock.next().ok_or("the pool is empty")?;
                let binding = take(&claim, code)?;
                Arc::make_mut(&mut known).bind(claim.pool, claim.width, binding);
            }
            Rendering::Suspended(Suspension::Count(pool)) => {
                Arc::make_mut(&mut known).set_count(pool, Count { available: 2, total: 100 });
            }
            Rendering::Suspended(Suspension::CustomerVouchers) => {
                Arc::make_mut(&mut known).set_customer_vouchers(Vec::new());
            }
        }
    };
    for (part, text) in &rendered.parts {
        println!("{part}\n{text}");
    }
    println!("\nvouchers: {}", rendered.vouchers.len());
    Ok(())
}

/// What a store answers to a claim.
fn take(claim: &Claim, code: &str) -> tearoff::Result<Binding> {
    let voucher = Voucher { code: Code::new(code)?, expires_at: None, metadata: Arc::new(Metadata::new()) };
    Ok(Binding {
        voucher,
        source: Source::Pool,
        from: claim.pool.clone(),
        assigned_at: jiff::Timestamp::now(),
        reserved: true,
    })
}
