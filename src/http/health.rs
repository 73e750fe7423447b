//! Whether the service lives.

use std::sync::Arc;

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Service;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(healthz))
}

/// That the process lives.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Says that the process lives, and nothing about its store.
#[utoipa::path(get, path = "/healthz", tag = "operation", security(()),
    responses((status = OK, body = Health, description = "It lives")))]
async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}
