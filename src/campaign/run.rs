//! A run: batches overlap, outcomes leave in the audience's order, and a checkpoint says how far they are.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::output::OutputFolder;
use super::personalizer::Personalizer;
use super::pipeline::Pipeline;
use super::recipients::{Batch, Recipients, read_ahead};
use super::report::{Report, Tally};
use super::writer::{Page, Slot, Slots, Writer};
use super::{AudienceSource, Campaign, WhenEmpty};
use crate::error::{Error, ErrorKind, Result};
use crate::render::Message;
use crate::voucher::PoolName;

/// How many batches are read ahead, and how many wait to be written.
const QUEUE: usize = 4;

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
    /// Dropped, it lets go of the folder once what was decided by then is written.
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
        let personalizer = self.personalizer();
        let mut run = Run {
            personalizer: personalizer.clone(),
            pipeline: Pipeline::new().stopping_when_empty(self.when_empty == WhenEmpty::Pause),
            stops_when_empty: self.when_empty == WhenEmpty::Pause,
            writer: Writer::new(output, checkpoint, personalizer),
            read: 0,
        };
        let goes_on_retrying = options.retry_failed && run.writer.checkpoint.retry.is_some();
        let mut ending;
        (run, ending) = run.pass(self, options, progress).await?;
        if goes_on_retrying && ending == Ending::Complete && run.read == 0 {
            // The former run had retried everybody, and did not know that there was nobody else.
            (run, ending) = run.pass(self, options, progress).await?;
        }
        let report = run.writer.finish(self.id.clone())?;
        Ok(Summary { report, ending, duplicate_lines: run.writer.duplicate_lines })
    }
}

struct Run {
    personalizer: Personalizer,
    pipeline: Pipeline<Slots>,
    stops_when_empty: bool,
    writer: Writer,
    /// Recipients that this run has read.
    read: u64,
}

impl Run {
    /// Goes once over the audience, or over what is left of it.
    async fn pass(
        mut self,
        campaign: &Campaign,
        options: &RunOptions,
        progress: &mut (dyn FnMut(&Tally) + Send),
    ) -> Result<(Run, Ending)> {
        let batches = read_ahead(self.recipients(campaign, options)?, QUEUE);
        let (told, tally) = watch::channel(self.writer.checkpoint.tally.clone());
        let (pages, queue) = channel(QUEUE);
        let Run { personalizer, mut pipeline, stops_when_empty, mut writer, mut read } = self;
        let writing = spawn_blocking(move || {
            let written = writer.write_all(queue, &told);
            (writer, written)
        });
        let mut drive =
            Drive { personalizer: &personalizer, pipeline: &mut pipeline, batches, pages, options, read: &mut read };
        let driven = drive.go_through(&mut || progress(&tally.borrow())).await;
        drop(drive);
        pipeline.withdraw().await;
        let (mut writer, written) = writing
            .await
            .map_err(|error| Error::new(ErrorKind::Io, "the output could not be written").with_source(error))?;
        written?;
        progress(&writer.checkpoint.tally);
        let ending = driven?;
        if ending == Ending::Complete {
            writer.complete();
        }
        Ok((Run { personalizer, pipeline, stops_when_empty, writer, read }, ending))
    }

    /// The recipients of this run: those behind the checkpoint, or those who failed.
    fn recipients(&mut self, campaign: &Campaign, options: &RunOptions) -> Result<Recipients> {
        if options.retry_failed && self.writer.checkpoint.retry.is_none() {
            self.begin_retry(campaign)?;
        }
        let checkpoint = &mut self.writer.checkpoint;
        checkpoint.complete = false;
        let mut recipients = campaign.recipients()?.limited_to(options.limit).marking_rows(self.stops_when_empty);
        if let Some(retry) = checkpoint.retry.clone() {
            if let (Some(audience), AudienceSource::File(_)) = (&retry.audience, &campaign.audience) {
                campaign.recipients()?.skip_to(audience)?;
            }
            let failed = self.writer.output.failed(retry.files)?;
            recipients = recipients.only(Some(failed)).ending_at(retry.audience);
        }
        if let Some(done) = &checkpoint.audience {
            recipients.skip_to(done)?;
        }
        Ok(recipients)
    }

    fn begin_retry(&mut self, campaign: &Campaign) -> Result<()> {
        if !self.writer.checkpoint.complete && !self.is_at_the_end(campaign)? {
            let error = Error::new(ErrorKind::Refused, "the campaign has recipients without an outcome");
            return Err(error.with_help("run it without --retry-failed first"));
        }
        self.writer.begin_retry()
    }

    /// Whether nobody is left in the audience: a run that is limited does not look behind its limit.
    fn is_at_the_end(&self, campaign: &Campaign) -> Result<bool> {
        let checkpoint = &self.writer.checkpoint;
        let (Some(done), AudienceSource::File(_)) = (&checkpoint.audience, &campaign.audience) else {
            return Ok(false);
        };
        let mut rest = campaign.recipients()?;
        rest.skip_to(done)?;
        Ok(rest.next_batch()?.is_none())
    }
}

/// A pass under way: batches go into the pipeline, pages come out.
struct Drive<'a> {
    personalizer: &'a Personalizer,
    pipeline: &'a mut Pipeline<Slots>,
    batches: Receiver<Result<Batch>>,
    pages: Sender<Page>,
    options: &'a RunOptions,
    read: &'a mut u64,
}

impl Drive<'_> {
    async fn go_through(&mut self, progress: &mut (dyn FnMut() + Send)) -> Result<Ending> {
        let mut is_read = false;
        loop {
            tokio::select! {
                biased;
                batch = self.batches.recv(), if !is_read && !self.pipeline.is_full() => match batch {
                    Some(batch) => self.begin(batch?),
                    None => is_read = true,
                },
                () = self.pipeline.ready(), if !self.pipeline.is_empty() => {
                    if let Some(ending) = self.land().await? {
                        return Ok(ending);
                    }
                    progress();
                }
                else => {
                    let is_limited = self.options.limit == Some(*self.read);
                    return Ok(if is_limited { Ending::Limited } else { Ending::Complete });
                }
            }
        }
    }

    fn begin(&mut self, batch: Batch) {
        *self.read += batch.entries.len() as u64;
        let (messages, slots) = split(batch);
        self.pipeline.add(self.personalizer, messages, slots);
    }

    /// Ends the first batch and hands its outcomes on; says if the run ends there.
    async fn land(&mut self) -> Result<Option<Ending>> {
        let Some(landed) = self.pipeline.next().await? else { return Ok(None) };
        let is_cut = landed.stopped_by.is_some();
        // Where the writer has ended, it says why.
        let is_taken = self.pages.send(Page { slots: landed.cargo, outcomes: landed.outcomes, is_cut }).await.is_ok();
        let is_interrupted = !is_taken || self.options.interrupt.load(Ordering::Relaxed);
        Ok(landed.stopped_by.map(Ending::Paused).or(is_interrupted.then_some(Ending::Interrupted)))
    }
}

/// The messages of a batch, and everything else.
fn split(batch: Batch) -> (Vec<Message>, Slots) {
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
    (messages, Slots { slots, duplicate_lines: batch.duplicate_lines, after: batch.after })
}
