//! Which pages may show a layer.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Layer;
use crate::http::Service;
use crate::http::problem::Problem;

/// How long a browser may remember that a page may ask, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// The page that asks for a layer. None where it is no page: browsers always say which it is.
#[derive(Debug, Clone)]
pub(super) struct Page(Option<HeaderValue>);

impl Page {
    /// The page, if it may show the layer.
    pub(super) fn of(headers: &HeaderMap, layer: &Layer) -> Result<Page, Problem> {
        let Some(origin) = headers.get(ORIGIN) else { return Ok(Page(None)) };
        if layer.settings.origins.headers().contains(origin) {
            return Ok(Page(Some(origin.clone())));
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "pages of this origin may not show the layer")
            .with_help("add the page's origin to 'origins' of the layer in tearoff.toml"))
    }

    /// Whether it came over https, and so must what it asks for.
    pub(super) fn is_https(&self) -> bool {
        self.0.as_ref().is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
    }

    /// Lets the page read an answer.
    pub(super) fn allow(self, mut answer: Response) -> Response {
        let headers = answer.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = self.0 {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        answer
    }
}

/// A layer, and the page that asks for it and may show it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) layer: Arc<Layer>,
    pub(super) page: Page,
}

impl FromRequestParts<Arc<Service>> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Asked, Problem> {
        let name = Path::<String>::from_request_parts(parts, service).await.map(|Path(name)| name);
        let layer = name.ok().and_then(|name| service.layers.layers.get(&name)).map(Arc::clone);
        let layer = layer.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such layer"))?;
        let page = Page::of(&parts.headers, &layer)?;
        Ok(Asked { layer, page })
    }
}

/// Says that a page may ask: browsers want to know before they post JSON.
pub(super) async fn preflight(asked: Asked) -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST")),
        (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type")),
        (ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    asked.page.allow((StatusCode::NO_CONTENT, headers).into_response())
}
