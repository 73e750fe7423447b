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
mod layers;
mod messages;
mod metrics;
mod observe;
mod parameters;
mod pools;
mod problem;
mod refusals;
mod schema;
mod serve;
mod service;
mod settings;
mod templates;
mod vouchers;

pub use access::{Key, Keys, Scope};
pub use cursor::Secret;
pub use address::Network;
pub use layers::{
    Labels, LayerSettings, Layers, Origin, Reuse, Reveal, Visit, VisitorKey, VisitorKeys, VisitorSettings,
};
pub use metrics::Metrics;
pub use serve::serve;
pub use service::Service;
pub use settings::HttpSettings;
pub use templates::Templates;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;

/// Every call, with the document that describes them.
fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(document::base())
        .merge(health::routes())
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
    let router = router.merge(document::routes(&document)).fallback(problem::no_such_call);
    router.layer(from_fn_with_state(Arc::clone(service), observe::observe)).with_state(Arc::clone(service))
}
