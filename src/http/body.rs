//! Bodies of requests, read strictly: what could be meant in two ways is refused.

use std::collections::HashSet;
use std::error::Error;
use std::fmt;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use tower_http::timeout::TimeoutError;

use super::problem::Problem;

/// A JSON body. Another content type, text that is not JSON, and a name that stands twice in an object are refused.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        must_be(request.headers(), "application/json")?;
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        read(&bytes).map(Body)
    }
}

/// Reads a JSON body of at most so many bytes, for a call that takes more, or less, than others.
pub(super) async fn read_up_to<T: DeserializeOwned>(limit: usize, request: Request) -> Result<T, Problem> {
    must_be(request.headers(), "application/json")?;
    match Limited::new(request.into_body(), limit).collect().await {
        Ok(body) => read(&body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(broken_off(&*error)),
    }
}

/// Reads a value from JSON.
pub(super) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Problem> {
    let place = |error: &serde_json::Error| format!("line {}, column {}", error.line(), error.column());
    parse(json).map_err(|error| malformed("the body", &place(&error), &error))
}

/// Reads a value from one line of a body.
pub(super) fn read_line<T: DeserializeOwned>(json: &[u8]) -> Result<T, Problem> {
    parse(json).map_err(|error| malformed("the line", &format!("column {}", error.column()), &error))
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice::<Unique>(json)?;
    serde_json::from_slice(json)
}

/// Refuses a request that does not say that its body is of this type.
pub(super) fn must_be(headers: &HeaderMap, wanted: &str) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(unsupported(wanted)) }
}

/// A body of another type than the call takes.
pub(super) fn unsupported(wanted: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "the body is of another type")
        .with_help(format!("send it with 'Content-Type: {wanted}'"))
}

/// A body that could not be read to its end.
pub(super) fn unread(rejection: BytesRejection) -> Problem {
    let broken_off = broken_off(&rejection);
    let status = axum::response::IntoResponse::into_response(rejection).status();
    if status == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { broken_off }
}

/// A body with more bytes than the call takes.
pub(super) fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is larger than this call takes")
}

/// A body whose sender stopped, or was silent for too long.
pub(super) fn broken_off(error: &(dyn Error + 'static)) -> Problem {
    if is_late(error) {
        return Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body did not go on").retryable();
    }
    Problem::new(StatusCode::BAD_REQUEST, "malformed_body", "the body ended before its end")
}

/// Whether a body ended because its sender was silent for too long.
fn is_late(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<TimeoutError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What is wrong with a JSON text and where, without quoting it.
fn malformed(whole: &str, place: &str, error: &serde_json::Error) -> Problem {
    match error.classify() {
        serde_json::error::Category::Data => {
            let what = named_only(&error.to_string());
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", format!("{what} ({place})"))
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "malformed_json", format!("{whole} is not JSON at {place}")),
    }
}

/// What serde says, where it names fields and types only; it quotes values where it found another type.
fn named_only(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let found = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    match found.and_then(|found| found.rsplit_once(", expected ")) {
        Some((_, expected)) => format!("another kind of value is expected here: {expected}"),
        None => message.to_owned(),
    }
}

/// Any JSON value in which no object has a name twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unique, D::Error> {
        deserializer.deserialize_any(Unique)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
        while items.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Unique, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = entries.next_key::<String>()? {
            entries.next_value::<Unique>()?;
            if !names.insert(name) {
                return Err(A::Error::custom("a name stands twice in one object"));
            }
        }
        Ok(Unique)
    }
}
