//! `bench`: how fast it is here, everything side by side in one run.
//!
//! What runs is what users run: the stores, the renderer and the campaigns of the library. `docs/PERFORMANCE.md` says what
//! each number means.

mod campaigns;
mod chart;
mod claims;
mod display;
mod figures;
mod import;
mod mailing;
mod memory;
mod record;
mod report;
mod server;
mod stage;
mod workload;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use self::record::Record;
use self::report::Report;
use self::stage::Stage;
use super::output::Output;
use super::{Context, Exit, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::Channel;

const EXAMPLES: &str = "\
Examples:
  tearoff bench                                      everything, some minutes on a quiet machine
  tearoff bench --only claims,sms --runs 5           two parts, with more runs
  tearoff bench --recipients 5000 --codes 100000     a quick look
  tearoff bench --json > bench.json

It works in a temporary folder with a Redis server of its own, and looks at no store of yours.";

/// Measure how fast this machine renders, claims and imports, beside programs without Tearoff
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Bench {
    /// Recipients of each campaign, and claims [default: 50,000 e-mails, 100,000 text messages, 200,000 claims, 10,000 layers]
    #[arg(long, value_name = "N")]
    recipients: Option<NonZeroUsize>,
    /// Codes in a full store
    #[arg(long, value_name = "N", default_value = "4000000")]
    codes: NonZeroUsize,
    /// How often everything is measured; the median counts
    #[arg(long, value_name = "N", default_value = "3")]
    runs: NonZeroUsize,
    /// Only these parts
    #[arg(long, value_name = "PART", value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Draw the speeds as bars into an SVG file
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Email,
    Sms,
    Claims,
    Import,
    Memory,
    Display,
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    recipients: Option<usize>,
    codes: usize,
    runs: usize,
}

impl Extent {
    /// So many recipients, unless the caller said how many.
    fn recipients_or(&self, usual: usize) -> usize {
        self.recipients.unwrap_or(usual)
    }

    /// How many codes are imported at a time into a store that has many.
    fn portion(&self) -> usize {
        (self.codes / 4).max(1_000)
    }
}

impl Bench {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        if cfg!(debug_assertions) {
            context.output.warn("this is a build for debugging: its numbers say nothing");
        }
        let redis_version = server::version()?;
        if let Some(path) = &self.chart {
            chart::check(path)?;
        }
        let stage = Arc::new(Stage::new());
        let work = async {
            let work = measure(Arc::clone(&stage), self.parts(), self.extent(), context.output.clone());
            let record = tokio::spawn(work).await;
            record.map_err(|error| Error::new(ErrorKind::Io, "the measurement crashed").with_source(error))?
        };
        tokio::select! {
            // It has to listen before the first server starts.
            biased;
            () = asked_to_end() => {
                // The work may be in the middle of a long calculation.
                stage.clear();
                std::process::exit(Exit::Interrupted as i32);
            }
            record = work => self.tell(context, &Report::new(&record?, self.extent(), &redis_version)),
        }
    }

    fn parts(&self) -> Vec<Part> {
        if self.only.is_empty() { Part::value_variants().to_vec() } else { self.only.clone() }
    }

    fn extent(&self) -> Extent {
        let recipients = self.recipients.map(NonZeroUsize::get);
        Extent { recipients, codes: self.codes.get(), runs: self.runs.get() }
    }

    fn tell(&self, context: &Context, report: &Report) -> Result<Exit> {
        if self.format.json {
            context.output.json(&report.json())?;
        } else {
            report.show(&context.output)?;
        }
        if let Some(path) = &self.chart {
            chart::write(path, report)?;
        }
        Ok(Exit::Done)
    }
}

async fn measure(stage: Arc<Stage>, parts: Vec<Part>, extent: Extent, output: Output) -> Result<Record> {
    stage.set_up()?;
    let mut record = Record::default();
    for part in Part::value_variants().iter().filter(|part| parts.contains(part)) {
        match part {
            Part::Email => campaigns::measure(&stage, Channel::Email, extent, &output, &mut record).await?,
            Part::Sms => campaigns::measure(&stage, Channel::Sms, extent, &output, &mut record).await?,
            Part::Claims => claims::measure(&stage, extent, &output, &mut record).await?,
            Part::Import => import::measure(&stage, extent, &output, &mut record).await?,
            Part::Memory => memory::measure(&stage, extent, &output, &mut record).await?,
            Part::Display => display::measure(&stage, extent, &output, &mut record).await?,
        }
    }
    Ok(record)
}

/// Waits until somebody wants the program to end: its server has to end, too.
async fn asked_to_end() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => return,
            _ = tokio::signal::ctrl_c() => return,
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Says what is under way.
fn announce(output: &Output, part: &str, run: usize, extent: Extent) {
    output.remark(format!("{part}: run {} of {}", run + 1, extent.runs));
}
