//! Renders what Jinja2 3.1.6 rendered, and expects the same. `tests/jinja2_corpus.py` writes the fixture.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Deserialize;

use super::install;

#[derive(Deserialize)]
struct Case {
    topic: String,
    template: String,
    context: serde_json::Value,
    autoescape: bool,
    expect: String,
    /// What is given instead of what is expected, for the differences that authors are told of.
    here: Option<String>,
}

fn rendered(case: &Case) -> String {
    let mut env = Environment::new();
    env.set_debug(false);
    install(&mut env);
    let escape = if case.autoescape { AutoEscape::Html } else { AutoEscape::None };
    env.set_auto_escape_callback(move |_| escape.clone());
    match env.render_str(&case.template, Serde(&case.context)) {
        Ok(text) => text,
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn renders_what_jinja2_renders() {
    let cases: Vec<Case> =
        include_str!("../../../tests/jinja2.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() > 500, "{} cases", cases.len());
    assert!(cases.iter().all(|case| case.here.as_ref() != Some(&case.expect)), "a difference is gone");
    let differing: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let got = rendered(case);
            let wanted = case.here.as_ref().unwrap_or(&case.expect);
            (got != *wanted).then(|| {
                let (topic, template, escape, wanted) = (&case.topic, &case.template, case.autoescape, wanted);
                format!("{topic} (escaping {escape}): {template}\n  wanted {wanted:?}\n  here   {got:?}\n")
            })
        })
        .collect();
    assert!(differing.is_empty(), "{} of {} differ\n{}", differing.len(), cases.len(), differing.join(""));
}
