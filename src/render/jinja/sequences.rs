//! Filters over lists.

use minijinja::value::{Rest, ValueOrKwargs};
use minijinja::{Error, State, Value, filters};

use super::args::{Args, Entry, checked, invalid, items, keywords};
use super::strings::letters;
use super::text::{Text, escapes};
use crate::render::allowance::{spend_on_comparing, spend_on_joining};

pub(super) const FILTERS: &[Entry] = &[
    ("batch", &["value", "linecount", "fill_with"], batch),
    ("slice", &["value", "slices", "fill_with"], slice),
    ("default", &["value", "default_value", "boolean"], default),
    ("d", &["value", "default_value", "boolean"], default),
    ("first", &["seq"], |_, args| Ok(items(args.value("seq"))?.into_iter().next().unwrap_or_default())),
    ("last", &["seq"], last),
    ("list", &["value"], |_, args| items(args.value("value")).map(Value::from)),
    ("length", &["value"], length),
    ("count", &["value"], length),
    ("items", &["value"], mapping_items),
    ("join", &["value", "d", "attribute"], join),
    ("sum", &["iterable", "attribute", "start"], sum),
    ("sort", &["value", "reverse", "case_sensitive", "attribute"], sort),
    ("dictsort", &["value", "case_sensitive", "by", "reverse"], dictsort),
    ("unique", &["value", "case_sensitive", "attribute"], unique),
    ("min", &["value", "case_sensitive", "attribute"], min),
    ("max", &["value", "case_sensitive", "attribute"], max),
];

fn batch(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let filler = args.given("fill_with").cloned();
    filters::batch(state, args.value("value").clone(), args.size("linecount", 0)?, filler)
}

fn slice(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let filler = args.given("fill_with").cloned();
    filters::slice(state, Value::from(items(args.value("value"))?), args.size("slices", 0)?, filler)
}

fn default(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let value = args.value("value");
    if value.is_undefined() || (args.flag("boolean", false) && !value.is_true()) {
        let default = args.value("default_value");
        return Ok(if default.is_undefined() { Value::from("") } else { default.clone() });
    }
    Ok(value.clone())
}

/// The last letter of a safe text is safe, the first is not: that is how Jinja2 has it.
fn last(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let value = args.value("seq");
    let items = if value.as_str().is_some() { letters(&Text::of(value)) } else { items(value)? };
    Ok(items.into_iter().next_back().unwrap_or_default())
}

fn length(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let value = args.value("value");
    if value.is_undefined() { Ok(Value::from(0)) } else { filters::length(value).map(Value::from) }
}

fn mapping_items(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let value = args.value("value");
    if value.is_undefined() { Ok(Value::from(Vec::<Value>::new())) } else { filters::items(value) }
}

/// The value at a path such as `address.city` or `0`; undefined where something on the way is missing.
pub(super) fn at_path(item: &Value, path: &Value) -> Value {
    Text::of(path).as_str().split('.').fold(item.clone(), |value, part| {
        let found = match part.parse::<usize>() {
            Ok(index) => value.get_item_by_index(index).or_else(|_| value.get_attr(part)),
            Err(_) => value.get_attr(part),
        };
        found.unwrap_or_default()
    })
}

fn join(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let mut parts = items(args.value("value"))?;
    if let Some(path) = args.given("attribute") {
        parts.iter_mut().for_each(|item| *item = at_path(item, path));
    }
    let (between, parts) = (args.text("d"), parts.iter().map(Text::of).collect::<Vec<_>>());
    spend_on_joining(parts.iter().map(Text::as_str), between.as_str())?;
    if !escapes(state) || !(between.is_safe() || parts.iter().any(Text::is_safe)) {
        return Ok(Value::from(parts.iter().map(Text::as_str).collect::<Vec<_>>().join(between.as_str())));
    }
    let between = between.escaped(state)?;
    let parts = parts.iter().map(|part| part.escaped(state)).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::from_safe_string(parts.join(&*between)))
}

fn sum(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let attribute = attribute(args);
    let options = keywords([("attribute", attribute), ("start", args.given("start").cloned())]);
    filters::sum(state, args.value("iterable").clone(), None, None, options)
}

/// The engine wants a path as text; Jinja2 also takes an index.
fn attribute(args: &Args) -> Option<Value> {
    args.given("attribute").map(|path| Value::from(Text::of(path).as_str()))
}

fn case_sensitive(args: &Args) -> Option<Value> {
    args.given("case_sensitive").map(|value| Value::from(value.is_true()))
}

fn reverse(args: &Args) -> Option<Value> {
    args.given("reverse").map(|value| Value::from(value.is_true()))
}

fn sort(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let options =
        [("attribute", attribute(args)), ("case_sensitive", case_sensitive(args)), ("reverse", reverse(args))];
    filters::sort(state, compared(args)?.clone(), keywords(options))
}

/// What is compared with each other, counted.
pub(super) fn compared(args: &Args) -> Result<&Value, Error> {
    let value = args.value("value");
    spend_on_comparing(value).map(|()| value)
}

fn dictsort(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let by = args.text_or("by", "key");
    if !["key", "value"].contains(&by.as_str()) {
        return Err(invalid("`by` must be `key` or `value`"));
    }
    let by = Some(Value::from(by.as_str()));
    let options = [("by", by), ("case_sensitive", case_sensitive(args)), ("reverse", reverse(args))];
    filters::dictsort(compared(args)?, keywords(options))
}

fn unique(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let options = [("attribute", attribute(args)), ("case_sensitive", case_sensitive(args))];
    filters::unique(state, compared(args)?.clone(), keywords(options))
}

fn min(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    foremost(state, args, false)
}

fn max(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    foremost(state, args, true)
}

/// The first of the smallest or largest items: sorting keeps the order of equals in both directions.
fn foremost(state: &mut State<'_, '_>, args: &Args, largest: bool) -> Result<Value, Error> {
    let reverse = Some(Value::from(largest));
    let options = [("attribute", attribute(args)), ("case_sensitive", case_sensitive(args)), ("reverse", reverse)];
    let sorted = filters::sort(state, compared(args)?.clone(), keywords(options))?;
    Ok(items(&sorted)?.into_iter().next().unwrap_or_default())
}

/// `map('filter', arguments…)` hands all its arguments on; `map(attribute=…, default=…)` picks values.
pub(super) fn map(state: &mut State<'_, '_>, value: Value, given: Rest<ValueOrKwargs>) -> Result<Vec<Value>, Error> {
    let given = given.into_values();
    let items = items(&checked(value)?)?;
    if let (Some(options), [_]) = (given.last().filter(|last| last.is_kwargs()), &given[..])
        && !options.get_attr("attribute")?.is_undefined()
    {
        let options = Args::bind(&["attribute", "default"], &given)?;
        let (path, default) = (options.value("attribute"), options.value("default"));
        let picked = items.iter().map(|item| at_path(item, path));
        return Ok(picked.map(|found| if found.is_undefined() { default.clone() } else { found }).collect());
    }
    let Some((Some(name), rest)) = given.split_first().map(|(name, rest)| (name.as_str(), rest)) else {
        return Err(invalid("map needs the name of a filter, or attribute='…'"));
    };
    let call = |item| [item].into_iter().chain(rest.iter().cloned()).collect::<Vec<_>>();
    items.into_iter().map(|item| state.apply_filter(name, &call(item))).collect()
}
