//! Listening: connections in, answers out, until it is told to stop.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::settings::span;
use super::{HttpSettings, Service};

/// How long to wait where the system has no connection to give, for want of file handles, say.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers calls on `listener` until `stop` is ready, and then ends what is under way, as long as the settings allow. What has not
/// ended by then is cut off.
pub async fn serve(service: &Arc<Service>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let (router, settings) = (super::router(service), &service.settings);
    let (protocol, open) = (protocol(settings), GracefulShutdown::new());
    let room = Arc::new(Semaphore::new(settings.connections.get().min(Semaphore::MAX_PERMITS)));
    let mut stop = pin!(stop);
    loop {
        // Whoever finds no room stays in the system's line.
        let next = async { (Arc::clone(&room).acquire_owned().await, accept(&listener).await) };
        let (place, (stream, peer)) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let router = router.clone();
        let connection = protocol
            .serve_connection(TokioIo::new(stream), service_fn(move |request| answer(router.clone(), peer, request)));
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // A connection that ends badly is its client's affair.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    end(open, Duration::from_secs(settings.grace_seconds.into())).await;
}

/// The limits of a connection.
fn protocol(settings: &HttpSettings) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(span(settings.header_seconds))
        .max_header_size(settings.header_bytes.get());
    protocol
}

/// The next connection. Failing ones are passed over: the service goes on.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are whole when they are written; waiting for more would only delay them.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "the system gives no connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether only the connection failed that was to be accepted.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn answer(router: Router, peer: SocketAddr, request: Request<Incoming>) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}

/// Waits until every connection has ended its call.
async fn end(open: GracefulShutdown, grace: Duration) {
    let connections = open.count();
    if tokio::time::timeout(grace, open.shutdown()).await.is_err() {
        tracing::warn!(connections, ?grace, "calls that did not end in time are cut off");
    }
}
