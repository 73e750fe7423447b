//! The HTTP service: a door to the same renderer for senders in any language, and for browsers.
//!
//! A thin translation: what a call means is decided in the rooms below. `docs/HTTP.md` describes every call for its users.

mod access;
mod address;
mod body;
mod document;
mod health;
mod layers;
mod origins;
mod problem;
mod serve;
mod service;
mod settings;
mod templates;

pub use access::{Key, Keys, Scope};
pub use address::Network;
pub use layers::{Labels, LayerSettings, Layers, Reuse, Reveal, Visit, VisitorKey, VisitorKeys, VisitorSettings};
pub use origins::Origins;
pub use serve::serve;
pub use service::Service;
pub use settings::HttpSettings;
pub use templates::Templates;

use std::sync::Arc;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

/// Every call, with the document that describes them.
fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(document::base()).merge(health::routes()).merge(layers::routes())
}

/// The service as a router, for whoever wants to put it into a server of their own.
pub fn router(service: &Arc<Service>) -> Router {
    let (router, document) = routes().split_for_parts();
    router.merge(document::routes(&document)).fallback(problem::no_such_call).with_state(Arc::clone(service))
}
