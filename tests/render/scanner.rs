//! Properties of reading an author's source: placeholders, and everything else left as it is.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tearoff::render::{Limits, Renderer};
use tearoff::voucher::Channel;

use super::sender::{Case, Head};

const OPEN: &str = "$cst.";
const CLOSE: &str = ".coupon$";

fn is_of_a_name(c: &char) -> bool {
    c.is_ascii_alphanumeric() || "-_".contains(*c)
}

/// What literal text prints, the plain way: each placeholder as its pool's name in angle brackets.
fn expected(text: &str) -> String {
    let Some((before, after)) = text.split_once(OPEN) else { return text.to_owned() };
    let name: String = after.chars().take_while(is_of_a_name).collect();
    let valid = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() <= 64;
    match after[name.len()..].strip_prefix(CLOSE) {
        Some(rest) if valid => format!("{before}<{name}>{}", expected(rest)),
        _ => format!("{before}{OPEN}{}", expected(after)),
    }
}

fn mixture(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 0..most).prop_map(|pieces| pieces.concat())
}

fn literal_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(
        &["$cst.", ".coupon$", "spring", "b-1", "_", "-", ".", "$", "cst", "é", " ", "\n", "{", "}"][..],
    );
    let name = prop_oneof!["[a-z0-9_-]{0,3}", "[a-z.é ]{0,3}", "[a-z]{63,66}"];
    let placeholder = name.prop_map(|name| format!("{OPEN}{name}{CLOSE}"));
    prop::collection::vec(prop_oneof![piece.prop_map(str::to_owned), placeholder], 0..8)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("it is text only", |text| !["{{", "{%", "{#"].iter().any(|open| text.contains(open)))
}

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

fn anything() -> impl Strategy<Value = String> {
    let pieces = &[
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{",
        "}",
        "%",
        "'",
        "\"",
        "\\",
        "-",
        "+",
        " ",
        "\n",
        "é",
        "abort",
        "raw",
        "endraw",
        "include",
        "if",
        "x",
        "vouchers",
        ".",
        "[",
        "]",
        "(",
        ")",
        "|",
        "1",
        "<",
        "=",
        "$cst.a.coupon$",
        "{% abort %}",
        "{% raw %}",
        "{% endraw %}",
        "{{ x }}",
    ];
    mixture(pieces, 16)
}

/// Sources that Jinja knows without our additions.
fn plain_source() -> impl Strategy<Value = String> {
    let pieces = &[
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
    mixture(pieces, 10).prop_filter("a literal brace opens nothing", |text| {
        ["{{{", "{{%", "{{#"].iter().all(|open| !text.contains(open))
    })
}

fn rendered(source: &str) -> Result<String, String> {
    let head: Head = serde_json::from_str(r#"{"context": {"x": "data"}, "any_pool": true}"#).unwrap();
    head.send(&Case::part(source)).map(|sent| sent.parts[0].1.clone())
}

/// The engine drops one line break at the end of a source.
fn without_last_break(source: &str) -> &str {
    source.strip_suffix('\n').unwrap_or(source)
}

proptest! {
    #[test]
    fn placeholders_are_read_as_the_oracle_reads_them(text in literal_text()) {
        prop_assert_eq!(rendered(&text).unwrap(), expected(without_last_break(&text)));
    }

    #[test]
    fn placeholders_are_read_in_text_and_nowhere_else(stretches in prop::collection::vec(prop::sample::select(&STRETCHES[..]), 0..8)) {
        // Marks between them keep white-space control from reaching beyond its own stretch.
        let (source, expected): (Vec<_>, Vec<_>) = stretches.into_iter().unzip();
        prop_assert_eq!(rendered(&source.join("|")).unwrap(), expected.join("|"));
    }

    #[test]
    fn no_source_makes_the_compiler_panic(source in anything()) {
        let template = Renderer::new(Limits::default()).compile("any", Channel::Sms, [("body.txt", source.as_str())]);
        if let Ok(template) = template {
            let named: BTreeSet<String> = template.pool_mentions().into_iter().map(|mention| mention.name).collect();
            prop_assert!(named.iter().all(|name| source.contains(name)));
            let _ = (template.printed_attributes(), rendered(&source));
        }
    }

    #[test]
    fn what_needs_nothing_of_ours_renders_as_the_engine_renders_it(source in plain_source()) {
        let plain = minijinja::Environment::new().render_str(&source, minijinja::context! { x => "data" });
        prop_assert_eq!(rendered(&source).ok(), plain.ok());
    }
}
