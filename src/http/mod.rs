//! The HTTP service: a door to the same renderer for senders in any language, and for browsers.
//!
//! A thin translation: what a call means is decided in the rooms below. `docs/HTTP.md` describes every call for its users.

mod access;
mod address;
mod audit;
mod body;
mod cursor;
mod customers;
mod document;
mod events;
mod health;
mod keys;
mod layers;
mod limits;
mod messages;
mod metrics;
mod observe;
mod origins;
mod parameters;
mod pools;
mod problem;
mod readiness;
mod refusals;
mod schema;
mod serve;
mod service;
mod settings;
mod templates;
mod vouchers;

pub use access::Scope;
pub use address::Network;
pub use cursor::Secret;
pub use keys::{Key, KeyFile, KeyRing};
pub use layers::{Labels, LayerSettings, Layers, Reuse, Reveal, Visit, VisitorKey, VisitorKeys, VisitorSettings};
pub use metrics::Metrics;
pub use origins::Origins;
pub use serve::serve;
pub use service::Service;
pub use settings::HttpSettings;
pub use templates::Templates;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;

/// Every call, with the document that describes them.
fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(document::base())
        .merge(health::routes())
        .merge(readiness::routes())
        .merge(metrics::routes())
        .merge(messages::routes())
        .merge(pools::routes())
        .merge(vouchers::routes())
        .merge(events::routes())
        .merge(customers::routes())
        .merge(layers::routes())
}

/// The service as a router, for whoever wants to put it into a server of their own.
pub fn router(service: &Arc<Service>) -> Router {
    let (router, document) = routes().split_for_parts();
    let router = router.merge(document::routes(document)).fallback(problem::no_such_call);
    around(router.method_not_allowed_fallback(problem::no_such_method), service).with_state(Arc::clone(service))
}

/// What every call goes through; the last of these comes first.
fn around(router: Router<Arc<Service>>, service: &Arc<Service>) -> Router<Arc<Service>> {
    let (settings, state) = (&service.settings, || Arc::clone(service));
    router
        .layer(DefaultBodyLimit::max(settings.body_bytes))
        .layer(CatchPanicLayer::custom(limits::panicked))
        .layer(from_fn_with_state(state(), limits::in_time))
        .layer(from_fn(limits::unpacked))
        .layer(unless_set(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(unless_set(CACHE_CONTROL, "no-store"))
        .layer(from_fn_with_state(limits::cors(&settings.cors_origins), limits::pages))
        .layer(from_fn_with_state(state(), observe::observe))
}

fn unless_set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
