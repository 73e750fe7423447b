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
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tower::ServiceBuilder;
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
    let router = router.method_not_allowed_fallback(problem::no_such_method);
    // One layer for all of it: each costs every call an allocation or three.
    let around = ServiceBuilder::new()
        .layer(from_fn_with_state(Arc::clone(service), around))
        .layer(DefaultBodyLimit::max(service.settings.body_bytes));
    router.layer(around).with_state(Arc::clone(service))
}

/// What every call goes through.
async fn around(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let within = Arc::clone(&service);
    observe::observe(service, request, |request| limits::between_pages(within, request, next)).await
}
