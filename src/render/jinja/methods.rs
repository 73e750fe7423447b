//! Python's methods of texts, lists and mappings.

use minijinja::value::{Kwargs, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;

use super::args::{Args, Entry, called, invalid, items};
use super::str_format::{Fields, named};
use super::str_methods;
use super::text::safe_if;
use crate::render::allowance::spend;

const LIST_METHODS: &[Entry] = &[
    ("copy", &["self"], |_, args| items(args.value("self")).map(Value::from)),
    ("count", &["self", "value"], |_, args| {
        Ok(Value::from(items(args.value("self"))?.iter().filter(|item| *item == args.value("value")).count()))
    }),
    ("index", &["self", "value", "start", "stop"], index),
];

/// What a method that changes its list or mapping is called in Python, and what a template says instead.
const CHANGES: &[(&[&str], &str)] = &[
    (
        &["append", "insert"],
        "write {% set l = l + [x] %}, or in a loop: {% set ns = namespace(l=[]) %} … {% set ns.l = ns.l + [x] %}",
    ),
    (&["extend"], "write {% set l = l + more %}"),
    (
        &["remove", "pop", "popitem", "clear"],
        "keep what you want: {{ l[:-1] }}, or the filter `reject` with the test `equalto`",
    ),
    (&["sort"], "write {{ l|sort }}"),
    (&["reverse"], "write {{ l|reverse }}"),
    (&["update", "setdefault"], "write {% set d = dict(d, key=value) %}"),
];

/// Called for methods that a value does not have by itself.
pub(super) fn unknown_method(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let entries = match value.kind() {
        ValueKind::Undefined | ValueKind::None => return Err(of_nothing(method)),
        ValueKind::String if method == "format" => return format(value, args),
        ValueKind::String if method == "format_map" => return format_map(value, args),
        ValueKind::String => str_methods::METHODS,
        ValueKind::Seq | ValueKind::Iterable => LIST_METHODS,
        ValueKind::Map if method == "copy" && args.is_empty() => return Ok(value.clone()),
        _ => &[],
    };
    if let Some(&(_, params, body)) = entries.iter().find(|(name, _, _)| *name == method) {
        let given: Vec<Value> = [value.clone()].into_iter().chain(args.iter().cloned()).collect();
        return called(body, state, params, &given);
    }
    spend(value.as_str().map_or(0, str::len))?;
    match pycompat::unknown_method_callback(state, value, method, args) {
        Err(error) if error.kind() == ErrorKind::UnknownMethod => Err(unchangeable(value, method).unwrap_or(error)),
        done => done,
    }
}

fn of_nothing(method: &str) -> Error {
    let remedy = format!("write (x or '').{method}() or a filter");
    Error::new(ErrorKind::UnknownMethod, format!("a missing value has no method `{method}`; {remedy}"))
}

/// Values do not change in a template; the error says how to make a new one. A mapping's own entry goes first.
fn unchangeable(value: &Value, method: &str) -> Option<Error> {
    let is_own = || value.kind() == ValueKind::Map && value.get_attr(method).is_ok_and(|own| !own.is_undefined());
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) || is_own() {
        return None;
    }
    let (_, instead) = CHANGES.iter().find(|(names, _)| names.contains(&method))?;
    Some(invalid(format!("`.{method}()` cannot change a value here; {instead}")))
}

fn index(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let items = items(args.value("self"))?;
    let (start, stop) = str_methods::bounds(args, "start", "stop", items.len())?;
    let found = items[start..stop].iter().position(|item| item == args.value("value"));
    found.map(|at| Value::from(start + at)).ok_or_else(|| invalid("the value is not in the list"))
}

fn format(pattern: &Value, args: &[Value]) -> Result<Value, Error> {
    let (positional, keywords): (&[Value], Kwargs) = from_args(args)?;
    let fields = Fields { positional, named: &named(&keywords), escape: pattern.is_safe() };
    Ok(safe_if(pattern.is_safe(), fields.format(pattern.as_str().unwrap_or_default())?))
}

fn format_map(pattern: &Value, args: &[Value]) -> Result<Value, Error> {
    let (mapping,): (&Value,) = from_args(args)?;
    let named = |name: &str| mapping.get_attr(name).ok().filter(|value| !value.is_undefined());
    let fields = Fields { positional: &[], named: &named, escape: pattern.is_safe() };
    Ok(safe_if(pattern.is_safe(), fields.format(pattern.as_str().unwrap_or_default())?))
}
