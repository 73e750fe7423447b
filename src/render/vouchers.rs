//! `vouchers` as a template sees it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::{Kwargs, Object, ObjectRepr, Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};

use super::jinja::Instant;
use super::session::{Reuse, Session, Unavailable};
use super::suggest::did_you_mean;
use crate::voucher::{Binding, CampaignId, PoolName, VoucherRecord};

/// What can be called on a pool.
pub(super) const METHODS: [&str; 4] = ["assign_available", "assign", "count_available", "count_total"];

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

impl From<Unavailable> for Error {
    fn from(unavailable: Unavailable) -> Error {
        wrong(match unavailable {
            Unavailable::Stopped => "the render goes on once the answer is there".into(),
            Unavailable::Wrong(reason) => reason,
        })
    }
}

/// `vouchers`: its attributes and items are pools.
#[derive(Debug)]
pub(super) struct Vouchers(pub(super) Arc<Session>);

impl Object for Vouchers {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let Some(name) = key.as_str() else {
            return Some(Value::from(wrong("vouchers[…] takes the name of a pool, as text")));
        };
        Some(match PoolName::new(name) {
            Ok(name) => Value::from_object(Pool { name, session: Arc::clone(&self.0) }),
            Err(_) => Value::from(wrong(format!(
                "the name of a pool is 1 to 64 letters, digits, dashes or underscores, not '{name}'"
            ))),
        })
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, _: &[Value]) -> Result<Value, Error> {
        Err(wrong(format!("vouchers has no method `{method}`; write vouchers[…] with the name of a pool")))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("vouchers")
    }
}

/// `vouchers['name']`.
pub(super) struct Pool {
    pub(super) name: PoolName,
    session: Arc<Session>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vouchers['{}']", self.name)
    }
}

impl Pool {
    fn unknown(&self, method: &str) -> Error {
        let all = METHODS.map(|name| format!("{name}()")).join(", ");
        wrong(format!("a pool has no '{method}'{}; it has {all}", did_you_mean(method, METHODS)))
    }
}

impl Object for Pool {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let method = key.as_str().unwrap_or_default();
        Some(Value::from(if METHODS.contains(&method) {
            let nothing = if method.starts_with("count") { "nothing is counted" } else { "no voucher is taken" };
            wrong(format!("write {method}() with parentheses: without them {nothing}"))
        } else {
            self.unknown(method)
        }))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match method {
            "assign_available" => {
                Ok(Value::from(self.session.claim(&self.name, reuse(args, Reuse::Message)?)?.voucher.code.as_str()))
            }
            "assign" => {
                let binding = self.session.claim(&self.name, reuse(args, Reuse::Message)?)?;
                Ok(Value::from_object(Voucher { binding, pool: self.name.clone() }))
            }
            "count_available" | "count_total" => {
                let () = from_args(args).map_err(|_| wrong(format!("{method}() takes no arguments")))?;
                let count = self.session.count(&self.name)?;
                Ok(Value::from(if method == "count_total" { count.total } else { count.available }))
            }
            _ => Err(self.unknown(method)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Reads `cached` (also as the only positional argument) and `per`.
fn reuse(args: &[Value], default: Reuse) -> Result<Reuse, Error> {
    if args.is_empty() {
        return Ok(default);
    }
    let (positional, keywords): (&[Value], Kwargs) = from_args(args)?;
    if positional.len() > 1 {
        return Err(wrong("there are too many arguments; use cached=true or false, or per='…'"));
    }
    let names: Vec<&str> = keywords.args().collect();
    if let Some(unknown) = names.iter().find(|name| !matches!(**name, "cached" | "per")) {
        return Err(wrong(format!(
            "unknown keyword argument '{unknown}'{}; use cached or per",
            did_you_mean(unknown, ["cached", "per"])
        )));
    }
    let keyword = |name: &str| keywords.has(name).then(|| keywords.get::<Value>(name)).transpose();
    match (positional.first(), keyword("cached")?, keyword("per")?) {
        (None, None, None) => Ok(default),
        (Some(_), Some(_), _) => Err(wrong("cached is given twice")),
        (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            Err(wrong("cached and per exclude each other: cached=false is per='occurrence'"))
        }
        (None, None, Some(per)) => width(per.as_str()),
        (Some(value), ..) => cached(value),
        (None, Some(value), None) => cached(&value),
    }
}

fn cached(value: &Value) -> Result<Reuse, Error> {
    match value.kind() {
        ValueKind::Bool if value.is_true() => Ok(Reuse::Message),
        ValueKind::Bool => Ok(Reuse::Occurrence),
        kind => Err(wrong(format!("cached takes true or false; this is of type {kind}"))),
    }
}

fn width(per: Option<&str>) -> Result<Reuse, Error> {
    let names = Reuse::ALL.map(|(name, _)| name);
    let found = per.and_then(|per| Reuse::ALL.into_iter().find(|(name, _)| *name == per));
    found.map(|(_, reuse)| reuse).ok_or_else(|| {
        let hint = per.map(|per| did_you_mean(per, names)).unwrap_or_default();
        wrong(format!("per takes 'message', 'campaign', 'customer' or 'occurrence'{hint}"))
    })
}

/// What `assign()` gives: printed, it is the code.
#[derive(Debug)]
struct Voucher {
    binding: Binding,
    pool: PoolName,
}

impl Voucher {
    fn code(&self) -> Value {
        Value::from(self.binding.voucher.code.as_str())
    }
}

impl Object for Voucher {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let Binding { voucher, assigned_at, .. } = &self.binding;
        Some(match key.as_str()? {
            "code" => self.code(),
            "pool" => Value::from(self.pool.as_str()),
            "assigned_at" => instant(*assigned_at),
            "expires_at" => voucher.expires_at.map_or(Value::from(()), instant),
            "metadata" => Value::from(minijinja::value::Serde(&*voucher.metadata)),
            _ => return None,
        })
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        self.code().call_method(state, method, args)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.binding.voucher.code.as_str())
    }
}

pub(super) fn instant(timestamp: Timestamp) -> Value {
    Value::from_object(Instant(timestamp.to_zoned(TimeZone::UTC)))
}

/// The moment that a value is, if it is one.
pub(super) fn moment(value: &Value) -> Option<Timestamp> {
    value.downcast_object_ref::<Instant>().map(|Instant(moment)| moment.timestamp())
}

/// One of `customer.vouchers`.
pub(super) fn record(record: &VoucherRecord) -> Value {
    let time = |timestamp: Option<Timestamp>| timestamp.map_or(Value::from(()), instant);
    Value::from_pairs([
        ("code", Value::from(record.code.as_str())),
        ("pool", Value::from(record.pool.as_str())),
        ("state", Value::from(record.state.as_str())),
        ("campaign_id", Value::from(record.campaign_id.as_ref().map(CampaignId::as_str))),
        ("assigned_at", time(record.assigned_at)),
        ("expires_at", time(record.expires_at)),
        ("redeemed_at", time(record.redeemed_at)),
        ("metadata", Value::from(minijinja::value::Serde(&record.metadata))),
    ])
}
