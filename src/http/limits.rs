//! What a request may take: how long, in what form, and from whose pages.

use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower::{Layer, ServiceExt};
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

/// Ends a call that takes too long, and one whose body stands still.
pub(super) async fn in_time(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let settings = &service.settings;
    let request = request.map(|body| Body::new(TimeoutBody::new(span(settings.body_seconds), body)));
    let route = request.extensions().get::<MatchedPath>();
    if route.is_some_and(|route| STREAMS.contains(&route.as_str())) {
        return next.run(request).await;
    }
    let answered = tokio::time::timeout(span(settings.request_seconds), next.run(request)).await;
    answered.unwrap_or_else(|_| too_slow().into_response())
}

fn too_slow() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "the call took longer than a call may take")
        .with_help("ask again with the same ids: what was done already is not done twice")
        .retryable()
}

/// Refuses a body that has to be unpacked: nobody knows how large it is.
pub(super) async fn unpacked(request: Request, next: Next) -> Response {
    let encoding = request.headers().get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "the body is packed");
        return problem
            .with_help("send it without 'Content-Encoding'; a file of codes may be compressed with gzip itself")
            .into_response();
    }
    next.run(request).await
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

/// Applies [`cors`] to what is no layer.
pub(super) async fn pages(State(cors): State<CorsLayer>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with(LAYERS) {
        return next.run(request).await;
    }
    let answer: Result<Response, Infallible> = cors.layer(next).oneshot(request).await;
    answer.unwrap_or_else(|never| match never {})
}

/// The answer of a call that panicked. The log has its place.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::unforeseen()
        .with_help("ask again with the same ids; if it stays so, report it with the request's id")
        .into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_without_what_it_says() {
        let router = Router::new().route("/", get(|| async { assert_eq!("SECRET", "other") }));
        let router = router.layer(CatchPanicLayer::custom(panicked));
        let answer = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&problem["code"], problem.to_string().contains("SECRET")), (&"unexpected".into(), false));
    }
}
