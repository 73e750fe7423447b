//! The `tearoff` program.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use tearoff::cli::Cli;

/// Messages are made by one thread and dropped by another, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.run().unwrap_or_else(|error| cli.report(&error)).into()
}
