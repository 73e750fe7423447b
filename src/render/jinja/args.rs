//! Arguments bound to names as Python binds them: by position, by keyword, or left out.

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::text::Text;
use crate::render::allowance::{ITEM, spend, spend_on_reading};

/// Nothing that a template asks for may be wider, deeper or more than this: it would only fill memory.
pub(super) const LIMIT: usize = 100_000;

/// What a filter, test, function or method does with its bound arguments.
pub(super) type Body = fn(&mut State<'_, '_>, &Args) -> Result<Value, Error>;

/// A name, its parameters, and what it does. The first parameter of a filter or test is the value that it stands after.
pub(super) type Entry = (&'static str, &'static [&'static str], Body);

/// The arguments of one call.
#[derive(Debug)]
pub(super) struct Args {
    params: &'static [&'static str],
    values: Vec<Value>,
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// Fails if a value is an error that waits to be reported.
pub(super) fn checked(value: Value) -> Result<Value, Error> {
    if value.kind() != ValueKind::Invalid {
        return Ok(value);
    }
    // An iterator is the one public way to the error inside.
    items(&Value::from(vec![value])).map(Value::from)
}

/// The items of a list, of a text (its letters), or of a mapping (its keys); none where there is nothing.
pub(super) fn items(value: &Value) -> Result<Vec<Value>, Error> {
    let counted = |item: Result<Value, Error>| item.and_then(|item| spend(ITEM).map(|()| item));
    value.try_iter()?.checked().map(counted).collect()
}

impl Args {
    pub(super) fn bind(params: &'static [&'static str], given: &[Value]) -> Result<Args, Error> {
        let (positional, keywords): (&[Value], Kwargs) = from_args(given)?;
        if positional.len() > params.len() {
            return Err(Error::new(
                ErrorKind::TooManyArguments,
                format!("at most {} are known: {}", params.len(), params.join(", ")),
            ));
        }
        let mut values = Vec::with_capacity(params.len());
        for (index, name) in params.iter().enumerate() {
            let value = match positional.get(index) {
                Some(_) if keywords.has(name) => return Err(invalid(format!("argument `{name}` is given twice"))),
                Some(value) => value.clone(),
                None if keywords.has(name) => keywords.get(name)?,
                None => Value::UNDEFINED,
            };
            spend_on_reading(&value)?;
            values.push(checked(value)?);
        }
        keywords.assert_all_used()?;
        Ok(Args { params, values })
    }

    /// The argument of that name, undefined where it was left out.
    pub(super) fn value(&self, name: &str) -> &Value {
        let index = self.params.iter().position(|param| *param == name);
        index.and_then(|index| self.values.get(index)).unwrap_or(&Value::UNDEFINED)
    }

    /// The argument of that name, if it was given and is not none.
    pub(super) fn given(&self, name: &str) -> Option<&Value> {
        Some(self.value(name)).filter(|value| !value.is_undefined() && !value.is_none())
    }

    pub(super) fn text(&self, name: &str) -> Text<'_> {
        Text::of(self.value(name))
    }

    pub(super) fn text_or<'a>(&'a self, name: &str, default: &'a str) -> Text<'a> {
        self.given(name).map_or_else(|| Text::plain(default), Text::of)
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.given(name).map_or(default, Value::is_true)
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Error> {
        self.given(name)
            .map(|value| {
                i64::try_from(value.clone())
                    .map_err(|_| invalid(format!("`{name}` must be a whole number, not {}", value.kind())))
            })
            .transpose()
    }

    /// A width or a number of things: negative is none, and more than [`LIMIT`] is refused.
    pub(super) fn size(&self, name: &str, default: usize) -> Result<usize, Error> {
        let Some(size) = self.integer(name)? else {
            return Ok(default);
        };
        within_limit(name, usize::try_from(size).unwrap_or(0))
    }
}

/// Keyword arguments for a filter of the engine; those left out stay out.
pub(super) fn keywords<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Kwargs {
    pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

pub(super) fn within_limit(name: &str, size: usize) -> Result<usize, Error> {
    if size > LIMIT {
        // The size may be data, which no error tells.
        return Err(invalid(format!("`{name}` is more than the limit, {LIMIT}")));
    }
    Ok(size)
}

/// Calls it, and counts what it makes.
pub(super) fn called(
    body: Body,
    state: &mut State<'_, '_>,
    params: &'static [&'static str],
    given: &[Value],
) -> Result<Value, Error> {
    let made = body(state, &Args::bind(params, given)?)?;
    spend(made.as_str().map_or(1, str::len))?;
    Ok(made)
}

pub(super) fn add_filters(env: &mut Environment<'_>, entries: &[Entry]) {
    for &(name, params, body) in entries {
        env.add_filter(name, move |state: &mut State<'_, '_>, given: Rest<ValueOrKwargs>| {
            called(body, state, params, &given.into_values())
        });
    }
}

pub(super) fn add_tests(env: &mut Environment<'_>, entries: &[Entry]) {
    for &(name, params, body) in entries {
        env.add_test(name, move |state: &mut State<'_, '_>, given: Rest<ValueOrKwargs>| {
            called(body, state, params, &given.into_values())
        });
    }
}

pub(super) fn add_functions(env: &mut Environment<'_>, entries: &[Entry]) {
    for &(name, params, body) in entries {
        env.add_function(name, move |state: &mut State<'_, '_>, given: Rest<ValueOrKwargs>| {
            called(body, state, params, &given.into_values())
        });
    }
}
