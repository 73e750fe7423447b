//! What a request may take: how long, in what form, and from whose pages.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;
use tower_http::timeout::TimeoutBody;

use super::Service;
use super::observe::REQUEST_ID;
use super::origins::Origins;
use super::problem::Problem;
use super::settings::span;

/// The calls that go on as long as their callers want, and the one that must not be asked for again: it would make further codes.
const STREAMS: [&str; 3] = ["/v1/messages/batch", "/v1/pools/{pool}/import", "/v1/pools/{pool}/generate"];
/// What browsers call from pages of their own, each layer by rules of its own.
const LAYERS: &str = "/v1/layers/";
/// How long a browser need not ask again whether a page may call.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Answers a call within what it may take.
async fn held(service: &Service, request: Request, next: Next) -> Response {
    if is_packed(&request) {
        return packed().into_response();
    }
    let settings = &service.settings;
    let request = request.map(|body| Body::new(TimeoutBody::new(span(settings.body_seconds), body)));
    let is_stream = request.extensions().get::<MatchedPath>().is_some_and(|route| STREAMS.contains(&route.as_str()));
    let answer = unless_it_panics(next.run(request));
    if is_stream {
        return answer.await;
    }
    let answered = tokio::time::timeout(span(settings.request_seconds), answer).await;
    answered.unwrap_or_else(|_| too_slow().into_response())
}

/// The answer of a call. That of one that panics is a problem; the log has its place.
async fn unless_it_panics(answer: impl Future<Output = Response>) -> Response {
    let help = "ask again with the same ids; if it stays so, report it with the request's id";
    let answer = AssertUnwindSafe(answer).catch_unwind().await;
    answer.unwrap_or_else(|_| Problem::unforeseen().with_help(help).into_response())
}

fn too_slow() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "the call took longer than a call may take")
        .with_help("ask again with the same ids: what was done already is not done twice")
        .retryable()
}

/// Whether a body has to be unpacked: nobody knows how large it is.
fn is_packed(request: &Request) -> bool {
    let encoding = request.headers().get(CONTENT_ENCODING);
    encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn packed() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "the body is packed")
        .with_help("send it without 'Content-Encoding'; a file of codes may be compressed with gzip itself")
}

/// Tells browsers from which pages they may call.
pub(super) fn cors(origins: &Origins) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.headers().to_vec())
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, REQUEST_ID])
        .expose_headers([REQUEST_ID, RETRY_AFTER])
        .max_age(REMEMBERED)
}

/// Answers a call within its limits, and tells browsers about [`cors`] where it is no layer's.
pub(super) async fn between_pages(service: Arc<Service>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with(LAYERS) {
        return held(&service, request, next).await;
    }
    let cors = &service.cors;
    let answer = service_fn(|request| {
        let next = next.clone();
        async { Ok::<_, Infallible>(held(&service, request, next).await) }
    });
    cors.layer(answer).oneshot(request).await.unwrap_or_else(|never| match never {})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_without_what_it_says() {
        let answer = unless_it_panics(async { panic!("SECRET") }).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&problem["code"], problem.to_string().contains("SECRET")), (&"unexpected".into(), false));
    }
}
