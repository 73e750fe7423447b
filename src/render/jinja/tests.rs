//! Tests: what may stand after `is`.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value, tests};

use super::args::{Args, Entry, invalid};
use crate::render::allowance::spend_on_comparing;

pub(super) const TESTS: &[Entry] = &[
    ("callable", &["value"], callable),
    ("divisibleby", &["value", "num"], divisibleby),
    ("iterable", &["value"], |_, args| Ok(is_iterable(args.value("value")).into())),
    ("sameas", &["value", "other"], |_, args| Ok(tests::is_sameas(args.value("value"), args.value("other")).into())),
    ("sequence", &["value"], |_, args| Ok(is_sequence(args.value("value")).into())),
    ("eq", COMPARED, |_, args| compared(args, tests::is_eq)),
    ("equalto", COMPARED, |_, args| compared(args, tests::is_eq)),
    ("==", COMPARED, |_, args| compared(args, tests::is_eq)),
    ("ne", COMPARED, |_, args| compared(args, tests::is_ne)),
    ("!=", COMPARED, |_, args| compared(args, tests::is_ne)),
    ("lt", COMPARED, |_, args| compared(args, tests::is_lt)),
    ("lessthan", COMPARED, |_, args| compared(args, tests::is_lt)),
    ("<", COMPARED, |_, args| compared(args, tests::is_lt)),
    ("le", COMPARED, |_, args| compared(args, tests::is_le)),
    ("<=", COMPARED, |_, args| compared(args, tests::is_le)),
    ("gt", COMPARED, |_, args| compared(args, tests::is_gt)),
    ("greaterthan", COMPARED, |_, args| compared(args, tests::is_gt)),
    (">", COMPARED, |_, args| compared(args, tests::is_gt)),
    ("ge", COMPARED, |_, args| compared(args, tests::is_ge)),
    (">=", COMPARED, |_, args| compared(args, tests::is_ge)),
    ("in", COMPARED, is_in),
    ("lower", &["value"], |_, args| Ok(tests::is_lower(args.value("value")).into())),
    ("upper", &["value"], |_, args| Ok(tests::is_upper(args.value("value")).into())),
];

const COMPARED: &[&str] = &["value", "other"];

/// The engine's own comparison, after what it reads is counted.
fn compared(args: &Args, compare: fn(&Value, &Value) -> bool) -> Result<Value, Error> {
    COMPARED.iter().try_for_each(|side| spend_on_comparing(args.value(side)))?;
    Ok(compare(args.value("value"), args.value("other")).into())
}

fn is_in(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    COMPARED.iter().try_for_each(|side| spend_on_comparing(args.value(side)))?;
    tests::is_in(state, args.value("value"), args.value("other")).map(Value::from)
}

/// Functions and macros. The engine does not tell what can be called, but objects without items are functions,
/// and a macro prints itself as one.
fn callable(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let value = args.value("value");
    let is_macro = value.as_object().is_some() && value.to_string().starts_with("<macro ");
    let is_date = value.downcast_object_ref::<super::instant::Instant>().is_some();
    Ok(Value::from((value.kind() == ValueKind::Plain && !is_date) || is_macro))
}

fn divisibleby(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let divisor = args.value("num");
    if f64::try_from(divisor.clone()).is_ok_and(|number| number == 0.0) {
        return Err(invalid("cannot divide by 0"));
    }
    Ok(tests::is_divisibleby(args.value("value"), divisor).into())
}

fn is_iterable(value: &Value) -> bool {
    !value.is_none() && value.try_iter().is_ok()
}

/// What has a length and an order: lists, texts, mappings, ranges.
fn is_sequence(value: &Value) -> bool {
    value.is_undefined()
        || matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map)
        || (value.kind() == ValueKind::Iterable && value.len().is_some())
}
