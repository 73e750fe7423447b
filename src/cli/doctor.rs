//! `doctor`: whether the store is as it should be.

use std::fmt::Write;

use clap::Args;
use jiff::Timestamp;

use super::output::{BAD, GOOD, grouped, moment};
use super::{Context, Exit, Format};
use crate::error::{Error, Result};
use crate::voucher::{Finding, JournalSize, PoolStatus, Store};

#[derive(Args)]
#[command(after_help = "Examples:\n  tearoff doctor\n  tearoff doctor --json | jq '.[] | select(.ok | not)'")]
pub(super) struct Doctor {
    #[command(flatten)]
    format: Format,
}

impl Doctor {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let (findings, exit) = examine(context).await?;
        if self.format.json {
            context.output.json(&findings)?;
        } else {
            context.output.text(&lines(&findings, context))?;
        }
        Ok(exit)
    }
}

/// What the store finds in itself; a store that cannot be opened is a finding, too.
async fn examine(context: &Context) -> Result<(Vec<Finding>, Exit)> {
    let check = "store".to_owned();
    let store = match context.open_unchecked().await {
        Ok(store) => store,
        Err(error) => return Ok((vec![told(&check, &error)], error.kind().into())),
    };
    let mut findings = vec![Finding { check, ok: true, detail: context.store.to_string() }];
    findings.extend(store.examine().await?);
    let is_sound = findings.iter().all(|finding| finding.ok);
    // Where something is wrong already, a pool that does not answer is a consequence.
    match journals(&*store, context).await {
        Ok(journals) => findings.extend(journals),
        Err(error) if is_sound => return Ok(([findings, vec![told("journal", &error)]].concat(), error.kind().into())),
        Err(_) => {}
    }
    Ok((findings, if is_sound { Exit::Done } else { Exit::BadInput }))
}

/// What cannot even be looked at.
fn told(check: &str, error: &Error) -> Finding {
    let help = error.help().map(|help| format!("; {help}")).unwrap_or_default();
    Finding { check: check.to_owned(), ok: false, detail: format!("{error}{help}") }
}

/// How large the journal of each pool is. It is nothing wrong that it is large.
async fn journals(store: &dyn Store, context: &Context) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let due = Timestamp::now().checked_sub(context.opening.journal_keep).unwrap_or(Timestamp::MIN);
    for PoolStatus { name, .. } in store.pools().await? {
        let JournalSize { entries, oldest } = store.journal_size(&name).await?;
        let since = oldest.map(|oldest| format!(" since {}", moment(oldest))).unwrap_or_default();
        let is_old = oldest.is_some_and(|oldest| oldest < due);
        let remedy =
            if is_old { format!("; 'tearoff pool trim-journal {name}' removes old ones") } else { String::new() };
        let detail = format!("entries: {}{since}{remedy}", grouped(entries));
        findings.push(Finding { check: format!("journal of pool '{name}'"), ok: true, detail });
    }
    Ok(findings)
}

/// Findings as people read them, a line each.
pub(super) fn lines(findings: &[Finding], context: &Context) -> String {
    findings.iter().fold(String::new(), |mut text, Finding { check, ok, detail }| {
        let (style, mark) = if *ok { (GOOD, '✔') } else { (BAD, '✘') };
        let _ = writeln!(text, "{} {check}: {detail}", context.output.styled(style, mark));
        text
    })
}
