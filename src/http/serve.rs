//! Listening: connections in, answers out, until it is told to stop.

use std::future::Future;
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
    let ended = axum::serve(listener, super::router(service)).with_graceful_shutdown(stop).await;
    ended.map_err(|error| Error::new(ErrorKind::Io, "the service cannot listen any more").with_source(error))
}
