//! A message's demand for a voucher, and what becomes of it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CampaignId, Channel, Code, CustomerId, MessageId, PoolName, Voucher};
use crate::error::{Error, ErrorKind, Result};

/// Whether a message goes to its customer or to a tester. The two never share a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// For the customer.
    Live,
    /// A test send: it consumes, is marked as a test and can be reclaimed.
    Test,
}

impl Mode {
    /// `live` or `test`.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Live => "live",
            Mode::Test => "test",
        }
    }
}

/// Who a message is for and what it belongs to. A message id is bound to its customer and mode, not to its channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageIdentity {
    /// The idempotency key.
    pub message_id: MessageId,
    /// Whom it is for.
    pub customer_id: CustomerId,
    /// The campaign, where there is one.
    pub campaign_id: Option<CampaignId>,
    /// How it travels.
    pub channel: Channel,
    /// Live or test.
    pub mode: Mode,
}

/// How widely one code is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Width {
    /// A code for the n-th uncached call of this pool in the message, counted from 1 in evaluation order over its parts.
    Occurrence(u32),
    /// One code in the whole message.
    Message,
    /// One code for the customer in the whole campaign.
    Campaign,
    /// One code for the customer, for good.
    Customer,
}

/// A message's demand for a voucher of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The pool that the template names.
    pub pool: PoolName,
    /// How widely the code is used again.
    pub width: Width,
    /// The message that asks.
    pub message: Arc<MessageIdentity>,
}

impl Claim {
    /// The key under which the store binds a voucher to this claim, or `None` for a claim by campaign without one.
    ///
    /// Two claims of a pool with equal keys get the same voucher.
    pub fn key(&self) -> Option<ClaimKey> {
        let MessageIdentity { message_id, customer_id, campaign_id, mode, .. } = &*self.message;
        let test = if *mode == Mode::Test { "test:" } else { "" };
        let (message, customer) = (message_id.as_str(), customer_id.as_str());
        let key = match self.width {
            Width::Occurrence(n) => format!("{test}occurrence:{n}:{message}"),
            Width::Message => format!("{test}message:{message}"),
            Width::Campaign => format!("{test}campaign:{}:{customer}", campaign_id.as_ref()?),
            Width::Customer => format!("{test}customer:{customer}"),
        };
        Some(ClaimKey(key.into()))
    }

    /// The same, for who cannot go on without one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a claim by campaign without one.
    pub fn required_key(&self) -> Result<ClaimKey> {
        self.key().ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a voucher for a whole campaign was claimed without a campaign")
                .with_help("give the message a campaign id")
        })
    }
}

/// A claim's key in its pool: mode and width, then the ids of that width. It may hold a customer's id, so `Debug` does not show it.
///
/// The forms are `message:<id>`, `occurrence:<n>:<id>`, `campaign:<campaign>:<customer>` and `customer:<id>`, with `test:`
/// before them for a test message. No two claims share a form by accident: campaign ids have no colon, and what follows the
/// last fixed part is one id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey(Arc<str>);

impl ClaimKey {
    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a key of `message` alone.
    pub fn is_of(&self, message: &MessageIdentity) -> bool {
        let (mode, owner) = self.parts();
        mode == message.mode && matches!(owner, KeyOwner::Message { id, .. } if id == message.message_id.as_str())
    }

    /// What the key is made of.
    pub fn parts(&self) -> (Mode, KeyOwner<'_>) {
        let (mode, key) = match self.0.strip_prefix("test:") {
            Some(key) => (Mode::Test, key),
            None => (Mode::Live, &*self.0),
        };
        let (width, id) = split(key);
        let owner = match width {
            "occurrence" => {
                let (n, id) = split(id);
                KeyOwner::Message { id, occurrence: n.parse().ok() }
            }
            "message" => KeyOwner::Message { id, occurrence: None },
            "campaign" => {
                let (campaign, id) = split(id);
                KeyOwner::Customer { id, campaign: Some(campaign) }
            }
            _ => KeyOwner::Customer { id, campaign: None },
        };
        (mode, owner)
    }
}

/// Splits a part of a key off. Only [`Claim::key`] makes keys, so that each has all the parts of its form.
fn split(key: &str) -> (&str, &str) {
    key.split_once(':').unwrap_or_default()
}

/// Whose a claim's key is: what every width comes down to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum KeyOwner<'k> {
    /// One message's.
    Message {
        /// The message's id.
        id: &'k str,
        /// The call that the code is for, or none for a code of the whole message.
        occurrence: Option<u32>,
    },
    /// One customer's.
    Customer {
        /// The customer's id.
        id: &'k str,
        /// The campaign that the code is for, or none for a code for good.
        campaign: Option<&'k str>,
    },
}

impl fmt::Debug for KeyOwner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyOwner(…)")
    }
}

impl fmt::Debug for ClaimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimKey(…)")
    }
}

/// Where a code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// From the stock of the pool that the template names.
    Pool,
    /// From the stock of a pool further down its overflow chain.
    Overflow,
    /// The fallback code of the pool, or of the last one of its chain.
    Fallback,
}

/// A voucher bound to a claim's key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// The voucher.
    pub voucher: Voucher,
    /// How it was found.
    pub source: Source,
    /// The pool that gave it.
    pub from: PoolName,
    /// When it was taken from its pool. It stays the same from reservation to redemption.
    pub assigned_at: Timestamp,
    /// Whether it is still only reserved: it goes back unless it is settled.
    pub reserved: bool,
}

/// The store's answer to one claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// Bound: found so, or taken just now. A reserved one carries the asking lease's tag.
    Bound(Binding),
    /// There is nothing for this claim, and that is final: no other lease holds a reservation that could go back.
    Refused(Refusal),
    /// There is nothing at this moment, but another lease holds reservations that may go back. Ask again.
    Contended(Refusal),
    /// The message may not claim at all.
    Rejected(Rejection),
}

/// Why a claim gets no voucher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The pool and its overflow chain have no available voucher, and no fallback code.
    PoolEmpty,
    /// The pool takes no new claims.
    PoolPaused,
    /// There is no such pool.
    UnknownPool,
    /// A limit of the pool is reached.
    LimitReached,
}

impl Refusal {
    /// The reason in outcomes and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::PoolEmpty => "pool_empty",
            Refusal::PoolPaused => "pool_paused",
            Refusal::UnknownPool => "unknown_pool",
            Refusal::LimitReached => "limit_reached",
        }
    }
}

/// Why a message may not claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// Its id is bound to another customer or mode.
    Conflict,
    /// Its id was released by hand and is retired.
    Released,
}

/// One code that a message shows, found bound or reserved for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The pool that the template names.
    pub pool: PoolName,
    /// The claim's key.
    pub key: ClaimKey,
    /// The code.
    pub code: Code,
}

/// A message that is complete, with every code that it shows, to be accepted by the store before it is delivered.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The message.
    pub message: Arc<MessageIdentity>,
    /// Every code in it, those included that were bound before.
    pub shown: Vec<Shown>,
}

/// The store's answer to a message that is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Everything it shows is assigned to it. It may be delivered.
    Accepted,
    /// Something it shows is no longer bound as shown, or its id is retired. It renders anew.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_what_it_is_made_of() {
        let (id, customer) = ("spring:2026/test:c1", "message:c1");
        let claim = |width, mode| Claim {
            pool: PoolName::new("spring").unwrap(),
            width,
            message: Arc::new(MessageIdentity {
                message_id: MessageId::new(id).unwrap(),
                customer_id: CustomerId::new(customer).unwrap(),
                campaign_id: Some(CampaignId::new("test").unwrap()),
                channel: Channel::Sms,
                mode,
            }),
        };
        for mode in [Mode::Live, Mode::Test] {
            for (width, owner) in [
                (Width::Occurrence(3), KeyOwner::Message { id, occurrence: Some(3) }),
                (Width::Message, KeyOwner::Message { id, occurrence: None }),
                (Width::Campaign, KeyOwner::Customer { id: customer, campaign: Some("test") }),
                (Width::Customer, KeyOwner::Customer { id: customer, campaign: None }),
            ] {
                let claim = claim(width, mode);
                let key = claim.key().unwrap();
                assert!(key.parts() == (mode, owner), "{width:?} {mode:?}");
                assert_eq!(key.is_of(&claim.message), matches!(owner, KeyOwner::Message { .. }));
            }
        }
    }
}
