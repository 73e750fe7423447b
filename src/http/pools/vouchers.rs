//! The vouchers of a pool, page by page.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Named, find};
use crate::error::{Error, ErrorKind, Result};
use crate::http::Service;
use crate::http::access::{Allowed, CodesRead};
use crate::http::cursor;
use crate::http::parameters::Parameters;
use crate::http::problem::Problem;
use crate::http::refusals::Asked;
use crate::http::schema;
use crate::voucher::{Code, PoolName, State as VoucherState, Store, VoucherRecord};

/// How many vouchers a page has unless the caller says otherwise, and at most.
const PAGE: usize = 100;
const LARGEST: usize = 1_000;

/// How many vouchers are looked at for one page: a state that few are in would have one call read the whole pool.
const LOOKED_AT: usize = 10_000;

pub(in crate::http) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which vouchers, and where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Those in this state alone.
    #[param(value_type = Option<schema::VoucherState>)]
    state: Option<VoucherState>,
    /// The `cursor` of the page before.
    cursor: Option<String>,
    /// How many at most; 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// A page of vouchers.
#[derive(Debug, Serialize, ToSchema)]
struct VoucherPage {
    /// The vouchers, in a fixed order. There may be fewer than asked for, even none, where there are more pages.
    #[schema(value_type = Vec<schema::VoucherRecord>)]
    vouchers: Vec<VoucherRecord>,
    /// What gives the next page; `null` at the end.
    #[schema(required)]
    cursor: Option<String>,
}

/// Lists the vouchers of a pool, page by page.
///
/// The cursor is opaque, and good for this pool alone.
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/vouchers",
    operation_id = "list_vouchers",
    tag = "pools",
    security(("key" = ["codes:read"])),
    params(("pool" = String, Path, description = "The pool's name", example = "spring"), Wanted),
    responses(
        (status = OK, body = VoucherPage, description = "A page"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "There is no such pool"),
        Asked
    )
)]
async fn list(
    _: Allowed<CodesRead>,
    State(service): State<Arc<Service>>,
    Named(pool): Named,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<VoucherPage>, Problem> {
    let store = &*service.store;
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=LARGEST).contains(&limit) {
        let error = Error::new(ErrorKind::InvalidInput, format!("'limit' takes a whole number from 1 to {LARGEST}"));
        return Err(error.into());
    }
    let after = wanted.cursor.map(|cursor| service.cursors.open(&pool, &cursor)).transpose()?;
    find(store, &pool).await?;
    let Found { vouchers, place } = look(store, &pool, after, wanted.state, limit).await?;
    let cursor = match place {
        Some(place) if has_more(store, &pool, &place).await? => Some(service.cursors.seal(&pool, &place)?),
        _ => None,
    };
    Ok(Json(VoucherPage { vouchers, cursor }))
}

/// What was found, and the last voucher that was looked at; none where the pool was at its end.
struct Found {
    vouchers: Vec<VoucherRecord>,
    place: Option<Code>,
}

/// Looks for vouchers of a state behind a place, until there are enough, or enough were looked at.
async fn look(
    store: &dyn Store,
    pool: &PoolName,
    mut place: Option<Code>,
    state: Option<VoucherState>,
    limit: usize,
) -> Result<Found> {
    let (mut vouchers, mut looked_at) = (Vec::new(), 0);
    let portion = if state.is_some() { LARGEST } else { limit };
    while vouchers.len() < limit && looked_at < LOOKED_AT {
        let page = store.vouchers(pool, place.as_ref(), portion).await.map_err(at_no_place)?;
        if page.is_empty() {
            return Ok(Found { vouchers, place: None });
        }
        looked_at += page.len();
        for voucher in page {
            if vouchers.len() == limit {
                break;
            }
            place = Some(voucher.code.clone());
            if state.is_none_or(|state| voucher.state == state) {
                vouchers.push(voucher);
            }
        }
    }
    Ok(Found { vouchers, place })
}

async fn has_more(store: &dyn Store, pool: &PoolName, place: &Code) -> Result<bool> {
    Ok(!store.vouchers(pool, Some(place), 1).await.map_err(at_no_place)?.is_empty())
}

/// The pool was there, so what is not found is the place: the pool was made anew since.
fn at_no_place(error: Error) -> Error {
    if error.kind() == ErrorKind::NotFound { cursor::unknown() } else { error }
}
