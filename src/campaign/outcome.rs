//! What became of a message, and the event that tells it.

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::render::{Message, Purpose, Used};
use crate::voucher::{Binding, CampaignId, Channel, CustomerId, MessageId, PoolName, Refusal};

/// What became of a message. Its JSON is the one of messages in files, on the command line and over HTTP.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The message's id; none where a row of an audience is too broken to have one.
    pub message_id: Option<MessageId>,
    /// Whom it is for.
    pub customer_id: Option<CustomerId>,
    /// The campaign it belongs to.
    pub campaign_id: Option<CampaignId>,
    /// How it travels.
    pub channel: Channel,
    /// What it was rendered for.
    pub purpose: Purpose,
    /// Rendered, or why not.
    pub result: Result<Personalized, Shortfall>,
    /// When it was decided.
    pub timestamp: Timestamp,
}

/// A complete message.
#[derive(Debug, Clone)]
pub struct Personalized {
    /// The name and text of every part.
    pub parts: Vec<(&'static str, String)>,
    /// The vouchers in it, in evaluation order.
    pub vouchers: Vec<Used>,
}

/// Why a message cannot be personalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The reason, for machines.
    pub reason: Reason,
    /// The pool that it is about, if it is about one.
    pub pool: Option<PoolName>,
    /// The reason, for people.
    pub message: String,
}

/// Why a message cannot be personalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A pool has no available voucher.
    PoolEmpty,
    /// A pool takes no new claims.
    PoolPaused,
    /// There is no such pool.
    UnknownPool,
    /// A limit of a pool is reached.
    LimitReached,
    /// The rule of a pool says no.
    NotEligible,
    /// The template is wrong, or the rule of a pool, at least for this message.
    TemplateError,
    /// The message is larger than its limit.
    OutputTooLarge,
    /// The template says so.
    Aborted,
    /// The row of the audience makes no message.
    InvalidMessage,
    /// The message id belongs to another customer or mode. A door with errors of its own answers `message_conflict`; in a
    /// campaign it is an invalid message.
    MessageConflict,
    /// The message id was released and is retired. A door with errors of its own answers `message_released`; in a campaign
    /// it is an invalid message.
    MessageReleased,
}

impl Reason {
    const ALL: [Reason; 9] = [
        Reason::PoolEmpty,
        Reason::PoolPaused,
        Reason::UnknownPool,
        Reason::LimitReached,
        Reason::NotEligible,
        Reason::TemplateError,
        Reason::OutputTooLarge,
        Reason::Aborted,
        Reason::InvalidMessage,
    ];

    /// The name in outcomes and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::PoolEmpty => "pool_empty",
            Reason::PoolPaused => "pool_paused",
            Reason::UnknownPool => "unknown_pool",
            Reason::LimitReached => "limit_reached",
            Reason::NotEligible => "not_eligible",
            Reason::TemplateError => "template_error",
            Reason::OutputTooLarge => "output_too_large",
            Reason::Aborted => "aborted",
            Reason::InvalidMessage | Reason::MessageConflict | Reason::MessageReleased => "invalid_message",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reason, D::Error> {
        let name = String::deserialize(deserializer)?;
        Reason::from_name(&name).ok_or_else(|| D::Error::custom("there is no such reason"))
    }
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Reason {
        match refusal {
            Refusal::PoolEmpty => Reason::PoolEmpty,
            Refusal::PoolPaused => Reason::PoolPaused,
            Refusal::UnknownPool => Reason::UnknownPool,
            Refusal::LimitReached => Reason::LimitReached,
        }
    }
}

/// How a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is complete.
    Rendered,
    /// It is not sent, and an event says so.
    EnqueueFailed,
    /// It is not shown, and nothing says so.
    Suppressed,
}

impl Status {
    /// The name in outcomes.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Rendered => "rendered",
            Status::EnqueueFailed => "enqueue_failed",
            Status::Suppressed => "suppressed",
        }
    }
}

impl Outcome {
    /// The outcome of `message`, decided now.
    pub(crate) fn of(message: &Message, result: Result<Personalized, Shortfall>) -> Outcome {
        Outcome {
            message_id: Some(message.message_id.clone()),
            customer_id: message.customer_id().cloned(),
            campaign_id: message.campaign_id().cloned(),
            channel: message.channel,
            purpose: message.purpose,
            result,
            timestamp: Timestamp::now(),
        }
    }

    /// How it ended. A web layer that cannot be personalised is not shown; nor is anything that its template aborts, or that
    /// a pool's rule keeps from its customer.
    pub fn status(&self) -> Status {
        match &self.result {
            Ok(_) => Status::Rendered,
            Err(_) if self.channel == Channel::WebLayer => Status::Suppressed,
            Err(shortfall) if matches!(shortfall.reason, Reason::Aborted | Reason::NotEligible) => Status::Suppressed,
            Err(_) => Status::EnqueueFailed,
        }
    }

    /// The reason, where it is not rendered.
    pub fn shortfall(&self) -> Option<&Shortfall> {
        self.result.as_ref().err()
    }

    /// The campaign event that tells it; none for what is suppressed, and for a preview.
    pub fn event(&self) -> Option<CampaignEvent<'_>> {
        let told = self.purpose != Purpose::Preview && self.status() != Status::Suppressed;
        told.then_some(CampaignEvent(self))
    }

    /// The outcome without its event, for files that have the events elsewhere.
    pub fn without_event(&self) -> impl Serialize + '_ {
        OutcomeForm { outcome: self, with_event: false }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        OutcomeForm { outcome: self, with_event: true }.serialize(serializer)
    }
}

struct OutcomeForm<'a> {
    outcome: &'a Outcome,
    with_event: bool,
}

impl Serialize for OutcomeForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Outcome { message_id, customer_id, channel, purpose, result, .. } = self.outcome;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message_id", message_id)?;
        map.serialize_entry("customer_id", customer_id)?;
        map.serialize_entry("channel", channel)?;
        map.serialize_entry("mode", purpose)?;
        map.serialize_entry("status", self.outcome.status().as_str())?;
        match result {
            Ok(Personalized { parts, vouchers }) => {
                map.serialize_entry("parts", &Pairs(parts))?;
                map.serialize_entry("vouchers", &vouchers.iter().map(GivenVoucher::from).collect::<Vec<_>>())?;
            }
            Err(Shortfall { reason, pool, message }) => {
                map.serialize_entry("reason", reason.as_str())?;
                map.serialize_entry("pool", pool)?;
                map.serialize_entry("message", message)?;
            }
        }
        if self.with_event {
            map.serialize_entry("event", &self.outcome.event())?;
        }
        map.end()
    }
}

struct Pairs<'a>(&'a [(&'static str, String)]);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, text)| (name, text)))
    }
}

/// A voucher that somebody was given. Its JSON is that in outcomes.
#[derive(Debug, Clone, Copy)]
pub struct GivenVoucher<'a> {
    /// The pool that was asked for.
    pub pool: &'a PoolName,
    /// The voucher and where it came from.
    pub binding: &'a Binding,
}

impl<'a> From<&'a Used> for GivenVoucher<'a> {
    fn from(Used { pool, binding, .. }: &'a Used) -> GivenVoucher<'a> {
        GivenVoucher { pool, binding }
    }
}

impl Serialize for GivenVoucher<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let GivenVoucher { pool, binding } = self;
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("pool", pool)?;
        map.serialize_entry("code", &binding.voucher.code)?;
        map.serialize_entry("source", &binding.source)?;
        map.serialize_entry("from", &binding.from)?;
        map.serialize_entry("expires_at", &binding.voucher.expires_at)?;
        map.serialize_entry("metadata", &*binding.voucher.metadata)?;
        map.end()
    }
}

/// The campaign event of an outcome: what a campaign's analytics are fed with.
#[derive(Debug, Clone, Copy)]
pub struct CampaignEvent<'a>(&'a Outcome);

impl Serialize for CampaignEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("type", "campaign")?;
        map.serialize_entry("timestamp", &format!("{:.3}", self.0.timestamp))?;
        map.serialize_entry("customer_id", &self.0.customer_id)?;
        map.serialize_entry("properties", &Properties(self.0))?;
        map.end()
    }
}

struct Properties<'a>(&'a Outcome);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Outcome { message_id, campaign_id, channel, purpose, .. } = self.0;
        let shortfall = self.0.shortfall();
        let mut map = serializer.serialize_map(Some(8))?;
        map.serialize_entry("campaign_id", campaign_id)?;
        map.serialize_entry("message_id", message_id)?;
        map.serialize_entry("channel", channel)?;
        map.serialize_entry("mode", purpose)?;
        map.serialize_entry("status", if shortfall.is_some() { "enqueue_failed" } else { "enqueued" })?;
        map.serialize_entry("reason", &shortfall.map(|shortfall| shortfall.reason.as_str()))?;
        map.serialize_entry("pool", &shortfall.and_then(|shortfall| shortfall.pool.as_ref()))?;
        map.serialize_entry("message", &shortfall.map(|shortfall| &shortfall.message))?;
        map.end()
    }
}
