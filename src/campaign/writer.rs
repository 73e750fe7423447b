//! Writes what a run decides, behind its back: on a thread of its own, so that neither JSON nor a disk's fsync holds the
//! pipeline up.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;

use super::audience::Position;
use super::checkpoint::{Checkpoint, Retry};
use super::outcome::{Outcome, Reason};
use super::output::OutputFolder;
use super::personalizer::Personalizer;
use super::report::{Report, Tally};
use crate::error::Result;
use crate::voucher::CampaignId;

/// How often a checkpoint is written. What is rendered after it is rendered again after a crash, with the same codes.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// What a run has written.
pub(super) struct Writer {
    pub(super) output: OutputFolder,
    pub(super) checkpoint: Checkpoint,
    /// The lines of the audience that repeat a customer, of this run.
    pub(super) duplicate_lines: Vec<u64>,
    began: Instant,
    seconds_before: f64,
    committed: Instant,
    /// Takes the outcomes that are written.
    personalizer: Personalizer,
}

/// A batch that has its outcomes.
pub(super) struct Page {
    pub(super) slots: Slots,
    pub(super) outcomes: Vec<Outcome>,
    /// Whether the last outcome stands before a recipient that has none.
    pub(super) is_cut: bool,
}

/// The recipients of a batch without their messages, which are rendered meanwhile.
pub(super) struct Slots {
    pub(super) slots: Vec<Slot>,
    pub(super) duplicate_lines: Vec<u64>,
    pub(super) after: Position,
}

pub(super) struct Slot {
    /// The outcome of a row that makes no message.
    pub(super) invalid: Option<Box<Outcome>>,
    pub(super) after: Option<Position>,
    pub(super) retried: Option<Reason>,
}

impl Writer {
    pub(super) fn new(output: OutputFolder, checkpoint: Checkpoint, personalizer: Personalizer) -> Writer {
        let (began, seconds_before) = (Instant::now(), checkpoint.seconds);
        Writer {
            output,
            checkpoint,
            duplicate_lines: Vec::new(),
            began,
            seconds_before,
            committed: began,
            personalizer,
        }
    }

    /// Writes pages until no more come, and tells the counts after each.
    pub(super) fn write_all(&mut self, mut pages: Receiver<Page>, told: &watch::Sender<Tally>) -> Result<()> {
        while let Some(page) = pages.blocking_recv() {
            self.write(page)?;
            told.send_replace(self.checkpoint.tally.clone());
        }
        Ok(())
    }

    fn write(&mut self, page: Page) -> Result<()> {
        let mut outcomes = page.outcomes.iter();
        let mut after = None;
        for slot in page.slots.slots {
            let Some(outcome) = slot.invalid.as_deref().or_else(|| outcomes.next()) else { break };
            self.output.add(outcome)?;
            self.checkpoint.tally.count(outcome, slot.retried.map(Reason::as_str));
            after = slot.after;
        }
        self.personalizer.recycle(page.outcomes);
        if !page.is_cut {
            after = Some(page.slots.after);
        }
        if let Some(after) = after {
            let passed = page.slots.duplicate_lines.into_iter().filter(|line| *line <= after.line);
            self.count_duplicates(passed.collect());
            self.checkpoint.audience = Some(after);
        }
        self.output.flush()?;
        if self.committed.elapsed() >= CHECKPOINT_EVERY {
            self.commit()?;
        }
        Ok(())
    }

    /// A retry meets the same rows again; they were counted the first time.
    fn count_duplicates(&mut self, lines: Vec<u64>) {
        if self.checkpoint.retry.is_none() {
            self.checkpoint.tally.duplicates += lines.len() as u64;
            self.duplicate_lines.extend(lines);
        }
    }

    /// Begins a pass over those who failed.
    pub(super) fn begin_retry(&mut self) -> Result<()> {
        let audience = self.checkpoint.audience.take();
        self.checkpoint.retry = Some(Retry { files: self.output.lengths(), audience });
        self.checkpoint.complete = false;
        self.output.commit(&mut self.checkpoint)
    }

    /// Takes note that the pass reached the end of its audience.
    pub(super) fn complete(&mut self) {
        self.checkpoint.complete = true;
        if let Some(retry) = self.checkpoint.retry.take() {
            self.checkpoint.audience = retry.audience;
        }
    }

    fn commit(&mut self) -> Result<()> {
        self.checkpoint.seconds = self.seconds_before + self.began.elapsed().as_secs_f64();
        self.output.commit(&mut self.checkpoint)?;
        self.committed = Instant::now();
        Ok(())
    }

    /// Makes everything durable and writes the report.
    pub(super) fn finish(&mut self, campaign: CampaignId) -> Result<Report> {
        self.commit()?;
        let report = Report::new(campaign, self.checkpoint.tally.clone(), self.checkpoint.seconds);
        self.output.write_report(&report)?;
        Ok(report)
    }
}
