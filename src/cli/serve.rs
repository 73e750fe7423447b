//! `serve`: the HTTP service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use super::{Context, Exit};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{self, Layers, Metrics, Service, Templates};
use crate::render::Renderer;

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff serve --dev
  tearoff serve --listen 0.0.0.0:8080")]
pub(super) struct Serve {
    /// The address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", env = "TEAROFF_LISTEN")]
    listen: SocketAddr,
    /// The folder of the templates
    #[arg(long, value_name = "DIR", default_value = "templates")]
    templates: PathBuf,
    /// Let everybody do everything without a key, on this machine alone
    #[arg(long)]
    dev: bool,
}

impl Serve {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        if self.dev && !self.listen.ip().is_loopback() {
            let error = Error::new(ErrorKind::InvalidInput, "--dev needs no keys, so it listens on this machine only");
            return Err(error.with_help("leave out --dev, or listen on 127.0.0.1"));
        }
        let store = context.open().await?;
        let keys = if self.dev { None } else { Some(http::Keys::default()) };
        let watch = context.watch(Arc::clone(&store) as _)?;
        let (renderer, metrics) = (Renderer::new(context.limits), Metrics::new());
        let claims = metrics.measured(Arc::clone(&store) as _);
        let templates =
            Templates::new(&self.templates, renderer, claims, Arc::clone(&store) as _, Some(watch.stock.clone()))?;
        let layers = Layers::new(&context.layers, &context.visitors)?;
        layers.check(&templates).await?;
        let service = Service::new(store, templates, context.http.clone(), keys, metrics);
        let service = Arc::new(service.mapping(context.redemption.clone()).with_layers(layers));
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            Error::new(ErrorKind::Io, format!("cannot listen on {}: {error}", self.listen)).with_source(error)
        })?;
        let address = listener.local_addr().unwrap_or(self.listen);
        context.output.remark(format!("listening on http://{address}"));
        http::serve(&service, listener, stop()).await?;
        watch.end().await;
        Ok(Exit::Done)
    }
}

/// Ready when somebody wants the program to end.
async fn stop() {
    let _ = tokio::signal::ctrl_c().await;
}
