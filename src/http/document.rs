//! The OpenAPI document: made from the code, so that it says what the code does.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use super::Service;

#[derive(OpenApi)]
#[openapi(info(
    title = "Tearoff",
    description = "Renders templates with single-use voucher codes, each exactly once. See docs/HTTP.md.",
    license(name = "MIT OR Apache-2.0")
))]
struct Base;

/// The document without its calls.
pub(super) fn base() -> Document {
    Base::openapi()
}

/// `GET /openapi.json`.
pub(super) fn routes(document: &Document) -> Router<Arc<Service>> {
    let json = document.to_pretty_json().unwrap_or_default();
    Router::new().route("/openapi.json", get(move || async { ([(CONTENT_TYPE, "application/json")], json) }))
}
