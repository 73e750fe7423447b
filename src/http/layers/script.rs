//! `GET /layer.js`: what shows a layer in a page.

use std::sync::{Arc, LazyLock};

use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Service;

const SCRIPT: &str = include_str!("layer.js");

/// It changes with the script.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let hash = Sha256::digest(SCRIPT);
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
});

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(script))
}

/// The script that shows a layer: one tag on the page.
#[utoipa::path(
    get, path = "/layer.js", tag = "layers", security(()),
    responses(
        (status = OK, body = String, content_type = "text/javascript", description = "The script"),
        (status = NOT_MODIFIED, description = "The browser has it"),
    )
)]
async fn script(headers: HeaderMap) -> Response {
    let common = [
        (ETAG, TAG.as_str()),
        (CACHE_CONTROL, "public, max-age=3600"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    let known = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    if known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == TAG.as_str()) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}
