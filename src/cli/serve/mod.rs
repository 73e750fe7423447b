//! `serve`: the HTTP service.

mod imports;
mod signals;
mod start;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use self::imports::Imports;
use self::signals::Signals;
use super::{Context, Exit, isolation};
use crate::campaign::StockWatch;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{self, HttpSettings, KeyFile, KeyRing, Layers, Metrics, Service, Templates};
use crate::voucher::{Stock, Store};

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff serve --dev
  tearoff key create --scope render --name shop && tearoff serve --listen 0.0.0.0:8080

docs/SERVE.md describes the settings: the section [http] of tearoff.toml, or TEAROFF_HTTP__KEY in the environment.
Ctrl-C and SIGTERM end what is under way first; once more, and it ends at once.")]
pub(super) struct Serve {
    /// The address and port to listen on; port 0 takes a free one [default: 'listen' of [http], else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The folder of the templates
    #[arg(long, value_name = "DIR", default_value = "templates")]
    templates: PathBuf,
    /// Let everybody do everything without a key, on this machine alone
    #[arg(long)]
    dev: bool,
}

impl Serve {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let mut settings = context.http.clone();
        settings.listen = self.listen.unwrap_or(settings.listen);
        let keys = self.keys(&settings)?;
        let store = context.open().await?;
        let watch = context.watch(Arc::clone(&store) as Arc<dyn Stock>)?;
        let imports = Imports::start(Arc::clone(&store), &context.imports)?;
        let signals = Signals::new()?;
        let listener = listen(settings.listen).await?;
        start::tell(context, &settings, keys.as_ref(), &self.templates, &imports);
        let address = listener.local_addr().unwrap_or(settings.listen);
        let service = self.service(context, store, settings, keys, watch.stock.clone()).await?;
        context.output.remark(format!("listening on http://{address}"));
        serve(service, listener, signals).await?;
        drop(imports);
        watch.end().await;
        context.output.remark("stopped");
        Ok(Exit::Done)
    }

    async fn service(
        &self,
        context: &Context,
        store: Arc<dyn Store>,
        settings: HttpSettings,
        keys: Option<KeyRing>,
        watch: StockWatch,
    ) -> Result<Arc<Service>> {
        let (renderer, metrics) = (context.renderer(context.limits, &self.templates)?, Metrics::new());
        let claims = metrics.measured(Arc::clone(&store) as _);
        let templates = Templates::new(&self.templates, renderer, claims, Arc::clone(&store) as _, Some(watch))?;
        let templates = templates.isolating(isolation::children()?);
        let layers = Layers::new(&context.layers, &context.visitors)?;
        layers.check(&templates).await?;
        let service = Service::new(store, templates, settings, keys, metrics);
        Ok(Arc::new(service.mapping(context.redemption.clone()).with_layers(layers)))
    }

    /// The keys; none where everybody may do everything.
    fn keys(&self, settings: &HttpSettings) -> Result<Option<KeyRing>> {
        if !self.dev {
            return KeyRing::open(KeyFile::at(&settings.keys)).map(Some);
        }
        if settings.listen.ip().is_loopback() {
            return Ok(None);
        }
        let error = Error::new(ErrorKind::InvalidInput, "--dev needs no keys, so it listens on this machine only");
        Err(error.with_help("leave out --dev, or listen on 127.0.0.1"))
    }
}

/// Serves on threads of its own: what goes to the store and comes from it never queues behind the callers.
async fn serve(service: Arc<Service>, listener: TcpListener, signals: Signals) -> Result<()> {
    let no_threads = |error| Error::new(ErrorKind::Io, "the service's threads cannot be started").with_source(error);
    let runtime = Builder::new_multi_thread().thread_name("http").enable_all().build().map_err(no_threads)?;
    let listener = listener.into_std().map_err(no_threads)?;
    let served = runtime.spawn(async move {
        http::serve(&service, TcpListener::from_std(listener)?, signals.first()).await;
        Ok(())
    });
    let served = served.await;
    runtime.shutdown_background();
    served.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())).map_err(no_threads)
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Error::new(ErrorKind::Io, format!("cannot listen on {address}: {error}"))
            .with_help("choose another address or port with --listen")
            .with_source(error)
    })
}
