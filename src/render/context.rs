//! The variables of a template.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};

use super::jinja::SEED;
use super::session::{Reuse, Session, Stop};
use super::source::COUPON_FUNCTION;
use super::vouchers::{Vouchers, instant, record};
use crate::voucher::PoolName;

/// The root: `customer`, `campaign`, `vouchers`, the functions that belong to one message, and every key of its context.
#[derive(Debug)]
pub(super) struct Root(pub(super) Arc<Session>);

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let session = || Arc::clone(&self.0);
        let message = &self.0.message;
        match key {
            "customer" => Some(Value::from_object(Customer(session()))),
            "campaign" => Some(message.campaign.0.clone()),
            "vouchers" => Some(Value::from_object(Vouchers(session()))),
            "now" => Some(Value::from_object(Function { name: Name::Now, session: session() })),
            "abort" => Some(Value::from_object(Function { name: Name::Abort, session: session() })),
            COUPON_FUNCTION => Some(Value::from_object(Function { name: Name::Coupon, session: session() })),
            SEED => Some(Value::from(message.message_id.as_str())),
            _ => tracked(&self.0, "", &message.context.0, key),
        }
    }
}

/// `customer`: the attributes, and the customer's vouchers.
#[derive(Debug)]
struct Customer(Arc<Session>);

impl Object for Customer {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if key.as_str() == Some("vouchers") {
            return Some(match self.0.customer_vouchers() {
                Ok(vouchers) => vouchers.iter().map(record).collect(),
                Err(unavailable) => Value::from(Error::from(unavailable)),
            });
        }
        tracked(&self.0, "customer", &self.0.message.customer.0, key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.0.message.customer.0.as_object().map_or(Enumerator::Empty, DynObject::enumerate)
    }
}

/// An attribute below `path`; while missing ones are tracked, one that is not there is remembered under its path.
fn tracked(session: &Arc<Session>, path: &str, parent: &Value, key: &str) -> Option<Value> {
    let value = parent.get_attr(key).ok().filter(|value| !value.is_undefined());
    if !session.tracks_missing {
        return value;
    }
    let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Some(value) if value.kind() == ValueKind::Map => {
            Some(Value::from_object(Tracked { value, path, session: Arc::clone(session) }))
        }
        None => {
            session.note_missing(path);
            None
        }
        value => value,
    }
}

/// A map that remembers what was looked for in it and not found.
#[derive(Debug)]
struct Tracked {
    value: Value,
    path: String,
    session: Arc<Session>,
}

impl Object for Tracked {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        tracked(&self.session, &self.path, &self.value, key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.value.as_object().map_or(Enumerator::Empty, DynObject::enumerate)
    }
}

/// A function that belongs to one message.
struct Function {
    name: Name,
    session: Arc<Session>,
}

#[derive(Debug, Clone, Copy)]
enum Name {
    Now,
    Abort,
    Coupon,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)
    }
}

impl Object for Function {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        match self.name {
            Name::Now => {
                let () = from_args(args)?;
                Ok(instant(self.session.message.instant))
            }
            Name::Abort => {
                let (reason,): (Option<String>,) = from_args(args)?;
                Err(self.session.stop(Stop::Abort(reason)).into())
            }
            Name::Coupon => {
                let (pool, quoted): (&str, Option<bool>) = from_args(args)?;
                let pool = PoolName::new(pool).map_err(|_| Error::from(ErrorKind::InvalidOperation))?;
                let binding = self.session.claim(&pool, Reuse::Customer)?;
                let code = binding.voucher.code.as_str();
                Ok(if quoted.unwrap_or_default() { inside_json_string(code) } else { Value::from(code) })
            }
        }
    }
}

/// The code as it stands between the quotes of a JSON string.
fn inside_json_string(code: &str) -> Value {
    let quoted = serde_json::Value::from(code).to_string();
    Value::from_safe_string(quoted[1..quoted.len() - 1].to_owned())
}
