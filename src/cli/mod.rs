//! The command line, and the composition root: reads configuration, opens a store, calls the rest.
//!
//! One file for each command. Data goes to standard output, everything else to standard error.

mod argument;
mod assign;
mod audit;
mod bench;
mod campaign;
mod config;
mod customer;
mod delivery;
mod doctor;
mod environment;
mod events;
mod exit;
mod export;
mod import_due;
mod isolation;
mod key;
mod lint;
mod logging;
mod output;
mod pool;
mod progress;
mod rejects;
mod render;
mod report;
mod serve;
mod sheet;
mod store;
mod token;
mod voucher;
mod watch;
mod webhook;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{ArgAction, Args, ColorChoice, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

pub use exit::Exit;

use self::config::Config;
use self::logging::LogFormat;
use self::output::Output;
use self::store::{StoreOptions, StoreUrl, open_existing_store, open_store};
use self::watch::Watch;
use self::webhook::WebhookConfig;
use crate::delivery::DeliverySettings;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{HttpSettings, LayerSettings, VisitorSettings};
use crate::intake::ScheduledImport;
use crate::redemption::Mapping;
use crate::render::{Limits, Renderer};
use crate::store::RedisOptions;
use crate::voucher::{Stock, Store};

const DEFAULT_STORE: &str = "sqlite:tearoff.db";
const DEFAULT_PROJECT: &str = "default";

const MORE: &str = "\
Examples:
  tearoff pool create spring --limit-per-customer 1
  tearoff render welcome --channel email --customer @ada.json --mode preview
  tearoff customer show c42

Exit codes:
  0    done
  1    unexpected
  2    the arguments make no command
  3    messages could not be personalised, recipients are left, or a voucher cannot be used
  4    a pool is too small; nothing was rendered or claimed
  5    the store cannot be reached
  6    a template is wrong
  7    bad input or configuration
  130  interrupted";

/// Renders Jinja templates, and tears single-use voucher codes off shared pools exactly once
#[derive(Parser)]
#[command(name = "tearoff", version, max_term_width = 100, after_help = MORE)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
struct Globals {
    /// Where the pools are: sqlite:PATH, redis://…, rediss://…, redis+cluster://…, redis+sentinel://…
    /// or memory: [default: 'store' of ./tearoff.toml, else sqlite:tearoff.db]
    #[arg(long, global = true, value_name = "URL", env = "TEAROFF_STORE", hide_env_values = true)]
    store: Option<String>,
    /// The project whose pools are meant [default: 'project' of ./tearoff.toml, else default]
    #[arg(long, global = true, value_name = "NAME")]
    project: Option<String>,
    /// Run on a Redis server that is set up so that codes may be lost or given twice
    #[arg(long, global = true)]
    accept_loss: bool,
    /// How many Redis replicas must have what is assigned before it counts [default: 'replicas' of ./tearoff.toml, else 0]
    #[arg(long, global = true, value_name = "N")]
    replicas: Option<u32>,
    /// Certificates (PEM) to trust in place of the usual ones, for rediss: [default: 'ca_file' of ./tearoff.toml]
    #[arg(long, global = true, value_name = "PATH")]
    ca_file: Option<PathBuf>,
    /// Compile and render templates in child processes, for authors who are not trusted
    #[arg(long, global = true)]
    isolate: bool,
    /// Log more; twice for even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Say nothing but data and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// When to use colours; NO_COLOR turns them off, too
    #[arg(long, global = true, value_name = "WHEN", default_value_t, hide_default_value = true)]
    color: ColorChoice,
    /// How log lines look; as JSON, an error is a log line, too
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// How a command that reads prints what it found.
#[derive(Args, Clone, Copy)]
struct Format {
    /// Print JSON instead of text for people
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Make, change, show and delete pools
    #[command(subcommand)]
    Pool(Box<pool::Pool>),
    /// Render a template for an audience, from files to files
    #[command(subcommand)]
    Campaign(campaign::Campaign),
    /// Assign vouchers outside of messages: a step of a workflow
    Assign(assign::Assign),
    /// Hold the outcomes of a campaign against the store, and name every discrepancy
    Audit(audit::Audit),
    /// Tell what an author should know of a template before it is sent
    Lint(lint::Lint),
    /// Render one message, and print its outcome as JSON
    Render(render::Render),
    /// Look up a voucher, use it, end it, or take it back
    #[command(subcommand)]
    Voucher(voucher::Voucher),
    /// Look up a customer's vouchers, or forget who got them
    #[command(subcommand)]
    Customer(customer::Customer),
    /// Use the vouchers that tracked events tell of
    #[command(subcommand)]
    Events(events::Events),
    /// Print vouchers, who got them, or what happened, for other systems
    Export(export::Export),
    /// Run the imports of tearoff.toml that are due since they last ran
    ImportDue(import_due::ImportDue),
    /// Answer senders and browsers over HTTP
    Serve(serve::Serve),
    /// Make a token for a visitor of a web layer
    Token(token::Token),
    /// Make, list and end the keys of those who may call the HTTP service
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Look whether the store is as it should be
    Doctor(doctor::Doctor),
    /// Measure how fast this machine renders, claims and imports
    Bench(bench::Bench),
    /// Render what is asked over standard input, isolated; the program starts itself so
    #[command(name = isolation::COMMAND, hide = true)]
    Isolated,
    /// Print a script that completes commands in a shell
    #[command(after_help = "Example:\n  tearoff completions bash > ~/.local/share/bash-completion/completions/tearoff")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What a command works with.
struct Context {
    store: StoreUrl,
    opening: StoreOptions,
    project: String,
    limits: Limits,
    isolate: bool,
    http: HttpSettings,
    layers: BTreeMap<String, LayerSettings>,
    visitors: VisitorSettings,
    delivery: DeliverySettings,
    redemption: Mapping,
    imports: Vec<ScheduledImport>,
    low_stock: Option<WebhookConfig>,
    output: Output,
}

impl Context {
    fn new(globals: &Globals) -> Result<Context> {
        let mut config = Config::read()?;
        let journal_keep = config.journal_keep()?;
        let visitors = config.visitors()?;
        let redis = globals.redis(&mut config);
        let store = globals.store.clone().or(config.store).unwrap_or_else(|| DEFAULT_STORE.to_owned());
        let project = globals.project.clone().or(config.project).unwrap_or_else(|| DEFAULT_PROJECT.to_owned());
        Ok(Context {
            store: store.parse()?,
            opening: StoreOptions { redis, journal_keep },
            project,
            limits: config.limits,
            isolate: globals.isolate,
            http: config.http,
            layers: config.layers,
            visitors,
            delivery: config.delivery,
            redemption: config.redemption,
            imports: config.imports,
            low_stock: config.low_stock,
            output: globals.output(),
        })
    }

    /// A renderer over a folder of templates.
    fn renderer(&self, limits: Limits, templates: &Path) -> Result<Renderer> {
        let renderer = Renderer::new(limits).in_folder(templates);
        Ok(if self.isolate { renderer.isolated(isolation::children()?) } else { renderer })
    }

    /// The store, which must be there.
    async fn open(&self) -> Result<Arc<dyn Store>> {
        open_existing_store(&self.store, &self.opening, &self.project).await
    }

    /// A watch over the stock of a store.
    fn watch(&self, stock: Arc<dyn Stock>) -> Result<Watch> {
        Watch::start(stock, self.low_stock.as_ref(), &self.project)
    }

    /// The store, which must be there, however unsafe it is.
    async fn open_unchecked(&self) -> Result<Arc<dyn Store>> {
        let redis = self.opening.redis.clone().unchecked();
        open_existing_store(&self.store, &StoreOptions { redis, ..self.opening.clone() }, &self.project).await
    }

    /// The store, made if it is not there.
    async fn open_or_make(&self) -> Result<Arc<dyn Store>> {
        open_store(&self.store, &self.opening, &self.project).await
    }
}

impl Globals {
    fn output(&self) -> Output {
        Output::new(self.color, self.quiet)
    }

    fn redis(&self, config: &mut Config) -> RedisOptions {
        let options = RedisOptions::default()
            .accept_loss(self.accept_loss)
            .replicas(self.replicas.or(config.replicas).unwrap_or_default());
        match self.ca_file.clone().or(config.ca_file.take()) {
            Some(path) => options.ca_file(path),
            None => options,
        }
    }
}

impl Cli {
    /// Does what the command says.
    ///
    /// # Errors
    /// Whatever goes wrong; [`Cli::report`] tells it.
    pub fn run(&self) -> Result<Exit> {
        if let Command::Isolated = &self.command {
            return isolation::work().map(|()| Exit::Done);
        }
        logging::start(&self.globals, &self.globals.output(), matches!(self.command, Command::Serve(_)));
        if let Command::Completions { shell } = &self.command {
            return completions(*shell, &self.globals.output());
        }
        let context = Context::new(&self.globals)?;
        let no_runtime =
            |error| Error::new(ErrorKind::Io, "the program's threads cannot be started").with_source(error);
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        if matches!(self.command, Command::Serve(_)) {
            // Callers are answered on threads of their own; what is left goes to the store, and waits.
            threads.worker_threads(1);
        }
        let runtime = threads.enable_all().build().map_err(no_runtime)?;
        // The panic has been told by then; it is the one thing that nobody foresaw.
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.command.run(&context)))).unwrap_or(Ok(Exit::Unexpected))
    }

    /// Tells an error on standard error, and gives the exit code for it.
    pub fn report(&self, error: &Error) -> Exit {
        if report::is_broken_pipe(error) {
            return Exit::Done;
        }
        match self.globals.log_format {
            LogFormat::Text => report::report(error, &self.globals.output()),
            LogFormat::Json => report::log(error),
        }
        error.kind().into()
    }
}

impl Command {
    async fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            Command::Pool(pool) => interruptible(pool.run(context)).await,
            Command::Campaign(campaign) => campaign.run(context).await,
            Command::Assign(assign) => interruptible(assign.run(context)).await,
            Command::Audit(audit) => interruptible(audit.run(context)).await,
            Command::Lint(lint) => lint.run(context),
            Command::Render(render) => interruptible(render.run(context)).await,
            Command::Voucher(voucher) => interruptible(voucher.run(context)).await,
            Command::Customer(customer) => interruptible(customer.run(context)).await,
            Command::Events(events) => interruptible(events.run(context)).await,
            Command::Export(export) => interruptible(export.run(context)).await,
            Command::ImportDue(import_due) => interruptible(import_due.run(context)).await,
            Command::Serve(serve) => serve.run(context).await,
            Command::Token(token) => token.run(context),
            Command::Key(key) => interruptible(key.run(context)).await,
            Command::Doctor(doctor) => interruptible(doctor.run(context)).await,
            Command::Bench(bench) => bench.run(context).await,
            Command::Completions { shell } => completions(*shell, &context.output),
            Command::Isolated => Ok(Exit::Done),
        }
    }
}

/// Does the work; Ctrl-C ends the program at once, even while it waits for standard input. What was only reserved goes back.
async fn interruptible(work: impl Future<Output = Result<Exit>>) -> Result<Exit> {
    let watch = tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(Exit::Interrupted as i32);
        }
    });
    let result = work.await;
    watch.abort();
    result
}

fn completions(shell: Shell, output: &Output) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tearoff", &mut script);
    output.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Arguments may hold codes and customers' data.
impl fmt::Debug for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cli(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
