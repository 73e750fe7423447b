//! What the program logs, on standard error.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

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

/// Starts logging: what `RUST_LOG` asks for, else what `-v` and `-q` do. A service tells more: each of its calls.
pub(super) fn start(globals: &Globals, output: &Output, is_service: bool) {
    let level = match (globals.quiet, globals.verbose.saturating_add(is_service.into())) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    // What these libraries log may quote what servers say, or a URL with a password, and we tell it ourselves.
    let quiet = "redis=off,ureq=off,ureq_proto=off";
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("{level},{quiet}")));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    log_panics();
    // Somebody who runs the command line inside a program of their own may have set up logging already.
    let _ = match globals.log_format {
        LogFormat::Text => builder.with_ansi(output.colors_remarks()).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
