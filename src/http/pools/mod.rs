//! Pools: their settings, their counts and their stock.

mod generate;
mod import;
mod vouchers;

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::future::try_join_all;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Service;
use super::access::{Allowed, PoolsRead, PoolsWrite};
use super::audit::audit;
use super::body::Body;
use super::problem::Problem;
use super::refusals::{Asked, Sent};
use super::schema;
use crate::campaign::pool_settings;
use crate::error::{Error, ErrorKind, Result};
use crate::render::suggest::did_you_mean;
use crate::voucher::{PoolForm, PoolName, PoolStatus, Store};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, put))
        .merge(import::routes())
        .merge(generate::routes())
        .merge(vouchers::routes())
}

/// The pool that an address names. It need not exist.
#[derive(Debug)]
struct Named(PoolName);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named, Problem> {
        let unreadable = |_: PathRejection| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", "the name of the pool cannot be read")
        };
        let Path(name) = Path::<String>::from_request_parts(parts, state).await.map_err(unreadable)?;
        Ok(Named(PoolName::new(name)?))
    }
}

/// Lists all pools with their settings and counts, by name.
#[utoipa::path(
    get,
    path = "/v1/pools",
    operation_id = "list_pools",
    tag = "pools",
    security(("key" = ["pools:read"])),
    responses((status = OK, body = Vec<schema::Pool>, description = "All pools"), Asked)
)]
async fn list(_: Allowed<PoolsRead>, State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let pools = service.store.pools().await?;
    Ok(Json(try_join_all(pools.iter().map(|pool| PoolForm::of(&*service.store, pool))).await?).into_response())
}

/// Shows a pool's settings and counts, and how fast it is being given away.
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}",
    operation_id = "show_pool",
    tag = "pools",
    security(("key" = ["pools:read"])),
    params(("pool" = String, Path, description = "The pool's name", example = "spring")),
    responses(
        (status = OK, body = schema::Pool, description = "The pool"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "There is no such pool"),
        Asked
    )
)]
async fn show(
    _: Allowed<PoolsRead>,
    State(service): State<Arc<Service>>,
    Named(name): Named,
) -> Result<Response, Problem> {
    answer(&service, StatusCode::OK, &name).await
}

/// Makes a pool, or replaces its settings.
///
/// What the body leaves out is not set; only a pool that is paused stays so until the body says otherwise.
#[utoipa::path(
    put,
    path = "/v1/pools/{pool}",
    operation_id = "put_pool",
    tag = "pools",
    security(("key" = ["pools:write"])),
    params(("pool" = String, Path, description = "The pool's name", example = "spring")),
    request_body(content = schema::PoolSettings, example = json!({"valid_for": "30d", "limit_per_customer": 1})),
    responses(
        (status = OK, body = schema::Pool, description = "The pool has these settings now"),
        (status = CREATED, body = schema::Pool, description = "The pool was made"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "Somebody deleted the pool meanwhile"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "The pool's state does not allow it"),
        Sent
    )
)]
async fn put(
    caller: Allowed<PoolsWrite>,
    State(service): State<Arc<Service>>,
    Named(name): Named,
    Body(settings): Body<Map<String, Value>>,
) -> Result<Response, Problem> {
    let store = &*service.store;
    let present = store.pool(&name).await?;
    let settings = pool_settings(&settings, present.as_ref().map(|pool| &pool.settings))?;
    let status = match store.create_pool(&name, &settings).await {
        Ok(()) => StatusCode::CREATED,
        Err(error) if error.kind() == ErrorKind::Refused => {
            store.set_pool(&name, &settings).await?;
            StatusCode::OK
        }
        Err(error) => return Err(error.into()),
    };
    audit(&caller.0, "pool.put", Some(&name));
    answer(&service, status, &name).await
}

async fn answer(service: &Service, status: StatusCode, name: &PoolName) -> Result<Response, Problem> {
    let pool = find(&*service.store, name).await?;
    Ok((status, Json(PoolForm::of(&*service.store, &pool).await?)).into_response())
}

/// The pool of that name, or an error that says which one may have been meant.
async fn find(store: &dyn Store, name: &PoolName) -> Result<PoolStatus> {
    if let Some(pool) = store.pool(name).await? {
        return Ok(pool);
    }
    let known = store.pools().await?;
    let hint = did_you_mean(name.as_str(), known.iter().map(|pool| pool.name.as_str()));
    Err(Error::new(ErrorKind::NotFound, format!("there is no pool '{name}'{hint}"))
        .with_help("GET /v1/pools shows those that exist"))
}
