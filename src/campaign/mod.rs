//! Messages through the protocol, one by one or a whole audience from files to files.
//!
//! [`Personalizer`] takes batches of messages of one template and gives their [`Outcome`]s; [`Campaign`] does so for an
//! audience, with a forecast before and a checkpoint on the way.

mod assignment;
mod attempt;
mod audience;
mod audit;
mod checkpoint;
mod decided;
mod document;
mod eligibility;
mod file;
mod forecast;
mod foresight;
mod gatherer;
mod leased;
mod low_stock;
mod outcome;
mod output;
mod personalizer;
mod pipeline;
mod pool_settings;
mod preview;
mod recipients;
mod render_threads;
mod report;
mod rules;
mod run;
mod shortfall;
mod writer;
mod written;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub use crate::intake::Seen;
pub use assignment::{Assigned, Assignment, Plan};
pub use audience::{Audience, ColumnType, Columns, Fingerprint, Position, Recipient, Row};
pub use audit::{Audit, Checked, Discrepancy, Kind, audit};
pub use file::{CampaignFile, CampaignPool, WhenEmpty};
pub use forecast::{DryAt, Forecast, MissingAttribute, PoolForecast, Upcoming};
pub use gatherer::Gatherer;
pub use low_stock::{LowStockListener, StockWatch};
pub use outcome::{CampaignEvent, GivenVoucher, Outcome, Personalized, Reason, Shortfall, Status};
pub use personalizer::Personalizer;
pub use pipeline::{Landed, Pipeline};
pub use pool_settings::pool_settings;
pub use preview::preview;
pub use render_threads::RenderThreads;
pub use report::{Report, Tally};
pub use run::{Ending, RunOptions, Summary};

use forecast::Forecaster;
use output::OutputFolder;
use recipients::{Recipients, read_ahead};

use crate::error::Result;
use crate::render::Template;
use crate::voucher::{CampaignId, Channel, Claims, Lookup};

/// Where an audience comes from.
pub type AudienceSource = crate::intake::Input;

/// A campaign, ready to be checked and run.
#[derive(Clone)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// How its messages travel.
    pub channel: Channel,
    /// Its template.
    pub template: Arc<Template>,
    /// Whom it is for.
    pub audience: AudienceSource,
    /// What the columns of the audience hold.
    pub columns: Columns,
    /// How many messages are settled together, 1 to 1,000.
    pub batch: usize,
    /// What to do when a pool is empty.
    pub when_empty: WhenEmpty,
    /// The render path of the store.
    pub claims: Arc<dyn Claims>,
    /// The look-ups of the store.
    pub lookup: Arc<dyn Lookup>,
    /// Who is told when a pool becomes low.
    pub watch: Option<StockWatch>,
    /// Where messages render.
    pub threads: Arc<RenderThreads>,
}

impl Campaign {
    /// Counts how many vouchers the audience still needs, without touching any. `progress` is told how many recipients are
    /// counted.
    ///
    /// # Errors
    /// Where the audience cannot be read, or the store cannot be reached.
    pub async fn check(&self, upcoming: &Upcoming, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Forecast> {
        self.forecast(self.recipients()?, upcoming, progress).await
    }

    /// Counts how many vouchers a run into `folder` with these options still needs: with a limit, those of its recipients
    /// only, otherwise as [`Campaign::check`] does.
    ///
    /// # Errors
    /// As for [`Campaign::check`], and where the folder is not this campaign's.
    pub async fn check_run(
        &self,
        folder: &Path,
        options: &RunOptions,
        upcoming: &Upcoming,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Forecast> {
        let recipients = match options.limit {
            None => self.recipients()?,
            Some(_) => self.recipients_of_run(folder, options)?,
        };
        self.forecast(recipients, upcoming, progress).await
    }

    async fn forecast(
        &self,
        recipients: Recipients,
        upcoming: &Upcoming,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Forecast> {
        let mut batches = read_ahead(recipients, 2);
        let (template, lookup, threads) =
            (Arc::clone(&self.template), Arc::clone(&self.lookup), Arc::clone(&self.threads));
        let campaign = (self.id.clone(), self.channel);
        let mut forecaster = Forecaster::new(campaign, template, lookup, threads, upcoming).await?;
        let mut recipients = 0;
        while let Some(batch) = batches.recv().await {
            let batch = batch?;
            recipients += batch.entries.len() as u64;
            forecaster.add(batch).await?;
            progress(recipients);
        }
        Ok(forecaster.finish())
    }

    /// The recipients of the next run into `folder`.
    fn recipients_of_run(&self, folder: &Path, options: &RunOptions) -> Result<Recipients> {
        let mut recipients = self.recipients()?.limited_to(options.limit);
        let Some(checkpoint) = OutputFolder::check(folder, &self.id, &self.template.fingerprint())? else {
            return Ok(recipients);
        };
        let begins_retry = options.retry_failed && checkpoint.retry.is_none();
        let retried = checkpoint.retry.map(|retry| retry.files).or(begins_retry.then_some(checkpoint.files));
        if let Some(files) = retried {
            recipients = recipients.only(Some(OutputFolder::failed_in(folder, files)?));
        }
        if let (Some(done), false) = (&checkpoint.audience, begins_retry) {
            recipients.skip_to(done)?;
        }
        Ok(recipients)
    }

    /// Checks that a run may write into `folder`, without changing anything there.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where the folder belongs to another campaign, template or
    /// program.
    pub fn check_folder(&self, folder: &Path) -> Result<()> {
        OutputFolder::check(folder, &self.id, &self.template.fingerprint()).map(|_| ())
    }

    fn recipients(&self) -> Result<Recipients> {
        let audience = Audience::open(&self.audience, &self.columns)?;
        Ok(Recipients::new(audience, self.id.clone(), self.channel, self.batch))
    }

    fn personalizer(&self) -> Personalizer {
        let (template, claims, lookup) =
            (Arc::clone(&self.template), Arc::clone(&self.claims), Arc::clone(&self.lookup));
        Personalizer::new(template, claims, lookup, Arc::clone(&self.threads)).watched_by(self.watch.clone())
    }
}

impl fmt::Debug for Campaign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Campaign").field("id", &self.id).field("channel", &self.channel).finish_non_exhaustive()
    }
}
