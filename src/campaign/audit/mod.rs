//! The files of a campaign held against each other and against the store.
//!
//! Nothing is changed. The files are read line by line; of each recipient and each code, only a few bytes stay in memory.

mod counts;
mod discrepancy;
mod folder;
mod ledger;
mod lines;
mod passes;
mod shown;
mod unshown;

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use discrepancy::{Discrepancy, Kind};

use self::ledger::Ledger;
use self::lines::JsonLines;
use super::output::lock_to_read;
use super::written::{EVENTS, MESSAGES, SUPPRESSED, WrittenEvent, WrittenMessage, WrittenSuppressed};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::Lookup;

/// What an audit found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Audit {
    /// What was looked at.
    pub checked: Checked,
    /// What is not as it should be.
    pub discrepancies: Vec<Discrepancy>,
}

/// How much an audit looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Rendered messages.
    pub messages: u64,
    /// Campaign events.
    pub events: u64,
    /// Suppressed messages.
    pub suppressed: u64,
    /// Codes in rendered messages, fallback codes among them.
    pub codes: u64,
    /// Vouchers in pools of the store of which somebody holds something.
    pub vouchers: u64,
}

/// Holds what a campaign wrote into `folder` against itself and against the store. `progress` is told how many messages are
/// checked.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] where the folder holds no output of a campaign; [`ErrorKind::Refused`] while another process
/// writes it; where the store cannot be reached. What is wrong in the files is no error but a discrepancy.
pub async fn audit(folder: &Path, lookup: &dyn Lookup, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Audit> {
    if !folder.is_dir() {
        let error = Error::new(ErrorKind::InvalidInput, format!("there is no folder '{}'", folder.display()));
        return Err(error.with_help("name the folder that 'tearoff campaign run --out' wrote"));
    }
    let _lock = lock_to_read(folder)?;
    let mut audit = Audit::default();
    let Audit { checked, discrepancies: found } = &mut audit;
    let told = folder::read(folder, found)?;
    let mut ledger = Ledger::new(told.campaign_id);
    checked.suppressed = each(folder, SUPPRESSED, found, |line, outcome: WrittenSuppressed, found| {
        ledger.add_suppressed(line, &outcome, found);
    })?;
    checked.events = each(folder, EVENTS, found, |line, event: WrittenEvent, found| {
        ledger.add_event(line, &event, found);
    })?;
    check_messages(folder, lookup, &mut ledger, &mut audit, progress).await?;
    let Audit { checked, discrepancies: found } = &mut audit;
    find_lost_messages(folder, &ledger, found)?;
    if let Some(report) = &told.report {
        counts::compare(&report.tally, &ledger.tally(), found);
    }
    checked.vouchers = unshown::check(lookup, &ledger, found).await?;
    Ok(audit)
}

/// Reads the rendered messages in batches, each of which is held against the store.
async fn check_messages(
    folder: &Path,
    lookup: &dyn Lookup,
    ledger: &mut Ledger,
    audit: &mut Audit,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<()> {
    let Audit { checked, discrepancies: found } = audit;
    let mut lines = JsonLines::open(folder, MESSAGES)?;
    loop {
        let batch = read_batch(&mut lines, found)?;
        batch.iter().for_each(|(line, message)| ledger.add_message(*line, message, found));
        checked.messages += batch.len() as u64;
        checked.codes += batch.iter().map(|(_, message)| message.vouchers.len() as u64).sum::<u64>();
        shown::check(lookup, ledger.campaign_id(), &batch, found).await?;
        progress(checked.messages);
        if batch.len() < shown::BATCH {
            return Ok(());
        }
    }
}

/// Tells `take` every line of a file; says how many there are.
fn each<T: DeserializeOwned>(
    folder: &Path,
    file: &'static str,
    found: &mut Vec<Discrepancy>,
    mut take: impl FnMut(u32, T, &mut Vec<Discrepancy>),
) -> Result<u64> {
    let mut lines = JsonLines::open(folder, file)?;
    let mut count = 0;
    while let Some((line, content)) = lines.next(found)? {
        take(line, content, found);
        count += 1;
    }
    Ok(count)
}

fn read_batch(lines: &mut JsonLines, found: &mut Vec<Discrepancy>) -> Result<Vec<(u32, WrittenMessage)>> {
    let mut batch = Vec::new();
    while batch.len() < shown::BATCH
        && let Some(line) = lines.next(found)?
    {
        batch.push(line);
    }
    Ok(batch)
}

/// Reads the events again, where some have no message, for the ids of these messages.
fn find_lost_messages(folder: &Path, ledger: &Ledger, found: &mut Vec<Discrepancy>) -> Result<()> {
    if !ledger.recipients().any(ledger::Recipient::lacks_message) {
        return Ok(());
    }
    let mut events = JsonLines::open(folder, EVENTS)?;
    // What cannot be read was named when the events were read first.
    while let Some((line, event)) = events.next::<WrittenEvent>(&mut Vec::new())? {
        let recipient = event.customer_id.as_ref().and_then(|customer| ledger.recipient(customer));
        let Some(recipient) = recipient.filter(|recipient| recipient.lacks_message() && recipient.last_event == line)
        else {
            continue;
        };
        let lost = match recipient.suppressed {
            0 => Discrepancy::new(Kind::NoMessage),
            other => Discrepancy::new(Kind::TwoOutcomes)
                .because(format!("the event says 'enqueued', but line {other} of {SUPPRESSED} says 'suppressed'")),
        };
        found.push(lost.at(EVENTS, line).of_message(event.properties.message_id.as_ref()));
    }
    Ok(())
}
