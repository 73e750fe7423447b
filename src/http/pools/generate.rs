//! Random codes into a pool.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Named;
use crate::error::{Error, ErrorKind, Result};
use crate::http::Service;
use crate::http::access::{Allowed, PoolsWrite};
use crate::http::audit::audit;
use crate::http::body::Body;
use crate::http::problem::Problem;
use crate::http::refusals::Sent;
use crate::http::schema;
use crate::intake::{self, Generation};
use crate::voucher::{Charset, Pattern};

/// How many codes one call may ask for, so that it ends while somebody waits for it.
const MOST: u64 = 100_000;

pub(in crate::http) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(generate))
}

/// Which codes are wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GenerationRequest {
    /// How many codes to add.
    #[schema(minimum = 1, maximum = 100_000, example = 5000)]
    count: u64,
    /// What a code looks like, with a `#` for each random character; as the pool's pattern says where nothing is said, or else 13
    /// random characters.
    #[schema(example = "SUM-####-####")]
    pattern: Option<String>,
    /// The characters to draw from: `unambiguous` (where nothing is said), `alphanumeric`, `letters`, `digits`, `hexadecimal`, or
    /// the characters themselves.
    charset: Option<String>,
}

/// Adds random codes to a pool, which is made if it does not exist.
///
/// Every call adds so many more: a call whose answer was lost is not to be repeated without a look at the pool.
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/generate",
    operation_id = "generate_codes",
    tag = "pools",
    security(("key" = ["pools:write"])),
    params(("pool" = String, Path, description = "The pool's name", example = "spring")),
    request_body(content = GenerationRequest, example = json!({"count": 5000, "pattern": "SUM-####-####"})),
    responses(
        (status = OK, body = schema::GenerationReport, description = "The codes are in the pool"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "Somebody deleted the pool meanwhile"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "Most codes of the pattern are taken"),
        Sent
    )
)]
async fn generate(
    caller: Allowed<PoolsWrite>,
    State(service): State<Arc<Service>>,
    Named(pool): Named,
    Body(asked): Body<GenerationRequest>,
) -> Result<Response, Problem> {
    let store = Arc::clone(&service.store);
    let own = store.pool(&pool).await?.and_then(|pool| pool.settings.pattern);
    let wanted = asked.generation(own)?;
    // Once begun, it is ended, whether anybody waits for the answer or not.
    let generating = {
        let pool = pool.clone();
        tokio::spawn(async move { intake::generate(&*store, &pool, &wanted, &mut |_, _| Ok(())).await })
    };
    let report = generating.await.map_err(|_| Problem::unforeseen())??;
    audit(&caller.0, "pool.generate", Some(&pool));
    Ok(Json(report).into_response())
}

impl GenerationRequest {
    fn generation(self, own: Option<Pattern>) -> Result<Generation> {
        if !(1..=MOST).contains(&self.count) {
            let error = Error::new(ErrorKind::InvalidInput, format!("'count' takes a whole number from 1 to {MOST}"));
            return Err(error.with_help("call again for more"));
        }
        let charset: Option<Charset> = self.charset.as_deref().map(str::parse).transpose()?;
        let given: Option<Pattern> = self.pattern.as_deref().map(str::parse).transpose()?;
        let pattern = match charset {
            Some(charset) => given.unwrap_or_default().with_charset(charset),
            None => given.or(own).unwrap_or_default(),
        };
        Ok(Generation { count: self.count, pattern, expires_at: None })
    }
}
