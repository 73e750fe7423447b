//! Filters of the engine that Jinja2 has in the same form, or not at all: they stay what they are, and what they read is counted.

use std::borrow::Cow;

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, State, Value, filters};

use super::args::{Args, Entry, items};
use crate::render::allowance::{ITEM, spend, spend_on_printing};

pub(super) const FILTERS: &[Entry] = &[
    ("reverse", &["value"], |_, args| filters::reverse(args.value("value"))),
    ("lines", &["value"], lines),
    ("pprint", &["value"], pprint),
];

fn lines(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let text = args.text("value");
    spend(text.as_str().lines().count().saturating_mul(ITEM))?;
    filters::lines(args.value("value"))
}

fn pprint(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    spend_on_printing(args.value("value"))?;
    Ok(Value::from(filters::pprint(args.value("value"))))
}

pub(super) fn install(env: &mut Environment<'_>) {
    type Test<'a> = Option<Cow<'a, str>>;
    type Further = Rest<ValueOrKwargs>;
    env.add_filter("select", |state: &mut State<'_, '_>, value: Value, test: Test<'_>, args: Further| {
        filters::select(state, listed(&value)?, test, args)
    });
    env.add_filter("reject", |state: &mut State<'_, '_>, value: Value, test: Test<'_>, args: Further| {
        filters::reject(state, listed(&value)?, test, args)
    });
    env.add_filter(
        "selectattr",
        |state: &mut State<'_, '_>, value: Value, attr: Cow<'_, str>, test: Test<'_>, args: Further| {
            filters::selectattr(state, listed(&value)?, attr, test, args)
        },
    );
    env.add_filter(
        "rejectattr",
        |state: &mut State<'_, '_>, value: Value, attr: Cow<'_, str>, test: Test<'_>, args: Further| {
            filters::rejectattr(state, listed(&value)?, attr, test, args)
        },
    );
    env.add_filter("chain", chain);
    env.add_filter("zip", |state: &State<'_, '_>, value: Value, others: Rest<Value>| {
        let others = others.0.iter().map(listed).collect::<Result<Vec<_>, _>>()?;
        filters::zip(state, listed(&value)?, Rest(others))
    });
}

fn listed(value: &Value) -> Result<Value, Error> {
    items(value).map(Value::from)
}

/// At once, and not when its items are asked for: a chain of chains is as long as a tree.
fn chain(first: Value, Rest(mut all): Rest<Value>) -> Result<Value, Error> {
    all.insert(0, first);
    if all.iter().all(|value| value.kind() == ValueKind::Map) {
        let mut pairs = Vec::new();
        for map in &all {
            for name in items(map)? {
                pairs.push((name.clone(), map.get_item(&name)?));
            }
        }
        return Ok(Value::from_pairs(pairs));
    }
    let mut chained = Vec::new();
    for value in &all {
        chained.extend(items(value)?);
    }
    Ok(Value::from(chained))
}
