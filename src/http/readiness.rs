//! Whether the service can do its work: its store is reached, and is safe.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Service;
use super::problem::Problem;
use crate::voucher::Finding;

/// How old an answer may be: however often somebody asks, the store is asked seldom.
const FRESH: Duration = Duration::from_secs(3);
/// How long the store has to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The check that fails where the store does not answer.
const STORE: &str = "store";

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(readyz))
}

/// That the service can do its work.
#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    /// Always `ready`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// The check that failed last, if one did, and when that was seen.
#[derive(Debug, Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, Option<String>)>>);

/// Says whether the store is reached and is safe. It answers within seconds, whatever the store does.
#[utoipa::path(get, path = "/readyz", tag = "operation", security(()), responses(
    (status = OK, body = Ready),
    (status = SERVICE_UNAVAILABLE, description = "A check failed.", body = Problem, content_type = "application/problem+json"),
))]
async fn readyz(State(service): State<Arc<Service>>) -> Result<Json<Ready>, Problem> {
    let failed = timeout(PATIENCE, service.failed_check()).await.unwrap_or_else(|_| Some(STORE.to_owned()));
    match failed {
        None => Ok(Json(Ready { status: "ready" })),
        Some(check) => {
            let detail = format!("the check '{check}' of the store fails");
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail);
            Err(problem.with_help("'tearoff doctor' says what is wrong and what to do").retryable())
        }
    }
}

impl Service {
    /// The check that the store fails. Of those who ask at once, one asks the store.
    async fn failed_check(&self) -> Option<String> {
        let mut known = self.readiness.0.lock().await;
        if let Some((seen, failed)) = &*known
            && seen.elapsed() < FRESH
        {
            return failed.clone();
        }
        let failed = self.ask_store().await;
        *known = Some((Instant::now(), failed.clone()));
        failed
    }

    async fn ask_store(&self) -> Option<String> {
        match self.store.readiness().await {
            Ok(findings) => {
                findings.into_iter().find(|finding| !finding.ok).map(|Finding { check, detail, .. }| {
                    tracing::warn!(check, "the store is not ready: {detail}");
                    check
                })
            }
            Err(error) => {
                self.metrics.store_failed(&error);
                tracing::warn!(kind = error.kind().code(), "the store is not ready: {error}");
                Some(STORE.to_owned())
            }
        }
    }
}
