//! Listening: connections in, answers out, until it is told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::Service;
use crate::error::{Error, ErrorKind, Result};

/// Answers calls on `listener` until `stop` is ready, and then ends what is under way.
///
/// # Errors
/// [`ErrorKind::Io`] where the system accepts no more connections.
pub async fn serve(
    service: &Arc<Service>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let router = super::router(service).into_make_service_with_connect_info::<SocketAddr>();
    let ended = axum::serve(listener, router).with_graceful_shutdown(stop).await;
    ended.map_err(|error| Error::new(ErrorKind::Io, "the service cannot listen any more").with_source(error))
}
