//! The `tearoff` program.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use tearoff::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.run().unwrap_or_else(|error| cli.report(&error)).into()
}
