//! Asking one pool for a batch of claims.

use redis::Value;

use super::address::{Anchors, Hash};
use super::campaigns::Campaigns;
use super::packed::Packed;
use super::pool_call::Space;
use super::record::{self, Record, record_of};
use super::script::{Call, RESERVE};
use super::stock::Pick;
use super::{RedisStore, reply};
use crate::error::Result;
use crate::voucher::{Claim, ClaimKey, Lease, PoolName, Refusal, Rejection};

/// How many claims one call answers at most.
pub(super) const PORTION: usize = 500;

/// A claim, and what its addresses are made of.
pub(super) struct Asked<'a> {
    pub(super) claim: &'a Claim,
    key: ClaimKey,
    /// That of the message's id.
    pub(super) hash: Hash,
    anchors: Anchors,
}

impl Asked<'_> {
    pub(super) fn new(claim: &Claim) -> Result<Asked<'_>> {
        let (hash, anchors) = (Hash::of_message(&claim.message.message_id), Anchors::of(&claim.message));
        Ok(Asked { claim, key: claim.required_key()?, hash, anchors })
    }
}

/// The pool that the template names, where another pool is asked for it.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) pool: PoolName,
    pub(super) number: u64,
}

/// How often a chain was asked already, and whether the choices that led to nothing were assigned: see `reserve.lua`.
#[derive(Clone, Copy)]
pub(super) enum Round<'a> {
    First,
    Again {
        met_assigned: bool,
    },
    Last {
        met_assigned: bool,
    },
    /// No chain at all, but what may be taken of the pool's own stock.
    Matching(&'a [Pick]),
}

/// What is to be given once a chain has nothing, and the pool that it is from.
pub(super) type Fallback = Option<(String, PoolName)>;

/// A pool's answer to one claim.
pub(super) enum Answer {
    /// A voucher or a fallback code, reserved or not.
    Bound(Box<Record>, bool),
    /// Whatever another pool gives.
    Choice {
        pool: PoolName,
        /// Whether this call made the choice.
        is_new: bool,
        is_assigned: bool,
        is_contended: bool,
    },
    /// Nothing, and whether that may change.
    Refused(Refusal, bool),
    /// What an overflow pool had given is over.
    Over,
    Rejected(Rejection),
}

/// What a pool says of itself, and its answers in order.
pub(super) struct Answers {
    pub(super) number: u64,
    pub(super) fallback: Fallback,
    pub(super) has_metadata: bool,
    pub(super) answers: Vec<Answer>,
    /// How much of what might have been taken does not lie there any more.
    pub(super) gone: u64,
}

impl RedisStore {
    /// Asks one pool, in portions. `None` if there is no such pool.
    pub(super) async fn ask_pool(
        &self,
        lease: &Lease,
        pool: &PoolName,
        named: Option<&Named>,
        round: Round<'_>,
        fallback: &Fallback,
        asked: &[&Asked<'_>],
    ) -> Result<Option<Answers>> {
        lease.touch(pool, named.is_some());
        let mut all: Option<Answers> = None;
        let empty: &[&Asked<'_>] = &[];
        for portion in asked.chunks(PORTION).chain(asked.is_empty().then_some(empty)) {
            let fill = |space: &Space, call: &mut Call| {
                fill(space, call, lease, named, round, fallback, portion);
            };
            let Some(found) = self.call_pool(pool, &RESERVE, false, fill).await? else { return Ok(None) };
            let found = Answers::read(pool, found)?;
            match &mut all {
                Some(all) => {
                    all.answers.extend(found.answers);
                    all.gone += found.gone;
                }
                None => all = Some(found),
            }
        }
        Ok(all)
    }
}

/// Adds the keys and arguments of `reserve.lua`.
fn fill(
    space: &Space,
    call: &mut Call,
    lease: &Lease,
    named: Option<&Named>,
    round: Round<'_>,
    fallback: &Fallback,
    asked: &[&Asked<'_>],
) {
    call.push(lease.id.get().to_be_bytes());
    call.push_number(lease.time.as_millis());
    call.push(named.map_or("", |named| named.pool.as_str()));
    let (name, met_assigned) = match round {
        Round::First => ("first", false),
        Round::Again { met_assigned } => ("again", met_assigned),
        Round::Last { met_assigned } => ("last", met_assigned),
        Round::Matching(_) => ("matching", false),
    };
    call.push(name);
    call.push(if met_assigned { "1" } else { "0" });
    let (code, from) = fallback.as_ref().map_or(("", ""), |(code, from)| (code, from.as_str()));
    call.push(code);
    call.push(if from == space.pool.as_str() { "" } else { from });
    let campaigns = Campaigns::of(asked.iter().map(|asked| asked.claim.message.campaign_id.as_ref()));
    campaigns.declare(call);
    let (mut packed, mut hashes) = (Packed::default(), Packed::default());
    for Asked { claim, key, hash, anchors } in asked {
        let message = &*claim.message;
        let field = anchors.field(key, named.map(|named| named.number));
        packed.number(space.keys_place(call, field.anchor()));
        packed.number(space.keys_place(call, anchors.customer.head()));
        packed.number(campaigns.place(message.campaign_id.as_ref()));
        packed.fixed(&field.0);
        hashes.fixed(&hash.head::<16>());
        let (head, identity) = record::identity(message, claim.width, named.is_some());
        packed.fixed(&head);
        packed.text(&identity);
    }
    call.push(packed);
    call.push(hashes);
    if let Round::Matching(picks) = round {
        picks.iter().for_each(|pick| pick.push(call));
    }
}

impl Answers {
    fn read(pool: &PoolName, found: Vec<redis::Value>) -> Result<Answers> {
        let mut found = found.into_iter();
        let number = reply::number(found.next().as_ref())?;
        let fallback = reply::text(found.next().ok_or_else(reply::strange)?)?;
        let has_metadata = reply::number(found.next().as_ref())? > 0;
        let letters = reply::bytes(found.next().ok_or_else(reply::strange)?)?;
        let bound = reply::list(found.next().ok_or_else(reply::strange)?)?;
        Ok(Answers {
            gone: reply::number(found.next().as_ref())?,
            number,
            fallback: (!fallback.is_empty()).then(|| (fallback, pool.clone())),
            has_metadata,
            answers: letters
                .into_iter()
                .zip(bound)
                .map(|(letter, bound)| Answer::read(letter, bound))
                .collect::<Result<_>>()?,
        })
    }
}

impl Answer {
    fn read(letter: u8, bound: Value) -> Result<Answer> {
        let bound = reply::bytes(bound)?;
        Ok(match letter {
            b'r' => Answer::Bound(Box::new(record_of(&bound)?), true),
            b'a' => Answer::Bound(Box::new(Record::read(&bound)?), false),
            b'n' | b'N' | b'f' => Answer::choice(&record_of(&bound)?, letter)?,
            b'F' => Answer::choice(&Record::read(&bound)?, letter)?,
            b'p' => Answer::Refused(Refusal::PoolPaused, false),
            b'l' | b'L' => Answer::Refused(Refusal::LimitReached, letter == b'L'),
            b'e' | b'E' => Answer::Refused(Refusal::PoolEmpty, letter == b'E'),
            b'x' => Answer::Over,
            b'X' => Answer::Rejected(Rejection::Released),
            b'C' => Answer::Rejected(Rejection::Conflict),
            _ => return Err(reply::strange()),
        })
    }

    fn choice(record: &Record, letter: u8) -> Result<Answer> {
        Ok(Answer::Choice {
            pool: PoolName::new(&record.code).map_err(|_| reply::strange())?,
            is_new: matches!(letter, b'n' | b'N'),
            is_assigned: letter == b'F',
            is_contended: letter == b'N',
        })
    }
}
