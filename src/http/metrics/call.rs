//! `GET /metrics`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, FORWARDED};
use axum::http::request::Parts;
use axum::response::IntoResponse;
use tokio::sync::Mutex;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::Service;
use super::super::access::{Caller, Scope};
use super::super::problem::Problem;

/// How old the counts of the pools may be.
const FRESH: Duration = Duration::from_secs(5);
/// How long the store has for them. A scrape that takes longer is given up by who asks.
const PATIENCE: Duration = Duration::from_secs(3);

pub(in crate::http) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// When the counts of the pools were looked up last.
pub(in crate::http) type Looked = Mutex<Option<Instant>>;

/// The numbers of the service, for Prometheus: open to the machine it runs on, else to keys with `pools:read`.
#[utoipa::path(get, path = "/metrics", tag = "operation", security((), ("key" = ["pools:read"])), responses(
    (status = OK, description = "The numbers.", body = String, content_type = "text/plain"),
    (status = UNAUTHORIZED, description = "No key.", body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, description = "A key without the scope.", body = Problem, content_type = "application/problem+json"),
))]
async fn metrics(_: Scraper, State(service): State<Arc<Service>>) -> impl IntoResponse {
    let mut looked = service.pools_looked_up.lock().await;
    if looked.is_none_or(|at| at.elapsed() > FRESH) {
        look_up(&service).await;
        *looked = Some(Instant::now());
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], service.metrics.text())
}

/// Looks up what the pools have. Where the store cannot say, the numbers from before are better left out than told as new.
async fn look_up(service: &Service) {
    let pools = match timeout(PATIENCE, service.store.pools()).await {
        Ok(Ok(pools)) => pools,
        Ok(Err(error)) => {
            service.metrics.store_failed(&error);
            Vec::new()
        }
        Err(_) => Vec::new(),
    };
    service.metrics.stocked(&pools);
}

/// Somebody who may see the numbers.
struct Scraper;

impl FromRequestParts<Arc<Service>> for Scraper {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Scraper, Problem> {
        if !is_of_this_machine(parts) {
            Caller::from_request_parts(parts, service).await?.must_have(Scope::PoolsRead)?;
        }
        Ok(Scraper)
    }
}

/// Whether the call comes from this machine, and not through a proxy on it.
fn is_of_this_machine(parts: &Parts) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback()) && !is_forwarded(&parts.headers)
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    ["x-forwarded-for", "x-real-ip", "via", FORWARDED.as_str()].iter().any(|name| headers.contains_key(*name))
}
