//! What the program logs, on standard error.

use clap::ValueEnum;
use tracing::Metadata;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

use super::Globals;
use super::output::Output;

/// How log lines look; as JSON, an error is a log line, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// Tells a panic by its place alone: what it says may quote a customer's data.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "the program came upon something that nobody foresaw");
    }));
}

/// Whether a library may be heard. What these log may quote what servers say, or the request to a URL with its secrets, byte by
/// byte; we tell it ourselves, and they are silent whatever `RUST_LOG` asks for.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let library = metadata.target().split("::").next().unwrap_or_default();
    !["redis", "ureq", "ureq_proto"].contains(&library)
}

/// Starts logging: what `RUST_LOG` asks for, else what `-v` and `-q` do. A service tells more: each of its calls.
pub(super) fn start(globals: &Globals, output: &Output, is_service: bool) {
    let level = match (globals.quiet, globals.verbose.saturating_add(is_service.into())) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::registry().with(filter).with(filter_fn(is_discreet));
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    log_panics();
    // Somebody who runs the command line inside a program of their own may have set up logging already.
    let _ = match globals.log_format {
        LogFormat::Text => log.with(lines.with_ansi(output.colors_remarks())).try_init(),
        LogFormat::Json => log.with(lines.json()).try_init(),
    };
}
