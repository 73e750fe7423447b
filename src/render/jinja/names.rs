//! The names that a template may use, for those who suggest the nearest one to a slip.

use minijinja::value::Value;
use minijinja::{Environment, context};

use super::args::Entry;
use super::{FILTERS, tests::TESTS};

const ENGINE_FILTERS: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pluralize",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "urlencode",
    "zip",
];
const ENGINE_TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];
/// Functions of a message: they are variables, not globals.
const MESSAGE_FUNCTIONS: &[&str] = &["abort", "now"];

fn names(entries: &'static [Entry]) -> impl Iterator<Item = &'static str> {
    entries.iter().map(|(name, _, _)| *name)
}

/// Those of `names` for which the expression is true in this environment, which need not have everything.
fn present(env: &Environment<'_>, names: impl Iterator<Item = &'static str>, expression: &str) -> Vec<String> {
    let Ok(known) = env.compile_expression_owned(expression.to_owned()) else { return Vec::new() };
    let is_known = |name: &&str| known.eval(context! { name => *name }).is_ok_and(|known: Value| known.is_true());
    names.filter(is_known).map(str::to_owned).collect()
}

pub(crate) fn is_filter(env: &Environment<'_>, name: &str) -> bool {
    is(env, name, "name is filter")
}

pub(crate) fn is_test(env: &Environment<'_>, name: &str) -> bool {
    is(env, name, "name is test")
}

fn is(env: &Environment<'_>, name: &str, expression: &str) -> bool {
    let known = env.compile_expression_owned(expression.to_owned()).and_then(|known| known.eval(context! { name }));
    known.is_ok_and(|known| known.is_true())
}

pub(crate) fn filters(env: &Environment<'_>) -> Vec<String> {
    present(env, ENGINE_FILTERS.iter().copied().chain(FILTERS.iter().copied().flat_map(names)), "name is filter")
}

pub(crate) fn tests(env: &Environment<'_>) -> Vec<String> {
    present(env, ENGINE_TESTS.iter().copied().chain(names(TESTS)), "name is test")
}

/// The environment's functions and those of a message.
pub(crate) fn functions(env: &Environment<'_>) -> Vec<String> {
    let callable = |(name, _): (&str, Value)| name.to_owned();
    env.globals().map(callable).chain(MESSAGE_FUNCTIONS.iter().map(|name| (*name).to_owned())).collect()
}
