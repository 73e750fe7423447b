//! `events ingest`: tracked events that use vouchers.

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::{card, grouped};
use super::progress::Progress;
use super::rejects::Rejects;
use super::{Context, Exit, Format};
use crate::error::Result;
use crate::intake::{Input, Lines};
use crate::redemption::{Mapping, Redeemer, Tally, Wish};

/// How many events are judged and used by one call of the store.
const BATCH: usize = 1_000;

/// How many bytes of lines, roughly, the events of one call take at most.
const BATCH_BYTES: usize = 8 << 20;

/// How many lines without a voucher are read before progress is told.
const STRIDE: u64 = 100_000;

#[derive(Subcommand)]
pub(super) enum Events {
    /// Use the vouchers that tracked events tell of
    Ingest(Ingest),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff events ingest purchases.jsonl
  zcat events.jsonl.gz | tearoff events ingest - --json

A line is an event: {\"type\": \"purchase\", \"customer_id\": \"c42\", \"timestamp\": \"2026-11-20T09:00:00Z\",
\"properties\": {\"event_id\": \"order-1001\", \"voucher_code\": \"SPR-7Q2K\", \"total\": 80}}. The section [redemption] of
tearoff.toml says which 'event', 'attribute' and 'event_id' count. Ingesting a file again changes nothing.")]
pub(super) struct Ingest {
    /// A file of JSON lines, or - for standard input
    source: Input,
    #[command(flatten)]
    format: Format,
}

/// What became of the events.
#[derive(Debug, Default, Serialize)]
struct Report {
    read: u64,
    #[serde(flatten)]
    results: Tally,
    /// Events of another type, or without a code.
    unmapped: u64,
    rejected: Rejects,
}

impl Events {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            Events::Ingest(ingest) => ingest.run(context).await,
        }
    }
}

impl Ingest {
    async fn run(&self, context: &Context) -> Result<Exit> {
        let mut lines = self.source.open()?;
        let store = context.open().await?;
        let redeemer = Redeemer::new(Arc::clone(&store) as _, store as _);
        let mut progress = Progress::start(&context.output, "ingesting", None);
        let mut report = Report::default();
        let ingested = ingest(&mut lines, &context.redemption, &redeemer, &mut report, &mut progress).await;
        progress.end();
        ingested?;
        if self.format.json {
            context.output.json(&report)?;
        } else {
            context.output.table(card(report.rows().map(|(name, count)| (name, grouped(count)))))?;
            report.rejected.show(&self.source, &context.output);
        }
        Ok(Exit::Done)
    }
}

async fn ingest(
    lines: &mut Lines,
    mapping: &Mapping,
    redeemer: &Redeemer,
    report: &mut Report,
    progress: &mut Progress<'_>,
) -> Result<()> {
    loop {
        let before = report.read;
        let wishes = next_wishes(lines, mapping, report)?;
        for answer in redeemer.redeem(&wishes).await? {
            report.results.count(answer.result);
        }
        if report.read == before {
            return Ok(());
        }
        progress.read(report.read);
    }
}

/// Reads on until there is enough to ask the store about, or to tell about.
fn next_wishes(lines: &mut Lines, mapping: &Mapping, report: &mut Report) -> Result<Vec<Wish>> {
    let (mut wishes, mut bytes, start) = (Vec::new(), 0, report.read);
    while wishes.len() < BATCH && bytes < BATCH_BYTES && report.read - start < STRIDE && lines.peek()?.is_some() {
        let Some(text) = lines.next()? else { break };
        let (length, wish) = (text.len(), mapping.read(text.trim()));
        report.read += 1;
        match wish {
            Ok(Some(wish)) => {
                bytes += length;
                wishes.push(wish);
            }
            Ok(None) => report.unmapped += 1,
            Err(reason) => report.rejected.add(lines.line(), reason),
        }
    }
    Ok(wishes)
}

impl Report {
    fn rows(&self) -> [(&'static str, u64); 10] {
        let Tally { redeemed, already_redeemed, unknown, not_assigned, expired, void, rule_failed } = self.results;
        [
            ("read", self.read),
            ("redeemed", redeemed),
            ("already redeemed", already_redeemed),
            ("unknown code", unknown),
            ("not assigned", not_assigned),
            ("expired", expired),
            ("void", void),
            ("rule failed", rule_failed),
            ("unmapped", self.unmapped),
            ("rejected", self.rejected.count()),
        ]
    }
}
