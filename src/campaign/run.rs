//! A run: batches overlap, outcomes leave in the audience's order, and a checkpoint says how far they are.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;

use super::audience::Position;
use super::checkpoint::{Checkpoint, Retry};
use super::outcome::{Outcome, Reason};
use super::output::OutputFolder;
use super::personalizer::{Attempt, Personalizer};
use super::recipients::{Batch, Recipients, read_ahead};
use super::report::{Report, Tally};
use super::{AudienceSource, Campaign, WhenEmpty};
use crate::error::{Error, ErrorKind, Result};
use crate::render::Message;
use crate::voucher::PoolName;

/// How many batches are on their way at a time: one is settled and written while the next ones render and reserve.
const IN_FLIGHT: usize = 3;
/// How often a checkpoint is written. What is rendered after it is rendered again after a crash, with the same codes.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// How to run a campaign.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Render those whose last event is `enqueue_failed`, instead of those who have no outcome yet.
    pub retry_failed: bool,
    /// Stop after this many recipients.
    pub limit: Option<u64>,
    /// Set to true, it ends the run after the batch that is being written, with a good checkpoint.
    pub interrupt: Arc<AtomicBool>,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The report, as written to `report.json`.
    pub report: Report,
    /// Why it ended.
    pub ending: Ending,
    /// The lines of the audience that repeat a customer, of this run.
    pub duplicate_lines: Vec<u64>,
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every recipient has an outcome.
    Complete,
    /// The number of recipients that was asked for is reached.
    Limited,
    /// This pool is empty or paused, and the campaign waits for it.
    Paused(PoolName),
    /// Somebody asked it to end.
    Interrupted,
}

impl Campaign {
    /// Runs the campaign into `folder`, from where an earlier run into it stopped. `progress` is told the counts now and then.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where audience, template or folder are not those of the earlier run;
    /// [`ErrorKind::StoreUnavailable`] and others where it cannot go on. Run again, it goes on from its checkpoint.
    pub async fn run(
        &self,
        folder: &Path,
        options: &RunOptions,
        progress: &mut (dyn FnMut(&Tally) + Send),
    ) -> Result<Summary> {
        let (output, checkpoint) = OutputFolder::open(folder, &self.id, &self.template.fingerprint())?;
        let mut run = Run {
            personalizer: self.personalizer(),
            stop_when_empty: self.when_empty == WhenEmpty::Pause,
            output,
            checkpoint,
            began: Instant::now(),
            seconds_before: 0.0,
            committed: Instant::now(),
            duplicate_lines: Vec::new(),
            read: 0,
        };
        run.seconds_before = run.checkpoint.seconds;
        let goes_on_retrying = options.retry_failed && run.checkpoint.retry.is_some();
        let mut ending = run.pass(self, options, progress).await?;
        if goes_on_retrying && ending == Ending::Complete && run.read == 0 {
            // The former run had retried everybody, and did not know that there was nobody else.
            ending = run.pass(self, options, progress).await?;
        }
        run.finish(self, ending)
    }
}

struct Run {
    personalizer: Personalizer,
    stop_when_empty: bool,
    output: OutputFolder,
    checkpoint: Checkpoint,
    began: Instant,
    seconds_before: f64,
    committed: Instant,
    duplicate_lines: Vec<u64>,
    /// Recipients that this run has read.
    read: u64,
}

/// A batch on its way.
struct Flight {
    batch: Slots,
    state: Progress,
}

enum Progress {
    /// It renders and reserves.
    Under(JoinHandle<Result<Attempt>>),
    /// It gave back what it had reserved, so that an earlier batch could have it, and begins again.
    Withdrawn(Vec<Message>),
}

/// The recipients of a batch without their messages, which are rendered meanwhile.
struct Slots {
    slots: Vec<Slot>,
    duplicate_lines: Vec<u64>,
    after: Position,
}

struct Slot {
    /// The outcome of a row that makes no message.
    invalid: Option<Box<Outcome>>,
    after: Option<Position>,
    retried: Option<Reason>,
}

impl Run {
    /// Goes once over the audience, or over what is left of it.
    async fn pass(
        &mut self,
        campaign: &Campaign,
        options: &RunOptions,
        progress: &mut (dyn FnMut(&Tally) + Send),
    ) -> Result<Ending> {
        let recipients = self.recipients(campaign, options)?;
        let ending = self.drive(read_ahead(recipients, IN_FLIGHT), options, progress).await?;
        if ending == Ending::Complete {
            self.checkpoint.complete = true;
            if let Some(retry) = self.checkpoint.retry.take() {
                self.checkpoint.audience = retry.audience;
            }
        }
        Ok(ending)
    }

    /// The recipients of this run: those behind the checkpoint, or those who failed.
    fn recipients(&mut self, campaign: &Campaign, options: &RunOptions) -> Result<Recipients> {
        if options.retry_failed && self.checkpoint.retry.is_none() {
            self.begin_retry(campaign)?;
        }
        self.checkpoint.complete = false;
        let mut recipients = campaign.recipients()?.limited_to(options.limit).marking_rows(self.stop_when_empty);
        if let Some(retry) = self.checkpoint.retry.clone() {
            if let (Some(audience), AudienceSource::File(_)) = (&retry.audience, &campaign.audience) {
                campaign.recipients()?.skip_to(audience)?;
            }
            recipients = recipients.only(Some(self.output.failed(retry.files)?)).ending_at(retry.audience);
        }
        if let Some(done) = &self.checkpoint.audience {
            recipients.skip_to(done)?;
        }
        Ok(recipients)
    }

    fn begin_retry(&mut self, campaign: &Campaign) -> Result<()> {
        if !self.checkpoint.complete && !self.is_at_the_end(campaign)? {
            let error = Error::new(ErrorKind::Refused, "the campaign has recipients without an outcome");
            return Err(error.with_help("run it without --retry-failed first"));
        }
        self.checkpoint.retry = Some(Retry { files: self.output.lengths(), audience: self.checkpoint.audience.take() });
        self.checkpoint.complete = false;
        self.output.commit(&mut self.checkpoint)
    }

    /// Whether nobody is left in the audience: a run that is limited does not look behind its limit.
    fn is_at_the_end(&self, campaign: &Campaign) -> Result<bool> {
        let (Some(done), AudienceSource::File(_)) = (&self.checkpoint.audience, &campaign.audience) else {
            return Ok(false);
        };
        let mut rest = campaign.recipients()?;
        rest.skip_to(done)?;
        Ok(rest.next_batch()?.is_none())
    }

    async fn drive(
        &mut self,
        mut batches: Receiver<Result<Batch>>,
        options: &RunOptions,
        progress: &mut (dyn FnMut(&Tally) + Send),
    ) -> Result<Ending> {
        let mut flights: VecDeque<Flight> = VecDeque::new();
        let result = loop {
            while flights.len() < IN_FLIGHT {
                match batches.recv().await {
                    Some(Ok(batch)) => {
                        self.read += batch.entries.len() as u64;
                        flights.push_back(self.begin(batch));
                    }
                    Some(Err(error)) => {
                        self.withdraw_all(&mut flights).await;
                        return Err(error);
                    }
                    None => break,
                }
            }
            let Some(flight) = flights.pop_front() else {
                break Ok(if options.limit == Some(self.read) { Ending::Limited } else { Ending::Complete });
            };
            match self.land(flight, &mut flights).await {
                Ok(None) => progress(&self.checkpoint.tally),
                Ok(Some(pool)) => break Ok(Ending::Paused(pool)),
                Err(error) => break Err(error),
            }
            if options.interrupt.load(Ordering::Relaxed) {
                break Ok(Ending::Interrupted);
            }
        };
        self.withdraw_all(&mut flights).await;
        result
    }

    fn begin(&self, batch: Batch) -> Flight {
        let mut messages = Vec::new();
        let mut slots = Vec::new();
        for entry in batch.entries {
            let invalid = match entry.content {
                Ok(message) => {
                    messages.push(*message);
                    None
                }
                Err(outcome) => Some(outcome),
            };
            slots.push(Slot { invalid, after: entry.after, retried: entry.retried });
        }
        let batch = Slots { slots, duplicate_lines: batch.duplicate_lines, after: batch.after };
        Flight { batch, state: self.spawn(messages) }
    }

    fn spawn(&self, messages: Vec<Message>) -> Progress {
        let personalizer = self.personalizer.clone();
        Progress::Under(tokio::spawn(async move { personalizer.begin(messages).await }))
    }

    /// Ends the first batch and writes its outcomes. Where it lacks a voucher, those behind it first give back theirs.
    async fn land(&mut self, flight: Flight, behind: &mut VecDeque<Flight>) -> Result<Option<PoolName>> {
        let mut attempt = match flight.state {
            Progress::Under(task) => joined(task).await?,
            Progress::Withdrawn(messages) => self.personalizer.begin(messages).await?,
        };
        if !self.personalizer.is_decided(&attempt).await? {
            for flight in behind.iter_mut() {
                self.withdraw(flight).await?;
            }
            if attempt.is_contended() {
                attempt = self.personalizer.restart(attempt).await?;
            }
        }
        let finished = self.personalizer.finish(attempt, self.stop_when_empty).await?;
        for flight in behind.iter_mut() {
            if let Progress::Withdrawn(messages) = &mut flight.state {
                flight.state = self.spawn(std::mem::take(messages));
            }
        }
        self.write(flight.batch, finished.outcomes, finished.stopped_by.is_some())?;
        Ok(finished.stopped_by)
    }

    async fn withdraw(&self, flight: &mut Flight) -> Result<()> {
        if let Progress::Under(task) = &mut flight.state {
            let attempt = joined(task).await?;
            flight.state = Progress::Withdrawn(self.personalizer.withdraw(attempt).await?);
        }
        Ok(())
    }

    /// Gives back what batches hold that will not be finished. What cannot be given back now goes back when the lease runs out.
    async fn withdraw_all(&self, flights: &mut VecDeque<Flight>) {
        for mut flight in flights.drain(..) {
            if let Err(error) = self.withdraw(&mut flight).await {
                tracing::warn!(kind = error.kind().code(), "reserved vouchers go back when their lease runs out");
            }
        }
    }

    /// Writes the outcomes of a batch; with `cut`, the last one stands before a recipient that has none.
    fn write(&mut self, batch: Slots, outcomes: Vec<Outcome>, cut: bool) -> Result<()> {
        let mut outcomes = outcomes.into_iter();
        let mut after = None;
        for slot in batch.slots {
            let Some(outcome) = slot.invalid.map(|outcome| *outcome).or_else(|| outcomes.next()) else { break };
            self.output.add(&outcome)?;
            self.checkpoint.tally.count(&outcome, slot.retried.map(Reason::as_str));
            after = slot.after;
        }
        if !cut {
            after = Some(batch.after);
        }
        if let Some(after) = after {
            let passed = batch.duplicate_lines.iter().copied().filter(|line| *line <= after.line);
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

    fn commit(&mut self) -> Result<()> {
        self.checkpoint.seconds = self.seconds_before + self.began.elapsed().as_secs_f64();
        self.output.commit(&mut self.checkpoint)?;
        self.committed = Instant::now();
        Ok(())
    }

    fn finish(mut self, campaign: &Campaign, ending: Ending) -> Result<Summary> {
        self.commit()?;
        let report = Report::new(campaign.id.clone(), self.checkpoint.tally.clone(), self.checkpoint.seconds);
        self.output.write_report(&report)?;
        Ok(Summary { report, ending, duplicate_lines: self.duplicate_lines })
    }
}

async fn joined(task: impl Future<Output = Result<Result<Attempt>, tokio::task::JoinError>>) -> Result<Attempt> {
    task.await.map_err(|error| Error::new(ErrorKind::Io, "a batch ended unexpectedly").with_source(error))?
}
