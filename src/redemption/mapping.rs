//! Which tracked events use a voucher.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Purchase, Wish};
use crate::error::Error;
use crate::render::Attributes;
use crate::voucher::{Code, CustomerId, EventId};

/// The largest number that is taken for seconds; beyond it stand milliseconds, which nobody should have to guess.
const SECONDS_LIMIT: f64 = 1e11;

/// Where a tracked event says which voucher it uses.
///
/// ```
/// use tearoff::redemption::Mapping;
///
/// let event = r#"{"type": "purchase", "customer_id": "c42", "properties": {"voucher_code": "SPR-7Q2K", "total": 80}}"#;
/// let wish = Mapping::default().read(event)?.expect("a purchase with a code is a wish");
/// assert_eq!(wish.code.as_str(), "SPR-7Q2K");
/// assert!(Mapping::default().read(r#"{"type": "page_visit", "properties": {}}"#)?.is_none());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mapping {
    /// The type of the events.
    pub event: String,
    /// The property that holds the code as text.
    pub attribute: String,
    /// The path of the event's own id, such as `properties.order_id`. An event without one is known by its hash.
    pub event_id: String,
}

impl Default for Mapping {
    /// `purchase`, `voucher_code`, `properties.event_id`.
    fn default() -> Mapping {
        Mapping {
            event: "purchase".to_owned(),
            attribute: "voucher_code".to_owned(),
            event_id: "properties.event_id".to_owned(),
        }
    }
}

impl Mapping {
    /// Reads an event from JSON. `None` is one that uses no voucher: of another type, or without a code.
    ///
    /// # Errors
    /// What is wrong with it, naming keys and no values.
    pub fn read(&self, text: &str) -> Result<Option<Wish>, String> {
        match serde_json::from_str(text) {
            Ok(Value::Object(event)) => self.wish(event),
            Ok(_) => Err("the event is not a JSON object".to_owned()),
            Err(error) => Err(format!("the event is not JSON (column {})", error.column())),
        }
    }

    /// Reads an event.
    ///
    /// # Errors
    /// As for [`Mapping::read`].
    pub fn wish(&self, event: Map<String, Value>) -> Result<Option<Wish>, String> {
        if text(event.get("type"), "type")?.ok_or("the key 'type' is missing")? != self.event {
            return Ok(None);
        }
        let properties = object(event.get("properties"), "properties")?;
        let Some(code) = self.code(properties)? else { return Ok(None) };
        let customer_id = identifier(event.get("customer_id"), "customer_id")?;
        let customer_id = customer_id.map(CustomerId::new).transpose().map_err(|error| told(&error))?;
        let at = event.get("timestamp").map(moment).transpose()?.flatten();
        let customer = object(properties.and_then(|properties| properties.get("customer")), "properties.customer")?;
        let purchase = Purchase { customer_id, customer: attributes(customer), order: attributes(properties) };
        Ok(Some(Wish { code, event_id: self.event_id(event)?, at, purchase }))
    }

    /// The code, where there is one. Empty text says that there is none.
    fn code(&self, properties: Option<&Map<String, Value>>) -> Result<Option<Code>, String> {
        let key = format!("properties.{}", self.attribute);
        let code = text(properties.and_then(|properties| properties.get(&self.attribute)), &key)?;
        code.filter(|code| !code.is_empty()).map(Code::new).transpose().map_err(|error| told(&error))
    }

    fn event_id(&self, event: Map<String, Value>) -> Result<EventId, String> {
        let mut keys = self.event_id.split('.');
        let first = keys.next().and_then(|key| event.get(key));
        let found = keys.fold(first, |value, key| value?.get(key));
        match identifier(found, &self.event_id)? {
            Some(id) => EventId::new(id).map_err(|error| told(&error)),
            None => EventId::new(hashed(event)).map_err(|error| told(&error)),
        }
    }
}

/// What stands for an event without an id: the same for the same event, however its keys are ordered.
fn hashed(event: Map<String, Value>) -> String {
    let mut event = Value::Object(event);
    event.sort_all_objects();
    Sha256::digest(event.to_string()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn text<'a>(value: Option<&'a Value>, key: &str) -> Result<Option<&'a str>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("'{key}' is {}, not text", kind(other))),
    }
}

/// An id, which many systems write as a number.
fn identifier(value: Option<&Value>, key: &str) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) if !number.is_f64() => Ok(Some(number.to_string())),
        Some(other) => Err(format!("'{key}' is {}, neither text nor an integer", kind(other))),
    }
}

fn object<'a>(value: Option<&'a Value>, key: &str) -> Result<Option<&'a Map<String, Value>>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => Err(format!("'{key}' is {}, not an object", kind(other))),
    }
}

/// A time with its offset, or seconds since 1970.
fn moment(value: &Value) -> Result<Option<Timestamp>, String> {
    let moment = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_f64().filter(|seconds| seconds.abs() < SECONDS_LIMIT).and_then(since_1970),
        _ => None,
    };
    let help = "write it such as 2027-06-30T18:00:00Z, or as seconds since 1970";
    moment.map(Some).ok_or_else(|| format!("'timestamp' is not a moment in time; {help}"))
}

fn since_1970(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_millisecond((seconds * 1_000.0).round() as i64).ok()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn attributes(object: Option<&Map<String, Value>>) -> Attributes {
    object.map(Attributes::from_map).unwrap_or_default()
}

fn told(error: &Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event: &str) -> Result<Option<Wish>, String> {
        Mapping::default().read(event)
    }

    fn wish(event: &str) -> Wish {
        read(event).unwrap().unwrap()
    }

    #[test]
    fn a_purchase_with_a_code_is_a_wish() {
        let wish = wish(
            r#"{"type": "purchase", "customer_id": 42, "timestamp": 1763629200.5, "further": 1, "properties":
                {"event_id": "o1", "voucher_code": "S1", "total": 80, "customer": {"segment": "vip"}}}"#,
        );
        assert_eq!((wish.code.as_str(), wish.event_id.as_str()), ("S1", "o1"));
        assert_eq!(wish.purchase.customer_id.unwrap().as_str(), "42");
        assert_eq!(wish.at.unwrap().to_string(), "2025-11-20T09:00:00.5Z");
        assert_eq!(wish.purchase.order.text("total").as_deref(), Some("80"));
        assert_eq!(wish.purchase.customer.text("segment").as_deref(), Some("vip"));
    }

    #[test]
    fn other_events_and_purchases_without_a_code_are_none() {
        for event in [
            r#"{"type": "page_visit", "properties": {"voucher_code": 7}}"#,
            r#"{"type": "purchase"}"#,
            r#"{"type": "purchase", "properties": null}"#,
            r#"{"type": "purchase", "properties": {"voucher_code": null}}"#,
            r#"{"type": "purchase", "properties": {"voucher_code": ""}}"#,
        ] {
            assert!(read(event).unwrap().is_none(), "{event}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_without_its_value() {
        let purchase = |rest: &str| format!(r#"{{"type": "purchase", {rest}}}"#);
        for (event, problem) in [
            ("SECRET".to_owned(), "the event is not JSON (column 1)"),
            ("[]".to_owned(), "the event is not a JSON object"),
            ("{}".to_owned(), "the key 'type' is missing"),
            (r#"{"type": 1}"#.to_owned(), "'type' is a number, not text"),
            (purchase(r#""properties": []"#), "'properties' is a list, not an object"),
            (purchase(r#""properties": {"voucher_code": 7}"#), "'properties.voucher_code' is a number, not text"),
            (purchase(r#""properties": {"voucher_code": ["S1"]}"#), "'properties.voucher_code' is a list, not text"),
            (purchase(r#""properties": {"voucher_code": " S1"}"#), "the code begins or ends with white space"),
            (
                purchase(r#""customer_id": true, "properties": {"voucher_code": "S1"}"#),
                "'customer_id' is a boolean, neither text nor an integer",
            ),
            (purchase(r#""customer_id": "", "properties": {"voucher_code": "S1"}"#), "customer id is empty"),
            (
                purchase(r#""timestamp": 1763629200000, "properties": {"voucher_code": "S1"}"#),
                "'timestamp' is not a moment in time; \
                 write it such as 2027-06-30T18:00:00Z, or as seconds since 1970",
            ),
            (
                purchase(r#""properties": {"voucher_code": "S1", "event_id": 1.5}"#),
                "'properties.event_id' is a number, neither text nor an integer",
            ),
        ] {
            assert_eq!(read(&event).unwrap_err(), problem, "{event}");
        }
    }

    #[test]
    fn an_event_without_an_id_is_known_by_all_of_it() {
        let id = |event: &str| wish(event).event_id.as_str().to_owned();
        let first = id(r#"{"type": "purchase", "properties": {"voucher_code": "S1", "total": 1}}"#);
        assert_eq!(first, id(r#"{"properties": {"total": 1,  "voucher_code": "S1"}, "type": "purchase"}"#));
        assert_ne!(first, id(r#"{"type": "purchase", "properties": {"voucher_code": "S1", "total": 2}}"#));
        assert_ne!(
            first,
            id(r#"{"type": "purchase", "customer_id": "c1", "properties": {"voucher_code": "S1", "total": 1}}"#)
        );
    }

    #[test]
    fn the_mapping_says_where_to_look() {
        let mapping = Mapping { event: "order".into(), attribute: "coupon".into(), event_id: "id".into() };
        let event = r#"{"type": "order", "id": 7, "properties": {"coupon": "S1", "event_id": "no"}}"#;
        let wish = mapping.read(event).unwrap().unwrap();
        assert_eq!((wish.code.as_str(), wish.event_id.as_str()), ("S1", "7"));
        assert!(mapping.read(r#"{"type": "purchase", "properties": {"coupon": "S1"}}"#).unwrap().is_none());
    }
}
