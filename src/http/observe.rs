//! What is told of every call: a line of the log, and numbers. Neither has anything of what the caller sent but its request id.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::Response;
use tracing::Instrument;

use super::Service;

/// The header in which a request has its id.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long an id may be that a caller brings along.
const LONGEST_ID: usize = 64;
/// What stands for the path of a call that is none.
const NO_ROUTE: &str = "none";

/// Gives a request its id and its answer the headers that all have, and tells what became of it.
pub(super) async fn observe<F: Future<Output = Response>>(
    service: Arc<Service>,
    mut request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let id = request.headers().get(REQUEST_ID).filter(|id| is_plain(id)).cloned().unwrap_or_else(new_id);
    let mut call = Call::begin(service, &request, id.clone());
    request.extensions_mut().insert(call.key.clone());
    let span = tracing::info_span!("call", request = call.id());
    let mut response = answer(request).instrument(span).await;
    call.status = response.status().as_u16();
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Where a call notes the id of the key that it came with, as soon as that is known.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyNote(Arc<OnceLock<String>>);

impl KeyNote {
    pub(super) fn write(&self, key: &str) {
        let _ = self.0.set(key.to_owned());
    }
}

/// A call that is under way. One that is dropped was given up by its caller.
struct Call {
    service: Arc<Service>,
    method: &'static str,
    route: Option<MatchedPath>,
    id: HeaderValue,
    began: Instant,
    status: u16,
    key: KeyNote,
}

/// The status of a call whose caller went away; no caller ever sees it.
const GIVEN_UP: u16 = 499;

impl Call {
    fn begin(service: Arc<Service>, request: &Request, id: HeaderValue) -> Call {
        service.metrics.request_began();
        let route = request.extensions().get::<MatchedPath>().cloned();
        let method = known(request.method());
        Call { service, method, route, id, began: Instant::now(), status: GIVEN_UP, key: KeyNote::default() }
    }

    fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let route = self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
        self.service.metrics.request_ended(self.method, route, self.status, took);
        let (request, key) = (self.id(), self.key.0.get());
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(method = self.method, route, status = self.status, milliseconds, request, key, "call");
    }
}

/// The methods that have a meaning here; anybody may invent others.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Whether an id can stand in a line of a log as it is.
fn is_plain(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !id.is_empty() && id.len() <= LONGEST_ID && id.iter().all(is_plain)
}

fn new_id() -> HeaderValue {
    let id = format!("{:032x}", rand::random::<u128>());
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
}
