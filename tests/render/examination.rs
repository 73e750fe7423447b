//! What a render looked for and did not find.

use std::sync::Arc;

use tearoff::render::{Attributes, Known, Limits, Message, Purpose, Renderer, Rendering};
use tearoff::voucher::{Channel, MessageId};

/// What is missing, from a render that gives what one without a look at it gives.
fn missing(source: &str) -> Vec<String> {
    let template = Renderer::new(Limits::default()).compile("x", Channel::Sms, [("body.txt", source)]).unwrap();
    let customer = Attributes::from_json(r#"{"id": "c1", "address": {"city": "Brno"}, "list": [{"a": 1}]}"#).unwrap();
    let context = Attributes::from_json(r#"{"event": {"name": "x"}}"#).unwrap();
    let id = Some(MessageId::new("m1").unwrap());
    let message = Message::new(id, (Channel::Sms, Purpose::Live), customer, Attributes::default(), context).unwrap();
    let (message, known) = (Arc::new(message), Arc::new(Known::default()));
    let (Rendering::Complete(examined), missing) = template.examine(&message, &known) else { panic!("{source}") };
    let Rendering::Complete(rendered) = template.render(&message, &known) else { panic!("{source}") };
    assert_eq!(examined, rendered);
    missing.into_iter().collect()
}

#[test]
fn missing_attributes_are_named_by_their_path() {
    let source = "{{ customer.frist_name }} {{ customer.address.cty }} {{ customer['address'].city }} {{ event.x.y }}";
    assert_eq!(missing(source), ["customer.address.cty", "customer.frist_name", "event.x"]);
}

#[test]
fn what_is_found_elsewhere_is_not_missing() {
    let source = "{% set x = 1 %}{{ x }}{% for i in range(2) %}{{ loop.index }}{{ i }}{% endfor %}{{ dict(a=1).a }}\
        {% macro m(y) %}{{ y }}{% endmacro %}{{ m(1) }}{{ now().year }}{{ [1]|random }}{% if customer.list|length > 0 %}{% endif %}";
    assert_eq!(missing(source), [""; 0]);
}

#[test]
fn a_look_at_what_is_missing_changes_nothing() {
    let source = "{{ customer }} {{ customer.address }} {{ customer|tojson }} {{ customer.address|tojson }} {{ event|length }}\
        {% for k, v in customer.address.items() %}{{ k }}{{ v }}{% endfor %}{{ customer.address == {'city': 'Brno'} }}\
        {{ customer.address is mapping }}{{ dict(customer.address, x=1) }}{{ customer.address|dictsort }}{{ 'city' in customer.address }}\
        {{ customer.get('id') }}{{ customer.address.keys()|list }}{{ customer.address|items|list }}{{ customer.address|urlencode }}";
    assert_eq!(missing(source), [""; 0]);
}

#[test]
fn branches_not_taken_look_for_nothing() {
    assert_eq!(missing("{% if false %}{{ customer.nothing }}{% endif %}"), [""; 0]);
}
