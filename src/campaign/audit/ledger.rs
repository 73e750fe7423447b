//! What the files say of each recipient, in a few bytes for each.

use std::collections::HashMap;

use super::discrepancy::{Discrepancy, Kind};
use super::passes::Passes;
use crate::campaign::outcome::Reason;
use crate::campaign::report::Tally;
use crate::campaign::written::{
    EVENTS, MESSAGES, SUPPRESSED, WrittenEvent, WrittenMessage, WrittenStatus, WrittenSuppressed,
};
use crate::intake::hash;
use crate::voucher::{CampaignId, CustomerId, MessageId, Source};

/// What the files say of one recipient: lines, 0 where there is none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recipient {
    pub(super) rendered: u32,
    pub(super) suppressed: u32,
    first_event: u32,
    pub(super) last_event: u32,
    failed: bool,
    reason: Option<Reason>,
}

impl Recipient {
    /// Whether it is not sent. Whoever was suppressed in a retry has no later event.
    pub(super) fn is_failed(&self) -> bool {
        self.failed && self.suppressed == 0
    }

    /// Whether its last event says that there is a message, and there is none.
    pub(super) fn lacks_message(&self) -> bool {
        self.last_event > 0 && !self.failed && self.rendered == 0
    }
}

/// Everything that the files say. Recipients and codes are known by their hashes.
pub(super) struct Ledger {
    campaign_id: CampaignId,
    recipients: HashMap<u64, Recipient>,
    /// The line of the first message that shows a code.
    shown: HashMap<u64, u32>,
    passes: Passes,
    /// What has no recipient, and what lines alone tell.
    tally: Tally,
}

impl Ledger {
    pub(super) fn new(campaign_id: CampaignId) -> Ledger {
        let (recipients, shown, passes, tally) = Default::default();
        Ledger { campaign_id, recipients, shown, passes, tally }
    }

    /// Whose files these are.
    pub(super) fn campaign_id(&self) -> &CampaignId {
        &self.campaign_id
    }

    /// What the files say of a customer.
    pub(super) fn recipient(&self, customer: &CustomerId) -> Option<&Recipient> {
        self.recipients.get(&hash(customer))
    }

    /// All recipients.
    pub(super) fn recipients(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients.values()
    }

    /// Whether a rendered message shows the code of that hash.
    pub(super) fn shows(&self, code: u64) -> bool {
        self.shown.contains_key(&code)
    }

    /// Whether the id is that of this campaign's message to the customer.
    fn is_own(&self, message: Option<&MessageId>, customer: Option<&CustomerId>) -> bool {
        let (Some(message), Some(customer)) = (message, customer) else { return true };
        let rest = message.as_str().strip_prefix(self.campaign_id.as_str());
        rest.and_then(|rest| rest.strip_prefix('/')) == Some(customer.as_str())
    }

    pub(super) fn add_suppressed(&mut self, line: u32, outcome: &WrittenSuppressed, found: &mut Vec<Discrepancy>) {
        let named = |kind| Discrepancy::new(kind).at(SUPPRESSED, line).of_message(outcome.message_id.as_ref());
        if !self.is_own(outcome.message_id.as_ref(), outcome.customer_id.as_ref()) {
            found.push(named(Kind::Foreign));
        }
        let Some(customer) = &outcome.customer_id else {
            self.tally.recipients += 1;
            self.tally.suppressed += 1;
            return self.count_reason(outcome.reason);
        };
        let recipient = self.recipients.entry(hash(customer)).or_default();
        if recipient.suppressed > 0 {
            let first = recipient.suppressed;
            return found.push(named(Kind::TwoOutcomes).because(format!("it was suppressed already, in line {first}")));
        }
        recipient.suppressed = line;
        self.count_reason(outcome.reason);
    }

    pub(super) fn add_event(&mut self, line: u32, event: &WrittenEvent, found: &mut Vec<Discrepancy>) {
        let properties = &event.properties;
        let named = |kind| Discrepancy::new(kind).at(EVENTS, line).of_message(properties.message_id.as_ref());
        let failed = properties.status == WrittenStatus::EnqueueFailed;
        if failed != properties.reason.is_some() {
            found.push(named(Kind::Broken).because("status and reason contradict each other"));
        }
        let of_campaign = properties.campaign_id.as_ref().is_none_or(|id| *id == self.campaign_id);
        if !of_campaign || !self.is_own(properties.message_id.as_ref(), event.customer_id.as_ref()) {
            found.push(named(Kind::Foreign));
        }
        let Some(customer) = &event.customer_id else {
            self.tally.recipients += 1;
            self.tally.enqueue_failed += 1;
            return properties.reason.map_or((), |reason| self.count_reason(reason));
        };
        let recipient = self.recipients.entry(hash(customer)).or_default();
        if recipient.first_event == 0 {
            recipient.first_event = line;
            self.passes.first(line, failed && recipient.suppressed == 0);
        } else if !recipient.failed {
            let last = recipient.last_event;
            found.push(named(Kind::EventTwice).because(format!("the message was enqueued already, in line {last}")));
        } else if recipient.suppressed == 0 && !self.passes.again(recipient.first_event, failed) {
            found.push(named(Kind::EventTwice));
        }
        (recipient.last_event, recipient.failed, recipient.reason) = (line, failed, properties.reason);
    }

    /// Adds a rendered message, after all events.
    pub(super) fn add_message(&mut self, line: u32, message: &WrittenMessage, found: &mut Vec<Discrepancy>) {
        let named = |kind| Discrepancy::new(kind).at(MESSAGES, line).of_message(Some(&message.message_id));
        if !self.is_own(Some(&message.message_id), Some(&message.customer_id)) {
            found.push(named(Kind::Foreign));
        }
        let recipient = self.recipients.entry(hash(&message.customer_id)).or_default();
        let first = if recipient.rendered > 0 { recipient.rendered } else { line };
        if first == line {
            recipient.rendered = line;
            found.extend(contradiction(recipient).map(|(kind, problem)| named(kind).because(problem)));
        }
        let has_others = self.add_codes(line, first, message, found);
        if first != line {
            let codes = if has_others { "other codes" } else { "the same codes" };
            let problem = format!("the customer has a rendered message already, in line {first}, with {codes}");
            return found.push(named(Kind::RenderedTwice).because(problem));
        }
        for voucher in &message.vouchers {
            *self.tally.vouchers.entry(voucher.pool.clone()).or_default() += 1;
        }
    }

    /// Adds the codes of a message to a customer whose first message is that of the line `first`; says whether that one does
    /// not show all of them.
    fn add_codes(&mut self, line: u32, first: u32, message: &WrittenMessage, found: &mut Vec<Discrepancy>) -> bool {
        let mut has_others = false;
        for voucher in message.vouchers.iter().filter(|voucher| voucher.source != Source::Fallback) {
            let shown = *self.shown.entry(hash(&voucher.code)).or_insert(line);
            if first == line && shown != line {
                let named = Discrepancy::new(Kind::TwoCustomers).at(MESSAGES, line);
                let problem = format!("a message to another customer shows the same code, in line {shown}");
                found.push(named.of_message(Some(&message.message_id)).of_pool(&voucher.from).because(problem));
            }
            has_others |= shown != first;
        }
        has_others
    }

    /// The counts that a report on these files would have. Nothing in them tells of duplicates.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = self.tally.clone();
        for recipient in self.recipients() {
            tally.recipients += 1;
            tally.rendered += u64::from(recipient.rendered > 0);
            tally.suppressed += u64::from(recipient.suppressed > 0);
            if recipient.is_failed() {
                tally.enqueue_failed += 1;
                if let Some(reason) = recipient.reason {
                    *tally.reasons.entry(reason.as_str().to_owned()).or_default() += 1;
                }
            }
        }
        tally
    }

    fn count_reason(&mut self, reason: Reason) {
        *self.tally.reasons.entry(reason.as_str().to_owned()).or_default() += 1;
    }
}

/// What speaks against a message that is rendered.
fn contradiction(recipient: &Recipient) -> Option<(Kind, &'static str)> {
    if recipient.suppressed > 0 {
        Some((Kind::TwoOutcomes, "the customer's message is rendered and suppressed"))
    } else if recipient.last_event == 0 {
        Some((Kind::NoEvent, "the message has no 'enqueued' event"))
    } else if recipient.failed {
        Some((Kind::TwoOutcomes, "the message is rendered, but its last event is 'enqueue_failed'"))
    } else {
        None
    }
}
