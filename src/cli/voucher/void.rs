//! `voucher void`: the end of vouchers by hand.

use clap::Args;
use serde::Serialize;

use crate::cli::argument::code;
use crate::cli::output::{card, grouped};
use crate::cli::rejects::{List, Rejects};
use crate::cli::{Context, Exit, Format};
use crate::error::Result;
use crate::intake::Input;
use crate::voucher::{Code, Store, Voided};

/// How many vouchers are ended by one call.
const BATCH: usize = 1_000;

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff voucher void SPR-7Q2K SPR-9W3M
  tearoff voucher void --codes leaked.txt
  grep SPR- leaked.log | tearoff voucher void --codes - --json

A message that holds a reserved one renders anew with another code. The exit code is 7 if a code is unknown or used, which
is told with its line; the others are void all the same. Doing it again does no harm.")]
pub(in crate::cli) struct Void {
    /// The codes; - reads one from standard input
    #[arg(value_name = "CODE", required_unless_present = "list", conflicts_with = "list")]
    codes: Vec<String>,
    /// A file with a code a line; - is standard input
    #[arg(long = "codes", value_name = "FILE", id = "list")]
    list: Option<Input>,
    #[command(flatten)]
    format: Format,
}

/// What became of the codes.
#[derive(Debug, Default, Serialize)]
struct Report {
    voided: u64,
    already_void: u64,
    redeemed: u64,
    unknown: u64,
    rejected: Rejects,
}

impl Void {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let report = match &self.list {
            Some(input) => {
                let mut list = List::open(input)?;
                end_listed(&*context.open().await?, &mut list).await?
            }
            None => {
                let codes: Vec<Code> = self.codes.iter().map(|text| code(text)).collect::<Result<_>>()?;
                let mut report = Report::default();
                report.end(&*context.open().await?, (1..).zip(codes.into_iter().map(Ok)).collect()).await?;
                report
            }
        };
        if self.format.json {
            context.output.json(&report)?;
        } else {
            let Report { voided, already_void, redeemed, unknown, .. } = report;
            let rows =
                [("voided", voided), ("void before", already_void), ("redeemed", redeemed), ("unknown", unknown)];
            context.output.table(card(rows.map(|(name, count)| (name, grouped(count)))))?;
            match &self.list {
                Some(input) => report.rejected.show(input, &context.output),
                None => report.rejected.show(&"argument", &context.output),
            }
        }
        Ok(if report.rejected.count() == 0 { Exit::Done } else { Exit::BadInput })
    }
}

async fn end_listed(store: &dyn Store, list: &mut List) -> Result<Report> {
    let mut report = Report::default();
    loop {
        let lines = list.next(BATCH)?;
        if lines.is_empty() {
            return Ok(report);
        }
        report.end(store, lines.into_iter().map(|(line, text)| (line, Code::new(text))).collect()).await?;
    }
}

impl Report {
    /// Ends vouchers and counts what became of them.
    async fn end(&mut self, store: &dyn Store, codes: Vec<(u64, Result<Code>)>) -> Result<()> {
        let known: Vec<Code> = codes.iter().filter_map(|(_, code)| code.as_ref().ok().cloned()).collect();
        let mut answers = store.void(&known).await?.into_iter();
        for (line, code) in codes {
            match code.map(|_| answers.next()) {
                Ok(answer) => self.count(line, answer.unwrap_or(Voided::Unknown)),
                Err(error) => self.rejected.add(line, error.to_string()),
            }
        }
        Ok(())
    }

    fn count(&mut self, line: u64, answer: Voided) {
        match answer {
            Voided::Voided => self.voided += 1,
            Voided::AlreadyVoid => self.already_void += 1,
            Voided::Redeemed => {
                self.redeemed += 1;
                self.rejected.add(line, "the voucher is used, and stays so");
            }
            Voided::Unknown => {
                self.unknown += 1;
                self.rejected.add(line, "the project has no such voucher");
            }
        }
    }
}
