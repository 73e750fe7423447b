//! Holds `docs/TEMPLATES-JINJA2.md`, the page for authors, to what it says.

use minijinja::context;

use super::behaviour::{environment, now, rendered, rendered_as};

/// The names in a row of the authors' table of what works.
fn documented(row: &str) -> Vec<&'static str> {
    let page = include_str!("../../../docs/TEMPLATES-JINJA2.md");
    let row = page.lines().find_map(|line| line.strip_prefix(&format!("| {row} | `"))).unwrap();
    row.split('`').next().unwrap().split_whitespace().collect()
}

#[test]
fn what_the_authors_table_names_is_there() {
    for (row, template, at_least) in [
        ("filters", "{{ name is filter }}", 50),
        ("tests", "{{ name is test }}", 30),
        ("functions", "{{ f is callable }}", 6),
    ] {
        let names = documented(row);
        assert!(names.len() >= at_least, "{row}: {}", names.len());
        for name in names {
            assert_eq!(
                rendered(&template.replace("f is", &format!("{name} is")), context!(name)),
                "True",
                "{row}: {name}"
            );
        }
    }
}

#[test]
fn the_methods_that_the_authors_table_names_are_there() {
    for (row, value) in
        [("methods of texts", "'abc'"), ("methods of lists", "['abc']"), ("methods of dicts", "{'abc': 1}")]
    {
        for name in documented(row) {
            let with = |args: &str| rendered(&format!("{{{{ {value}.{name}({args}) }}}}"), context!());
            let known =
                ["", "'abc'", "9", "'b', 'c'", "['x']", "{}"].iter().any(|args| !with(args).starts_with("error"));
            assert!(known, "{row}: {name}: {}", with(""));
        }
    }
}

#[test]
fn the_remedies_that_the_authors_table_gives_work() {
    let context = || context!(n => 42, x => (), html => "<b>", text => "<i>");
    for (template, expected) in [
        ("{{ '%05d'|format(n) }} {{ '{:05d}'.format(n) }}", "00042 00042"),
        ("{% set l = [1] %}{% set l = l + [2] %}{{ l }}{{ l[:-1] }}{{ l|reject('equalto', 1)|list }}", "[1, 2][1][2]"),
        (
            "{% set ns = namespace(l=[]) %}{% for i in [1, 2] %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.l }}",
            "[1, 2]",
        ),
        ("{% set d = {'a': 0, 'b': 2} %}{% set d = dict(d, a=1) %}{{ d.a }}{{ d.b }}", "12"),
        ("[{{ x|upper }}{{ (x or '').upper() }}{{ (x or '') ~ '!' }}]{{ x|default('friend', true) }}", "[!]friend"),
        ("{{ html|safe }}{{ text }}", "<b>&lt;i&gt;"),
        ("{% macro b(t) %}<u>{{ t }}</u>{% endmacro %}{{ b('a') }}!{{ [b('<'), '!']|join }}", "<u>a</u>!<u>&lt;</u>!"),
        ("{% filter upper %}<b>{{ text }}</b>{% endfilter %}", "<B>&LT;I&GT;</B>"),
        ("{% set _ = 1 + 1 %}{{ ''|reverse }}{{ []|reverse|list }}{{ 'ab'|reverse }}", "[]ba"),
    ] {
        assert_eq!(rendered_as("part.html", template, context()), expected, "{template}");
    }
}

/// Values and arguments that are at the edge of something.
const EDGES: &[&str] = &[
    "''",
    "'ž ů'",
    "'%'",
    "'%(a'",
    "'{'",
    "'{0[}'",
    "'{:>'",
    "'&#;'",
    "'<!--'",
    "'--'",
    "'http://['",
    "'2026-13-40'",
    "0",
    "-1",
    "7",
    "9223372036854775807",
    "-170141183460469231731687303715884105727",
    "1e308",
    "0.5",
    "(1e308 * 10)",
    "true",
    "none",
    "missing",
    "[]",
    "['a', 'b']",
    "[[1, 2], [3, 4]]",
    "{}",
    "{'a b': 1}",
    "range(3)",
    "'<'|safe",
    "now",
];

#[test]
fn no_argument_makes_a_filter_or_method_panic() {
    let env = environment();
    let methods = ["methods of texts", "methods of lists", "methods of dicts"].map(documented).concat();
    let calls = documented("filters").into_iter().map(|name| format!("|{name}"));
    for call in calls.chain(methods.iter().map(|name| format!(".{name}"))) {
        for value in EDGES {
            for args in EDGES.iter().map(|arg| (*arg).to_owned()).chain(EDGES.windows(2).map(|args| args.join(", "))) {
                let template = format!("{{{{ ({value}){call}({args}) }}}}");
                // An error is as good as a text here; only a panic is neither.
                let _ = env.render_named_str("part.html", &template, context!(now => now()));
            }
        }
    }
}
