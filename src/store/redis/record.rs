//! How a binding is packed.
//!
//! ```text
//! byte 0      bits 0-1 kind: 0 voucher, 1 fallback code, 2 choice of an overflow pool, 3 pointer
//!             bit 2 test · 3 ends · 4 given to another pool's overflow · 5 redeemed · 6 void
//! byte 1      bits 0-2 channel · 3-4 width · 5-6 how the message id is written
//! bytes 2-7   when it was taken, in ms · bytes 8-10 number of the campaign, 0 for none
//! 6 bytes     when it ends, in ms (if bit 3) · 6 bytes when it was redeemed (if bit 5)
//! text        the code, or the pool that is chosen; a tab and another pool's name: the one that the template names, for a
//!             voucher, the one that the code is from, for a fallback code · line feed · customer · line feed and message id
//! ```
//!
//! A message id `<campaign>/<customer>` is not written at all, of `<text>/<customer>` the text. Of a customer who was forgotten,
//! neither customer nor message is written.

use jiff::Timestamp;

use super::reply::strange;
use crate::error::Result;
use crate::voucher::{CampaignId, Channel, Code, CustomerId, MessageId, MessageIdentity, Mode, PoolName, Width};

const KIND: u8 = 3;
const POINTER: u8 = 3;
const TEST: u8 = 4;
const ENDS: u8 = 8;
const VIA: u8 = 16;
const REDEEMED: u8 = 32;
const VOID: u8 = 64;

/// What a binding binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Voucher,
    Fallback,
    /// Whatever an overflow pool gives.
    Choice,
}

/// A binding as it is packed, read again. The campaign is a number that the pool knows.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) kind: Kind,
    pub(super) mode: Mode,
    pub(super) is_own: bool,
    pub(super) channel: Channel,
    pub(super) is_void: bool,
    /// Whether another pool's name took it.
    pub(super) is_via: bool,
    pub(super) assigned_at: Timestamp,
    pub(super) campaign: u32,
    pub(super) ends: Option<Timestamp>,
    pub(super) redeemed_at: Option<Timestamp>,
    /// The code, or the name of the pool that is chosen.
    pub(super) code: String,
    /// See the layout.
    pub(super) other_pool: Option<PoolName>,
    /// Whose it is, unless that was forgotten.
    pub(super) customer: Option<CustomerId>,
    message: Written,
}

/// How a message id is written.
#[derive(Debug, Clone)]
enum Written {
    AsCampaignAndCustomer,
    BeforeCustomer(String),
    Whole(MessageId),
}

/// The first two bytes of the record of a voucher that never ends, and the part that says whose the binding is.
pub(super) fn identity(message: &MessageIdentity, width: Width, via: bool) -> ([u8; 2], Vec<u8>) {
    let MessageIdentity { message_id, customer_id, campaign_id, channel, mode } = message;
    let test = if *mode == Mode::Test { TEST } else { 0 };
    let (form, written) = match message_id.as_str().split_once('/') {
        Some((start, rest)) if rest == customer_id.as_str() => {
            match campaign_id.as_ref().is_some_and(|campaign| campaign.as_str() == start) {
                true => (0, None),
                false => (1, Some(start)),
            }
        }
        _ => (2, Some(message_id.as_str())),
    };
    let channel = Channel::ALL.iter().position(|known| known == channel).unwrap_or_default();
    let width = match width {
        Width::Occurrence(_) => 0,
        Width::Message => 1,
        Width::Campaign => 2,
        Width::Customer => 3,
    };
    let marks = u8::try_from(channel).unwrap_or_default() | (width << 3) | (form << 5);
    let mut packed = customer_id.as_str().as_bytes().to_vec();
    if let Some(written) = written {
        packed.push(b'\n');
        packed.extend_from_slice(written.as_bytes());
    }
    ([test | if via { VIA } else { 0 }, marks], packed)
}

/// The record in a reservation, which begins with the lease and the moment at which the voucher itself ends.
pub(super) fn record_of(reservation: &[u8]) -> Result<Record> {
    Record::read(reservation.get(14..).ok_or_else(strange)?)
}

/// Whether a message's id says whose it is, so that its bindings are enough to know it by.
pub(super) fn is_implied(message: &MessageIdentity) -> bool {
    message.mode == Mode::Live && is_usual(message)
}

/// Whether a message's id ends with its customer, as the ids of campaigns do.
pub(super) fn is_usual(message: &MessageIdentity) -> bool {
    let id = message.message_id.as_str();
    id.split_once('/').is_some_and(|(_, rest)| rest == message.customer_id.as_str())
}

impl Record {
    /// Whether it is a pointer, which stands in the bucket of a customer whose binding lies elsewhere.
    pub(super) fn is_pointer(packed: &[u8]) -> bool {
        packed.first().is_some_and(|flags| flags & KIND == POINTER)
    }

    /// Reads a packed record.
    pub(super) fn read(packed: &[u8]) -> Result<Record> {
        let mut rest = Reader(packed);
        let (flags, marks) = (rest.number(1)?, rest.number(1)?);
        let (flags, marks) = (flags.to_be_bytes()[7], marks.to_be_bytes()[7]);
        let assigned_at = rest.moment()?;
        let campaign = u32::try_from(rest.number(3)?).map_err(|_| strange())?;
        let ends = (flags & ENDS > 0).then(|| rest.moment()).transpose()?;
        let redeemed_at = (flags & REDEEMED > 0).then(|| rest.moment()).transpose()?;
        let text = std::str::from_utf8(rest.0).map_err(|_| strange())?;
        let mut parts = text.split('\n');
        let (code, other_pool) = match parts.next().unwrap_or_default().split_once('\t') {
            Some((code, pool)) => (code, Some(PoolName::new(pool).map_err(|_| strange())?)),
            None => (text.split('\n').next().unwrap_or_default(), None),
        };
        let customer = match parts.next().ok_or_else(strange)? {
            "" => None,
            id => Some(CustomerId::new(id).map_err(|_| strange())?),
        };
        let written = parts.next();
        let message = match (marks >> 5, written) {
            (0, None) => Written::AsCampaignAndCustomer,
            (1, Some(start)) => Written::BeforeCustomer(start.to_owned()),
            (2, Some(id)) => Written::Whole(MessageId::new(id).map_err(|_| strange())?),
            _ => return Err(strange()),
        };
        Ok(Record {
            kind: match flags & KIND {
                0 => Kind::Voucher,
                1 => Kind::Fallback,
                2 => Kind::Choice,
                _ => return Err(strange()),
            },
            mode: if flags & TEST > 0 { Mode::Test } else { Mode::Live },
            is_own: (marks >> 3) & 3 < 2,
            channel: *Channel::ALL.get(usize::from(marks & 7)).ok_or_else(strange)?,
            is_void: flags & VOID > 0,
            is_via: flags & VIA > 0,
            assigned_at,
            campaign,
            ends,
            redeemed_at,
            code: code.to_owned(),
            other_pool,
            customer,
            message,
        })
    }

    /// The message that took it, unless that was forgotten.
    pub(super) fn message(&self, campaign: Option<&CampaignId>) -> Result<Option<MessageId>> {
        let Some(customer) = self.customer.as_ref().map(CustomerId::as_str) else { return Ok(None) };
        match (&self.message, campaign) {
            (Written::AsCampaignAndCustomer, Some(campaign)) => MessageId::new(format!("{campaign}/{customer}")),
            (Written::AsCampaignAndCustomer, None) => Err(strange()),
            (Written::BeforeCustomer(start), _) => MessageId::new(format!("{start}/{customer}")),
            (Written::Whole(id), _) => Ok(id.clone()),
        }
        .map(Some)
    }

    /// The code.
    pub(super) fn code(&self) -> Result<Code> {
        Code::new(&self.code).map_err(|_| strange())
    }

    /// Whether it is over at `now`: ended by hand, or its time is past and it was not redeemed.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.is_void || (self.redeemed_at.is_none() && self.ends.is_some_and(|ends| ends <= now))
    }
}

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self, bytes: usize) -> Result<u64> {
        let (head, rest) = self.0.split_at_checked(bytes).ok_or_else(strange)?;
        self.0 = rest;
        Ok(head.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn moment(&mut self) -> Result<Timestamp> {
        let milliseconds = i64::try_from(self.number(6)?).map_err(|_| strange())?;
        Timestamp::from_millisecond(milliseconds).map_err(|_| strange())
    }
}
