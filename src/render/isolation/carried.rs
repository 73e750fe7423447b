//! A template's values as they go over the pipe.

use std::fmt;

use jiff::Timestamp;
use minijinja::value::{Value, ValueKind};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::render::vouchers::{instant, moment};

/// A value that arrives as what it was: moments do, too.
pub(super) struct Carried(pub(super) Value);

impl Serialize for Carried {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(moment) = moment(&self.0) {
            // Under no name, which no entry of anybody's data has.
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(&(), &moment)?;
            return map.end();
        }
        match (self.0.kind(), self.0.as_object()) {
            (ValueKind::Map, Some(object)) => {
                let mut map = serializer.serialize_map(object.enumerator_len())?;
                for (name, value) in object.try_iter_pairs().into_iter().flatten() {
                    match name.as_str() {
                        Some(name) => map.serialize_entry(name, &Carried(value))?,
                        None => map.serialize_entry(&name.to_string(), &Carried(value))?,
                    }
                }
                map.end()
            }
            (ValueKind::Seq | ValueKind::Iterable, Some(object)) => {
                let mut items = serializer.serialize_seq(object.enumerator_len())?;
                for item in object.try_iter().into_iter().flatten() {
                    items.serialize_element(&Carried(item))?;
                }
                items.end()
            }
            _ => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Carried {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Carried, D::Error> {
        deserializer.deserialize_any(Arriving).map(Carried)
    }
}

/// What attributes consist of: there is no other kind of value on the pipe.
struct Arriving;

impl<'de> Visitor<'de> for Arriving {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::from(()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Carried(item)) = items.next_element()? {
            values.push(item);
        }
        Ok(Value::from(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let first = map.next_entry::<Carried, Carried>()?;
        if let Some((Carried(name), Carried(moment))) = &first
            && name.is_none()
        {
            let moment = moment.as_str().and_then(|moment| moment.parse::<Timestamp>().ok());
            return moment.map(instant).ok_or_else(|| de::Error::custom("a moment that is none"));
        }
        let mut pairs = first.into_iter().map(Ok).chain(std::iter::from_fn(|| map.next_entry().transpose()));
        let mut broken = None;
        let pairs = std::iter::from_fn(|| match pairs.next()? {
            Ok((Carried(name), Carried(value))) => Some((name, value)),
            Err(error) => {
                broken = Some(error);
                None
            }
        });
        let value = Value::from_pairs(pairs);
        broken.map_or(Ok(value), Err)
    }
}
