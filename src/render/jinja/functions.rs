//! Functions: `dict`, `namespace`, `cycler`, `joiner`. `range` is the engine's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, Rest, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value, functions};

use super::args::{Args, checked, invalid, items};
use super::json::DEPTH;

pub(super) fn install(env: &mut Environment<'_>) {
    env.add_function("dict", |value: Option<Value>, more: Kwargs| dict(value, &more).map(Value::from_pairs));
    env.add_function("namespace", |value: Option<Value>, more: Kwargs| {
        let pairs = dict(value, &more)?;
        pairs.iter().try_for_each(|(_, value)| check_kept(value, DEPTH, &mut { MOST_KEPT }))?;
        functions::namespace(Some(Value::from_pairs(pairs).into()))
    });
    env.add_function("cycler", cycler);
    super::args::add_functions(env, &[("joiner", &["sep"], joiner)]);
}

/// The pairs of a mapping or of a list of pairs, and after them the keyword arguments.
fn dict(value: Option<Value>, more: &Kwargs) -> Result<Vec<(Value, Value)>, Error> {
    let value = checked(value.unwrap_or_default())?;
    let is_map = value.kind() == ValueKind::Map;
    let mut pairs = Vec::new();
    for item in items(&value)? {
        pairs.push(if is_map {
            (item.clone(), value.get_item(&item)?)
        } else if item.len() == Some(2) {
            (item.get_item_by_index(0)?, item.get_item_by_index(1)?)
        } else {
            return Err(invalid("dict needs pairs of a key and a value"));
        });
    }
    for name in more.args() {
        pairs.push((Value::from(name), more.peek(name)?));
    }
    Ok(pairs)
}

/// What is put into a namespace passes through here: a namespace that holds itself, or values that it nests ever deeper, would
/// exhaust the stack of whoever prints it.
pub(crate) fn kept(value: Value) -> Result<Value, Error> {
    check_kept(&value, DEPTH, &mut { MOST_KEPT }).map(|()| value)
}

/// How many values one that is put into a namespace may hold, at every depth together.
const MOST_KEPT: usize = 10_000;

fn check_kept(value: &Value, depth: usize, left: &mut usize) -> Result<(), Error> {
    let too_many = || invalid(format!("what is put into a namespace holds more than {MOST_KEPT} values"));
    *left = left.checked_sub(1).ok_or_else(too_many)?;
    let Some(object) = value.as_object() else { return Ok(()) };
    if object.type_name().ends_with("::Namespace") {
        return Err(invalid("a namespace cannot be put into a namespace"));
    }
    let Some(depth) = depth.checked_sub(1) else {
        return Err(invalid(format!("what is put into a namespace is nested deeper than {DEPTH}")));
    };
    let is_map = value.kind() == ValueKind::Map;
    for item in value.try_iter().into_iter().flatten() {
        check_kept(&item, depth, left)?;
        if is_map {
            check_kept(&value.get_item(&item).unwrap_or_default(), depth, left)?;
        }
    }
    let cycled = value.downcast_object_ref::<Cycler>().map(|cycler| cycler.items.as_slice());
    cycled.unwrap_or_default().iter().try_for_each(|item| check_kept(item, depth, left))
}

#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    position: AtomicUsize,
}

fn cycler(items: Rest<Value>) -> Result<Value, Error> {
    if items.is_empty() {
        return Err(invalid("cycler needs at least one value"));
    }
    Ok(Value::from_object(Cycler { items: items.0, position: AtomicUsize::new(0) }))
}

impl Cycler {
    fn at(&self, position: usize) -> Value {
        self.items[position % self.items.len()].clone()
    }
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str()? == "current").then(|| self.at(self.position.load(Ordering::Relaxed)))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        let () = from_args(args)?;
        match name {
            "next" => Ok(self.at(self.position.fetch_add(1, Ordering::Relaxed))),
            "reset" => {
                self.position.store(0, Ordering::Relaxed);
                Ok(Value::from(()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

/// Prints nothing the first time, then the separator.
#[derive(Debug)]
struct Joiner {
    separator: Value,
    used: AtomicBool,
}

fn joiner(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let separator = args.given("sep").cloned().unwrap_or_else(|| Value::from(", "));
    Ok(Value::from_object(Joiner { separator, used: AtomicBool::new(false) }))
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let () = from_args(args)?;
        Ok(if self.used.swap(true, Ordering::Relaxed) { self.separator.clone() } else { Value::from("") })
    }
}
