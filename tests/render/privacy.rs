//! No error tells a customer's data.

use tearoff::render::{Attributes, Rendering};

use super::sender::{Case, Head};

/// Data of the shapes that confuse whoever looks for quotes.
const SECRETS: [&str; 6] = [
    "CANARY",
    "it's CANARY o'clock",
    "'CANARY",
    "x' or 'CANARY' and 'y",
    "\"CANARY\" `CANARY`",
    "%(CANARY)q {CANARY} {0!CANARY}",
];

const FAILING: [&str; 41] = [
    "{{ customer.v + 1 }}",
    "{{ -customer.v }}",
    "{{ customer.v() }}",
    "{{ customer.v.nope() }}",
    "{{ customer.v.index('zz') }}",
    "{{ customer.v.format() }}",
    "{{ customer.v.format(x=1) }}",
    "{{ customer.v % 3 }}",
    "{{ '%d' % customer.v }}",
    "{{ '%d'|format(customer.v) }}",
    "{{ '{:d}'.format(customer.v) }}",
    "{{ vouchers[customer.v].assign() }}",
    "{{ vouchers.spring.assign(per=customer.v) }}",
    "{{ vouchers.spring.assign(customer.v) }}",
    "{{ vouchers.spring.assign(cached=customer.v) }}",
    "{{ vouchers.spring.assign(**dict([[customer.v, 1]])) }}",
    "{{ customer.v|dateformat }}",
    "{{ now()|dateformat(format=customer.v ~ '%!') }}",
    "{{ now()|dateformat(tz=customer.v) }}",
    "{{ now().astimezone(customer.v) }}",
    "{{ 'http://x'|urlize(extra_schemes=[customer.v]) }}",
    "{{ [1]|map(customer.v)|list }}",
    "{{ [1]|select(customer.v)|list }}",
    "{{ customer.v|round }}",
    "{{ 1.5|round(1, customer.v) }}",
    "{{ [customer.v, 1]|sum }}",
    "{{ [customer.v]|groupby('x', customer.v, customer.v, customer.v) }}",
    "{{ 'x'|center(customer.v) }}",
    "{{ 'x'|indent(customer.v, customer.v, customer.v, customer.v) }}",
    "{{ customer.v|batch(0)|list }}",
    "{{ range(customer.v) }}",
    "{{ dict(customer.v) }}",
    "{{ customer.n ** 400 }}",
    "{{ customer.n * customer.n * customer.n * customer.n * customer.n }}",
    "{{ 'x'|center(customer.n) }}",
    "{{ 'x'.zfill(customer.n) }}",
    "{{ lipsum(customer.n) }}",
    "{{ customer.v|upper(**customer.d) }}",
    "{{ customer.v|format(x=1) }}",
    "{% include customer.v %}",
    "{% set a, b = customer.list %}",
];

#[test]
fn no_error_tells_data() {
    for source in FAILING {
        let failures: usize = SECRETS.iter().map(|secret| failures(source, secret)).sum();
        assert!(failures > 0, "{source} does not fail");
    }
}

#[test]
fn a_complete_message_is_not_shown_by_debug() {
    let head = Head::of(Attributes::from_json(r#"{"id": "c1", "name": "CANARY"}"#).unwrap());
    let rendering = head.rendering(&Case::part("{{ customer.name }}"));
    assert_eq!(format!("{rendering:?}"), "Complete(Rendered { parts: [\"body.txt\"], vouchers: 0 })");
}

/// How often the source fails for this secret, which is not in what is told of it.
fn failures(source: &str, secret: &str) -> usize {
    let customer = serde_json::json!({"id": "CANARY-7", "v": secret, "n": 987_654_321_987_u64, "list": [secret], "d": {secret: 1}});
    let head = Head::of(Attributes::from_json(&customer.to_string()).unwrap());
    let case = Case::part(&format!("Hi {{{{ customer.v }}}},\n  {source} end"));
    let Rendering::Failed(failure) = head.rendering(&case) else { return 0 };
    for told in [format!("{failure:?}"), format!("{failure:#?}"), head.send(&case).unwrap_err()] {
        assert!(!told.contains("CANARY") && !told.contains("987654321987"), "{source}: {told}");
    }
    1
}
