//! How many vouchers an audience will need, before any is taken.
//!
//! The audience is rendered as a run renders it, against pools that only count, so that every branch and loop is followed.
//! A forecast holds nothing through which it could claim.

mod counting;
mod limits;
pub(super) mod stock;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::RenderThreads;
use super::attempt::{Draft, End, Stage, attempt};
use super::outcome::{Reason, Shortfall};
use super::recipients::Batch;
use super::shortfall::{broken_rule, not_eligible, refused, shortfall};
use crate::error::Result;
use crate::render::suggest::nearest;
use crate::render::{Rendered, Template, Used};
use crate::voucher::{CampaignId, Channel, Claim, CustomerId, Lookup, PoolName, PoolSettings, Refusal};
use counting::Counting;
use stock::{Stock, Taken};

/// What an audience needs. Its JSON is that of `campaign check`.
#[derive(Debug, Clone, Serialize)]
pub struct Forecast {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// How many customers are in the audience.
    pub recipients: u64,
    /// Whether no pool runs dry.
    pub enough: bool,
    /// Each pool that the audience needs vouchers of.
    pub pools: BTreeMap<PoolName, PoolForecast>,
    /// Attributes that the template prints and recipients lack.
    pub missing_attributes: Vec<MissingAttribute>,
    /// Rows that repeat a customer, by their line.
    #[serde(skip)]
    pub duplicate_lines: Vec<u64>,
    /// Messages that will not be rendered whatever the stock: how many for each reason, and what the first one says.
    #[serde(skip)]
    pub failures: BTreeMap<Reason, (u64, String)>,
}

/// What an audience needs of one pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PoolForecast {
    /// New vouchers that messages ask this pool for; what is bound already is not counted again.
    pub needed: u64,
    /// Vouchers that it has, those of an import that comes before the run included; for web layers, those above its floor.
    pub available: u64,
    /// Codes that would be made, since it or one of its overflow pools has a pattern. JSON leaves it out where there are none.
    #[serde(skip_serializing_if = "is_zero")]
    pub made: u64,
    /// Claims that neither it nor its overflow pools nor a fallback code can serve.
    pub missing: u64,
    /// The first recipient that goes without.
    pub dry_at: Option<DryAt>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The first recipient that goes without a voucher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryAt {
    /// The row of the audience, from 1.
    pub row: u64,
    /// The customer.
    pub customer_id: CustomerId,
}

/// An attribute that the template prints and recipients lack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingAttribute {
    /// As the template writes it, such as `customer.frist_name`.
    pub name: String,
    /// How many recipients lack it.
    pub missing: u64,
    /// Of how many.
    pub recipients: u64,
    /// The attribute that they have and that is nearest to it.
    pub suggestion: Option<String>,
}

/// What comes into each pool before a run: how many vouchers, and the settings that it will have.
pub type Upcoming = BTreeMap<PoolName, (u64, Option<PoolSettings>)>;

/// Counts what an audience needs, batch by batch.
pub(super) struct Forecaster {
    template: Arc<Template>,
    threads: Arc<RenderThreads>,
    counting: Counting,
    printed: BTreeSet<String>,
    missing: BTreeMap<String, (u64, Option<String>)>,
    forecast: Forecast,
}

impl Forecaster {
    /// Begins with the pools as they are, and with what comes into them before the run.
    pub(super) async fn new(
        (campaign_id, channel): (CampaignId, Channel),
        template: Arc<Template>,
        lookup: Arc<dyn Lookup>,
        threads: Arc<RenderThreads>,
        upcoming: &Upcoming,
    ) -> Result<Forecaster> {
        let stock = Stock::new(lookup.pools().await?, upcoming, channel, Timestamp::now());
        let cards = lookup.catalogue().await?;
        let printed = template.printed_attributes();
        let counting = Counting::new(lookup, campaign_id.clone(), cards, stock);
        let forecast = Forecast {
            campaign_id,
            recipients: 0,
            enough: true,
            pools: BTreeMap::new(),
            missing_attributes: Vec::new(),
            duplicate_lines: Vec::new(),
            failures: BTreeMap::new(),
        };
        Ok(Forecaster { template, threads, counting, printed, missing: BTreeMap::new(), forecast })
    }

    /// Counts a batch.
    pub(super) async fn add(&mut self, batch: Batch) -> Result<()> {
        self.forecast.duplicate_lines.extend(batch.duplicate_lines);
        let mut drafts = Vec::new();
        let mut rows = Vec::new();
        for entry in batch.entries {
            self.forecast.recipients += 1;
            match entry.content {
                Ok(message) => {
                    let mut draft = Draft::new(rows.len(), *message);
                    draft.missing = Some(BTreeSet::new());
                    drafts.push(draft);
                    rows.push(entry.row);
                }
                Err(outcome) => {
                    if let Some(shortfall) = outcome.shortfall() {
                        self.fail(shortfall.clone());
                    }
                }
            }
        }
        let drafts = attempt(&self.template, &self.threads, &self.counting, None, drafts).await?;
        for (draft, row) in drafts.into_iter().zip(rows) {
            self.count(draft, row);
        }
        let mut state = self.counting.state();
        state.fresh.clear();
        state.stock.end_batch();
        Ok(())
    }

    /// What all batches together need.
    pub(super) fn finish(mut self) -> Forecast {
        let recipients = self.forecast.recipients;
        self.forecast.enough = self.forecast.pools.values().all(|pool| pool.missing == 0);
        self.forecast.missing_attributes = self
            .missing
            .into_iter()
            .map(|(name, (missing, suggestion))| MissingAttribute { name, missing, recipients, suggestion })
            .collect();
        self.forecast
    }

    fn count(&mut self, draft: Draft, row: u64) {
        self.count_missing(&draft);
        match draft.stage {
            Stage::Complete(ref rendered) => self.count_vouchers(&draft, rendered, row),
            Stage::Ended(End::Failure(failure)) => self.fail(shortfall(failure)),
            Stage::Ended(End::Refused { pool, refusal, .. }) => self.fail(refused(pool, refusal)),
            Stage::Ended(End::NotEligible(pool)) => self.fail(not_eligible(pool)),
            Stage::Ended(End::BrokenRule(pool, problem)) => self.fail(broken_rule(pool, problem)),
            Stage::Ended(End::Rejected(_)) | Stage::Ready | Stage::Waiting(_) => {}
        }
    }

    fn fail(&mut self, Shortfall { reason, message, .. }: Shortfall) {
        self.forecast.failures.entry(reason).or_insert((0, message)).0 += 1;
    }

    fn count_missing(&mut self, draft: &Draft) {
        for path in draft.missing.iter().flatten().filter(|path| self.printed.contains(*path)) {
            let (missing, _) = self.missing.entry(path.clone()).or_insert_with(|| {
                let names = draft.message.customer.names();
                let wanted = path.strip_prefix("customer.");
                let near = wanted.and_then(|wanted| nearest(wanted, names.iter().map(String::as_str)));
                (0, near.map(str::to_owned))
            });
            *missing += 1;
        }
    }

    /// What a complete message takes: all that it shows and that is not bound yet, or nothing where a limit is in the way.
    fn count_vouchers(&mut self, draft: &Draft, rendered: &Rendered, row: u64) {
        let Some(message) = draft.message.identity() else { return };
        let customer = &message.customer_id;
        let mut state = self.counting.state();
        let is_fresh = |used: &&Used| {
            let claim = Claim { pool: used.pool.clone(), width: used.width, message: Arc::clone(message) };
            claim.key().is_some_and(|key| state.fresh.contains(&(used.pool.clone(), key)))
        };
        let taken: Vec<&PoolName> = rendered.vouchers.iter().filter(is_fresh).map(|used| &used.pool).collect();
        let before = |at: usize| taken[..at].iter().filter(|pool| **pool == taken[at]).count() as u64;
        let limited = (0..taken.len()).find(|at| state.stock.reaches_limit(taken[*at], customer, before(*at)));
        if let Some(at) = limited {
            drop(state);
            return self.fail(refused(taken[at].clone(), Refusal::LimitReached));
        }
        for name in taken {
            let pool = self.forecast.pools.entry(name.clone()).or_default();
            pool.available = state.stock.available_at_first(name);
            pool.needed += 1;
            match state.stock.take(name, customer) {
                Taken::Voucher | Taken::Fallback => {}
                Taken::Made => pool.made += 1,
                Taken::Nothing => {
                    pool.missing += 1;
                    pool.dry_at.get_or_insert_with(|| DryAt { row, customer_id: customer.clone() });
                }
            }
        }
    }
}
