//! What a campaign came to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::outcome::{Outcome, Status};
use crate::voucher::{CampaignId, PoolName};

/// Counts of last outcomes. Each recipient is counted once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Recipients that have an outcome.
    pub recipients: u64,
    /// Complete messages.
    pub rendered: u64,
    /// Messages that are not sent.
    pub enqueue_failed: u64,
    /// Messages that are not shown.
    pub suppressed: u64,
    /// Rows that repeat a customer. They get no message of their own.
    pub duplicates: u64,
    /// How often each reason stands in an outcome.
    pub reasons: BTreeMap<String, u64>,
    /// How many vouchers of each pool stand in rendered messages.
    pub vouchers: BTreeMap<PoolName, u64>,
}

impl Tally {
    /// Counts an outcome. With `retried`, the reason of the recipient's last outcome, it takes that one's place.
    pub(super) fn count(&mut self, outcome: &Outcome, retried: Option<&str>) {
        match retried {
            None => self.recipients += 1,
            Some(reason) => self.uncount_failure(reason),
        }
        match outcome.status() {
            Status::Rendered => self.rendered += 1,
            Status::EnqueueFailed => self.enqueue_failed += 1,
            Status::Suppressed => self.suppressed += 1,
        }
        match &outcome.result {
            Ok(message) => {
                for used in &message.vouchers {
                    *self.vouchers.entry(used.pool.clone()).or_default() += 1;
                }
            }
            Err(shortfall) => *self.reasons.entry(shortfall.reason.as_str().to_owned()).or_default() += 1,
        }
    }

    fn uncount_failure(&mut self, reason: &str) {
        self.enqueue_failed = self.enqueue_failed.saturating_sub(1);
        if let Some(count) = self.reasons.get_mut(reason) {
            *count = count.saturating_sub(1);
        }
        self.reasons.retain(|_, count| *count > 0);
    }
}

/// The report of a campaign: the JSON of `report.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// What became of its recipients.
    #[serde(flatten)]
    pub tally: Tally,
    /// How long it ran, over all its runs.
    pub seconds: f64,
    /// Recipients a second.
    pub per_second: f64,
}

impl Report {
    pub(super) fn new(campaign_id: CampaignId, tally: Tally, seconds: f64) -> Report {
        let per_second = if seconds > 0.0 { tally.recipients as f64 / seconds } else { 0.0 };
        let round = |number: f64| (number * 1000.0).round() / 1000.0;
        Report { campaign_id, tally, seconds: round(seconds), per_second: round(per_second) }
    }
}
