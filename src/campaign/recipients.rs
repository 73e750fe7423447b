//! From rows of an audience to batches of messages.

use std::collections::HashMap;

use super::audience::{Audience, Position, Recipient, Row};
use super::outcome::{Outcome, Reason, Shortfall};
use crate::error::Result;
use crate::intake::{Seen, hash};
use crate::render::{Attributes, Field, Message, Purpose};
use crate::voucher::{CampaignId, Channel, CustomerId};

/// A stretch of the audience.
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    /// Rows that repeat a customer, by their line.
    pub(super) duplicate_lines: Vec<u64>,
    /// Where the audience is behind it.
    pub(super) after: Position,
}

/// A recipient.
pub(super) struct Entry {
    /// The message to be personalised, or the outcome of a row that makes none.
    pub(super) content: Result<Box<Message>, Box<Outcome>>,
    /// Its row in the audience, from 1.
    pub(super) row: u64,
    /// Where the audience is behind it, where somebody may stop there.
    pub(super) after: Option<Position>,
    /// The reason of its last outcome, if it is retried.
    pub(super) retried: Option<Reason>,
}

/// Reads an audience as messages of one campaign, each customer once.
pub(super) struct Recipients {
    audience: Audience,
    campaign_id: CampaignId,
    campaign: Attributes,
    channel: Channel,
    seen: Seen,
    /// Only these customers, by the hash of their id; everybody where it is `None`.
    only: Option<HashMap<u64, Reason>>,
    batch: usize,
    /// Whether a run may stop between any two rows.
    marks_rows: bool,
    /// How many more recipients to read.
    left: u64,
}

impl Recipients {
    pub(super) fn new(audience: Audience, campaign_id: CampaignId, channel: Channel, batch: usize) -> Recipients {
        let campaign = Attributes::from_fields([("id", Field::text(campaign_id.as_str()))]);
        Recipients {
            audience,
            campaign_id,
            campaign,
            channel,
            seen: Seen::default(),
            only: None,
            batch,
            marks_rows: false,
            left: u64::MAX,
        }
    }

    /// Reads at most `limit` recipients.
    pub(super) fn limited_to(mut self, limit: Option<u64>) -> Recipients {
        self.left = limit.unwrap_or(u64::MAX);
        self
    }

    /// Says behind each row where the audience is, so that a run may stop between any two.
    pub(super) fn marking_rows(mut self, marks: bool) -> Recipients {
        self.marks_rows = marks;
        self
    }

    /// Reads only these customers.
    pub(super) fn only(mut self, customers: Option<HashMap<u64, Reason>>) -> Recipients {
        self.only = customers;
        self
    }

    /// Reads only what stands before `end`, and checks that it is the same.
    pub(super) fn ending_at(mut self, end: Option<Position>) -> Recipients {
        if let Some(end) = end {
            self.audience = self.audience.ending_at(end);
        }
        self
    }

    /// Goes to where a former run stopped, after checking that the audience up to there is the same.
    pub(super) fn skip_to(&mut self, position: &Position) -> Result<()> {
        let seen = &mut self.seen;
        self.audience.skip_to(position, |customer| {
            seen.insert(customer);
        })
    }

    /// The next batch; `None` at the end.
    pub(super) fn next_batch(&mut self) -> Result<Option<Batch>> {
        let mut entries = Vec::new();
        let mut duplicate_lines = Vec::new();
        while entries.len() < self.batch && self.left > 0 {
            let Some(row) = self.audience.next_row()? else { break };
            if let Some(entry) = self.entry(row, &mut duplicate_lines) {
                self.left -= 1;
                entries.push(entry);
            }
        }
        let after = self.audience.position();
        let empty = entries.is_empty() && duplicate_lines.is_empty();
        Ok((!empty).then_some(Batch { entries, duplicate_lines, after }))
    }

    /// The recipient of a row; none for one who stood there before or is not wanted.
    fn entry(&mut self, row: Row, duplicate_lines: &mut Vec<u64>) -> Option<Entry> {
        let Row { number, line, customer_id, content } = row;
        if customer_id.as_ref().is_some_and(|customer| !self.seen.insert(customer)) {
            duplicate_lines.push(line);
            return None;
        }
        let retried = match &self.only {
            None => None,
            Some(only) => Some(*only.get(&hash(customer_id.as_ref()?))?),
        };
        let after = self.marks_rows.then(|| self.audience.position());
        let message = content.and_then(|Recipient { customer, context, .. }| {
            let channel = (self.channel, Purpose::Live);
            let message = Message::new(None, channel, customer, self.campaign.clone(), context);
            message.map_err(|error| format!("line {line}: {error}"))
        });
        Some(match message {
            Ok(message) => Entry { content: Ok(Box::new(message)), row: number, after, retried },
            Err(problem) => {
                let outcome = Box::new(self.invalid(customer_id, problem));
                Entry { content: Err(outcome), row: number, after, retried }
            }
        })
    }

    fn invalid(&self, customer_id: Option<CustomerId>, message: String) -> Outcome {
        Outcome {
            message_id: None,
            customer_id,
            campaign_id: Some(self.campaign_id.clone()),
            channel: self.channel,
            purpose: Purpose::Live,
            result: Err(Shortfall { reason: Reason::InvalidMessage, pool: None, message }),
            timestamp: jiff::Timestamp::now(),
        }
    }
}

/// Reads batches on a thread of their own, a few ahead of whoever takes them.
pub(super) fn read_ahead(mut recipients: Recipients, depth: usize) -> tokio::sync::mpsc::Receiver<Result<Batch>> {
    let (sender, receiver) = tokio::sync::mpsc::channel(depth);
    tokio::task::spawn_blocking(move || {
        while let Some(batch) = recipients.next_batch().transpose() {
            let last = batch.is_err();
            if sender.blocking_send(batch).is_err() || last {
                return;
            }
        }
    });
    receiver
}
