//! Properties of reading an author's source: placeholders, and everything else left as it is.

use proptest::prelude::*;

use super::sender::{Case, Head};

/// Stretches of a template and what each prints.
const STRETCHES: [(&str, &str); 14] = [
    ("text ", "text "),
    ("$cst.a.coupon$", "<a>"),
    ("{{ '}} %} $cst.a.coupon$' }}", "}} %} $cst.a.coupon$"),
    ("{{ \"it's }} $cst.a.coupon$\" }}", "it's }} $cst.a.coupon$"),
    ("{{ 'it\\'s }} $cst.a.coupon$' }}", "it's }} $cst.a.coupon$"),
    ("{{ {'a': {'b': 1}}.a.b ~ '$cst.a.coupon$' }}", "1$cst.a.coupon$"),
    ("{{ {'a': {'b': 1}}|length }}", "1"),
    ("{# $cst.a.coupon$ {{ ' #}", ""),
    ("{% raw %}$cst.a.coupon$ {{ ' {% {% endraw %}", "$cst.a.coupon$ {{ ' {% "),
    ("{%- raw -%}{% if {%- endraw -%}", "{% if"),
    ("{% if true %}$cst.b-1.coupon${% endif %}", "<b-1>"),
    ("{% if '%}' == \"%}\" and 2 > 1 %}x{% endif %}", "x"),
    ("{% set y = '$cst.a.coupon$' %}", ""),
    ("{ ", "{ "),
];

/// Sources that Jinja knows without our additions.
fn plain_source() -> impl Strategy<Value = String> {
    let pieces = vec![
        "text ",
        "é",
        "{",
        "}",
        "$",
        "$cst.",
        "%",
        "#",
        "\n",
        "'",
        "\"",
        "{{ x }}",
        "{{- x -}}",
        "{{ x|upper }}",
        "{{ '}}' }}",
        "{{ \"%}\" }}",
        "{{ {'a': {'b': 1}}.a.b }}",
        "{# {{ c #}",
        "{% raw %}{{ no }}{% endraw %}",
        "{%- raw -%} {% if {%- endraw -%}",
        "{% if x %}a{% else %}b{% endif %}",
        "{%- for i in [1, 2] -%} {{ i }} {%- endfor -%}",
        "{% set y = '{{' %}{{ y }}",
    ];
    let mixture = prop::collection::vec(prop::sample::select(pieces), 0..10).prop_map(|pieces| pieces.concat());
    mixture.prop_filter("a literal brace opens nothing", |text: &String| {
        ["{{{", "{{%", "{{#"].iter().all(|open| !text.contains(open))
    })
}

fn rendered(source: &str) -> Result<String, String> {
    let head: Head = serde_json::from_str(r#"{"context": {"x": "data"}, "any_pool": true}"#).unwrap();
    head.send(&Case::part(source)).map(|sent| sent.parts[0].1.clone())
}

proptest! {
    #[test]
    fn placeholders_are_read_in_text_and_nowhere_else(stretches in prop::collection::vec(prop::sample::select(&STRETCHES[..]), 0..8)) {
        // Marks between them keep white-space control from reaching beyond its own stretch.
        let (source, expected): (Vec<_>, Vec<_>) = stretches.into_iter().unzip();
        prop_assert_eq!(rendered(&source.join("|")).unwrap(), expected.join("|"));
    }

    #[test]
    fn what_needs_nothing_of_ours_renders_as_the_engine_renders_it(source in plain_source()) {
        let plain = minijinja::Environment::new().render_str(&source, minijinja::context! { x => "data" });
        prop_assert_eq!(rendered(&source).ok(), plain.ok());
    }
}
