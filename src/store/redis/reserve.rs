//! Answering a batch of claims: one call for each pool, and one more for each pool of an overflow chain.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::address::Hash;
use super::campaigns::Campaigns;
use super::lookup::LONGEST_CHAIN;
use super::record::{self, Kind, Record, field_of};
use super::script::{Call, RESERVE};
use super::{RedisStore, reply};
use crate::error::Result;
use crate::voucher::{
    Binding, Claim, ClaimKey, Claimed, Code, Lease, MessageId, Metadata, Mode, PoolName, Refusal, Rejection, Source,
    Voucher,
};

/// How many claims one call answers at most.
const PORTION: usize = 500;

/// A claim with its key.
struct Asked<'a> {
    claim: &'a Claim,
    key: ClaimKey,
}

/// The pool that the template names, where another pool is asked for it.
#[derive(Clone)]
struct Named {
    pool: PoolName,
    number: u64,
}

/// How often a chain was asked already, and whether the choices that led to nothing were assigned: see `reserve.lua`.
#[derive(Clone, Copy)]
enum Round {
    First,
    Again { met_assigned: bool },
    Last { met_assigned: bool },
}

/// What is to be given once a chain has nothing, and the pool that it is from.
type Fallback = Option<(String, PoolName)>;

/// A pool's answer to one claim.
enum Answer {
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
struct Answers {
    number: u64,
    fallback: Fallback,
    has_metadata: bool,
    answers: Vec<Answer>,
}

/// A claim on its way down an overflow chain.
#[derive(Clone)]
struct Descent {
    claim: usize,
    pool: PoolName,
    /// Whether every choice so far was made by this call.
    is_fresh: bool,
    /// Whether a choice on the way was assigned already.
    met_assigned: bool,
    is_contended: bool,
    fallback: Fallback,
}

impl RedisStore {
    /// Answers every claim: `Claims::reserve`.
    pub(super) async fn reserve_all(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        let keys = claims.iter().map(Claim::required_key).collect::<Result<Vec<_>>>()?;
        let rejected = self.rejected(claims).await?;
        let mut pools: BTreeMap<&PoolName, Vec<usize>> = BTreeMap::new();
        for (n, claim) in claims.iter().enumerate().filter(|(n, _)| rejected[*n].is_none()) {
            pools.entry(&claim.pool).or_default().push(n);
        }
        let touched = lease.touched();
        let others = touched.iter().filter(|pool| !pools.contains_key(pool));
        let renewals = try_join_all(others.map(|pool| self.renew(lease, pool)));
        let asked = try_join_all(pools.iter().map(|(pool, places)| {
            let asked: Vec<_> = places.iter().map(|n| Asked { claim: &claims[*n], key: keys[*n].clone() }).collect();
            async move { self.ask_chain(lease, pool, &asked).await }
        }));
        let (answers, _) = futures_util::future::try_join(asked, renewals).await?;
        let mut answers: HashMap<usize, Claimed> =
            pools.into_values().zip(answers).flat_map(|(places, answers)| places.into_iter().zip(answers)).collect();
        let rejected = rejected.into_iter().enumerate();
        rejected
            .map(|(n, rejection)| match rejection {
                Some(rejection) => Ok(Claimed::Rejected(rejection)),
                None => answers.remove(&n).ok_or_else(reply::strange),
            })
            .collect()
    }

    /// What the registry has against each claim's message.
    async fn rejected(&self, claims: &[Claim]) -> Result<Vec<Option<Rejection>>> {
        let mut places: HashMap<&MessageId, usize> = HashMap::new();
        let mut messages = Vec::new();
        for claim in claims {
            let id = &claim.message.message_id;
            places.entry(id).or_insert_with(|| {
                messages.push(id);
                messages.len() - 1
            });
        }
        let standings = self.standings(&messages).await?;
        let standing = |claim: &Claim| standings[places[&claim.message.message_id]].as_ref();
        let unknown: Vec<_> =
            claims.iter().filter(|claim| standing(claim).is_none()).map(|claim| &*claim.message).collect();
        let live = self.live_ids(&unknown).await?;
        let rejection = |claim: &Claim| match standing(claim) {
            Some(standing) if standing.is_retired => Some(Rejection::Released),
            Some(standing) => (!standing.is_of(&claim.message)).then_some(Rejection::Conflict),
            None => (claim.message.mode == Mode::Test && live.contains(&claim.message.message_id))
                .then_some(Rejection::Conflict),
        };
        Ok(claims.iter().map(rejection).collect())
    }

    async fn renew(&self, lease: &Lease, pool: &PoolName) -> Result<()> {
        self.ask_pool(lease, pool, None, Round::First, &None, &[]).await?;
        Ok(())
    }

    /// Asks a pool, then those that it overflows into.
    async fn ask_chain(&self, lease: &Lease, pool: &PoolName, asked: &[Asked<'_>]) -> Result<Vec<Claimed>> {
        let mut claimed: Vec<Option<Claimed>> = asked.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..asked.len()).collect();
        loop {
            let in_vain = claims_in_vain(&claimed);
            let again = self.descend(lease, pool, asked, Round::First, open, &mut claimed).await?;
            for met_assigned in [false, true] {
                let open = again.iter().filter(|end| end.met_assigned == met_assigned).map(|end| end.claim).collect();
                self.descend(lease, pool, asked, Round::Again { met_assigned }, open, &mut claimed).await?;
            }
            // What asks a chain in vain counts for limits meanwhile: those whom it kept out ask again.
            if claims_in_vain(&claimed) == in_vain {
                break;
            }
            open = (0..asked.len()).filter(|n| is_limited(claimed[*n].as_ref())).collect();
        }
        // A rival has made, or settled, the same choice meanwhile: nothing is known of the chain.
        let busy = || Claimed::Contended(Refusal::PoolEmpty);
        Ok(claimed.into_iter().map(|claimed| claimed.unwrap_or_else(busy)).collect())
    }

    /// Takes the `open` claims through the chain once; says which must go through again, because a choice that somebody made
    /// earlier led to nothing.
    async fn descend(
        &self,
        lease: &Lease,
        pool: &PoolName,
        asked: &[Asked<'_>],
        round: Round,
        open: Vec<usize>,
        claimed: &mut [Option<Claimed>],
    ) -> Result<Vec<Descent>> {
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let subset: Vec<&Asked<'_>> = open.iter().map(|n| &asked[*n]).collect();
        let Some(found) = self.ask_pool(lease, pool, None, round, &None, &subset).await? else {
            for n in open {
                claimed[n] = Some(Claimed::Refused(Refusal::UnknownPool));
            }
            return Ok(Vec::new());
        };
        let named = Named { pool: pool.clone(), number: found.number };
        let start = Descent {
            claim: 0,
            pool: pool.clone(),
            is_fresh: true,
            met_assigned: false,
            is_contended: false,
            fallback: None,
        };
        let mut ends = Ends::default();
        let descents = open.into_iter().map(|claim| Descent { claim, ..start.clone() }).collect();
        let mut frontier = self.sort(pool, None, descents, found, claimed, &mut ends).await?;
        for _ in 1..LONGEST_CHAIN {
            let mut next = Vec::new();
            for (pool, descents) in by_pool(frontier) {
                let subset: Vec<&Asked<'_>> = descents.iter().map(|descent| &asked[descent.claim]).collect();
                match self.ask_pool(lease, &pool, Some(&named), round, &None, &subset).await? {
                    Some(found) => {
                        next.extend(self.sort(&pool, Some(&named), descents, found, claimed, &mut ends).await?);
                    }
                    None => ends.exhausted.extend(descents),
                }
            }
            frontier = next;
        }
        let is_last = |end: &Descent| end.is_fresh || matches!(round, Round::Again { .. });
        let (last, mut again): (_, Vec<Descent>) = ends.exhausted.into_iter().partition(is_last);
        self.finish(lease, pool, asked, last, claimed).await?;
        again.extend(ends.over);
        Ok(again)
    }

    /// Notes what a pool answered, and says which claims go on to the next one.
    async fn sort(
        &self,
        pool: &PoolName,
        named: Option<&Named>,
        descents: Vec<Descent>,
        found: Answers,
        claimed: &mut [Option<Claimed>],
        ends: &mut Ends,
    ) -> Result<Vec<Descent>> {
        let mut next = Vec::new();
        let mut bound = Vec::new();
        for (mut descent, answer) in descents.into_iter().zip(found.answers) {
            descent.fallback = descent.fallback.or_else(|| found.fallback.clone());
            match answer {
                Answer::Bound(record, is_reserved) => bound.push((descent.claim, record, is_reserved)),
                Answer::Choice { pool, is_new, is_assigned, is_contended } => {
                    descent.is_fresh &= is_new;
                    descent.met_assigned |= is_assigned;
                    descent.is_contended |= is_contended;
                    next.push(Descent { pool, ..descent });
                }
                Answer::Refused(Refusal::PoolEmpty, is_contended) if named.is_some() => {
                    ends.exhausted.push(Descent { is_contended: descent.is_contended || is_contended, ..descent });
                }
                Answer::Refused(refusal, is_contended) => claimed[descent.claim] = Some(refuse(refusal, is_contended)),
                Answer::Over => ends.over.push(descent),
                Answer::Rejected(rejection) => claimed[descent.claim] = Some(Claimed::Rejected(rejection)),
            }
        }
        let records: Vec<_> = bound.iter().map(|(_, record, is_reserved)| (&**record, *is_reserved)).collect();
        let bindings = self.bindings_from(pool, named.is_some(), found.has_metadata, &records).await?;
        for ((claim, ..), binding) in bound.iter().zip(bindings) {
            claimed[*claim] = Some(Claimed::Bound(binding));
        }
        Ok(next)
    }

    /// Asks the first pool once more for claims that the chain has nothing for: a voucher that came in meanwhile, the
    /// fallback code, or a final no.
    async fn finish(
        &self,
        lease: &Lease,
        pool: &PoolName,
        asked: &[Asked<'_>],
        exhausted: Vec<Descent>,
        claimed: &mut [Option<Claimed>],
    ) -> Result<()> {
        let mut groups: BTreeMap<(Fallback, bool), Vec<Descent>> = BTreeMap::new();
        for end in exhausted {
            groups.entry((end.fallback.clone(), end.met_assigned)).or_default().push(end);
        }
        for ((fallback, met_assigned), ends) in groups {
            let subset: Vec<&Asked<'_>> = ends.iter().map(|end| &asked[end.claim]).collect();
            let round = Round::Last { met_assigned };
            let Some(mut found) = self.ask_pool(lease, pool, None, round, &fallback, &subset).await? else {
                continue;
            };
            for (end, answer) in ends.iter().zip(&mut found.answers) {
                if let Answer::Refused(Refusal::PoolEmpty, is_contended) = answer {
                    *is_contended |= end.is_contended;
                }
            }
            self.sort(pool, None, ends, found, claimed, &mut Ends::default()).await?;
        }
        Ok(())
    }

    /// Asks one pool, in portions. `None` if there is no such pool.
    async fn ask_pool(
        &self,
        lease: &Lease,
        pool: &PoolName,
        named: Option<&Named>,
        round: Round,
        fallback: &Fallback,
        asked: &[&Asked<'_>],
    ) -> Result<Option<Answers>> {
        lease.touch(pool, named.is_some());
        let mut all: Option<Answers> = None;
        let empty: &[&Asked<'_>] = &[];
        for portion in asked.chunks(PORTION).chain(asked.is_empty().then_some(empty)) {
            let fill = |space: &super::pool_call::Space, call: &mut Call| {
                fill(space, call, lease, named, round, fallback, portion);
            };
            let Some(found) = self.call_pool(pool, &RESERVE, false, fill).await? else { return Ok(None) };
            let found = Answers::read(pool, found)?;
            match &mut all {
                Some(all) => all.answers.extend(found.answers),
                None => all = Some(found),
            }
        }
        Ok(all)
    }

    /// The bindings that records of a pool stand for.
    pub(super) async fn bindings_from(
        &self,
        pool: &PoolName,
        by_overflow: bool,
        has_metadata: bool,
        records: &[(&Record, bool)],
    ) -> Result<Vec<Binding>> {
        let codes = records.iter().map(|(record, _)| record.code()).collect::<Result<Vec<_>>>()?;
        let metadata = if has_metadata { self.metadata(pool, &codes).await? } else { vec![None; codes.len()] };
        let bind = |(record, reserved): &(&Record, bool), code: Code, metadata: Option<Arc<Metadata>>| {
            let (source, from) = match record.kind {
                Kind::Fallback => (Source::Fallback, record.other_pool.as_ref().unwrap_or(pool)),
                _ if by_overflow => (Source::Overflow, pool),
                _ => (Source::Pool, pool),
            };
            let voucher = Voucher { code, expires_at: record.ends, metadata: metadata.unwrap_or_default() };
            Binding { voucher, source, from: from.clone(), assigned_at: record.assigned_at, reserved: *reserved }
        };
        let bound = records.iter().zip(codes.into_iter().zip(metadata));
        Ok(bound.map(|(record, (code, metadata))| bind(record, code, metadata)).collect())
    }
}

/// Where claims came to an end that is not yet an answer.
#[derive(Default)]
struct Ends {
    exhausted: Vec<Descent>,
    over: Vec<Descent>,
}

fn refuse(refusal: Refusal, is_contended: bool) -> Claimed {
    if is_contended { Claimed::Contended(refusal) } else { Claimed::Refused(refusal) }
}

/// How many claims found a whole chain empty.
fn claims_in_vain(claimed: &[Option<Claimed>]) -> usize {
    let is_in_vain = |claimed: &&Option<Claimed>| {
        matches!(claimed, Some(Claimed::Refused(Refusal::PoolEmpty) | Claimed::Contended(Refusal::PoolEmpty)))
    };
    claimed.iter().filter(is_in_vain).count()
}

fn is_limited(claimed: Option<&Claimed>) -> bool {
    matches!(claimed, Some(Claimed::Refused(Refusal::LimitReached) | Claimed::Contended(Refusal::LimitReached)))
}

fn by_pool(descents: Vec<Descent>) -> BTreeMap<PoolName, Vec<Descent>> {
    let mut groups: BTreeMap<PoolName, Vec<Descent>> = BTreeMap::new();
    for descent in descents {
        groups.entry(descent.pool.clone()).or_default().push(descent);
    }
    groups
}

/// Adds the keys and arguments of `reserve.lua`.
fn fill(
    space: &super::pool_call::Space,
    call: &mut Call,
    lease: &Lease,
    named: Option<&Named>,
    round: Round,
    fallback: &Fallback,
    asked: &[&Asked<'_>],
) {
    call.push(lease.id.get().to_be_bytes());
    call.push_number(lease.time.as_millis());
    call.push(named.map_or("", |named| named.pool.as_str()));
    let (round, met_assigned) = match round {
        Round::First => ("first", false),
        Round::Again { met_assigned } => ("again", met_assigned),
        Round::Last { met_assigned } => ("last", met_assigned),
    };
    call.push(round);
    call.push(if met_assigned { "1" } else { "0" });
    let (code, from) = fallback.as_ref().map_or(("", ""), |(code, from)| (code, from.as_str()));
    call.push(code);
    call.push(if from == space.pool.as_str() { "" } else { from });
    let campaigns = Campaigns::of(asked.iter().map(|asked| asked.claim.message.campaign_id.as_ref()));
    campaigns.declare(call);
    for Asked { claim, key } in asked {
        let message = &*claim.message;
        let field = field_of(key, message, named.map(|named| named.number));
        let customer = Hash::of_customer(&message.customer_id);
        let bucket = call.place(space.keys.keys(field.bucket(space.buckets)));
        let customer_bucket = call.place(space.keys.keys(customer.bucket(space.buckets)));
        call.push_number(bucket);
        call.push_number(customer_bucket);
        call.push(field.0);
        call.push(Hash::of_message(&message.message_id).head::<16>());
        call.push(record::identity(message, claim.width, named.is_some()));
        call.push_number(campaigns.place(message.campaign_id.as_ref()));
    }
}

impl Answers {
    fn read(pool: &PoolName, found: Vec<redis::Value>) -> Result<Answers> {
        let mut found = found.into_iter();
        let number = reply::number(found.next().as_ref())?;
        let fallback = reply::text(found.next().ok_or_else(reply::strange)?)?;
        let has_metadata = reply::number(found.next().as_ref())? > 0;
        let answers = reply::list(found.next().ok_or_else(reply::strange)?)?;
        Ok(Answers {
            number,
            fallback: (!fallback.is_empty()).then(|| (fallback, pool.clone())),
            has_metadata,
            answers: answers.into_iter().map(|answer| Answer::read(&reply::bytes(answer)?)).collect::<Result<_>>()?,
        })
    }
}

impl Answer {
    fn read(packed: &[u8]) -> Result<Answer> {
        let (letter, record) = packed.split_first().ok_or_else(reply::strange)?;
        Ok(match letter {
            b'r' | b'a' => Answer::Bound(Box::new(Record::read(record)?), *letter == b'r'),
            b'n' | b'N' | b'f' | b'F' => Answer::Choice {
                pool: PoolName::new(Record::read(record)?.code).map_err(|_| reply::strange())?,
                is_new: matches!(letter, b'n' | b'N'),
                is_assigned: *letter == b'F',
                is_contended: *letter == b'N',
            },
            b'p' => Answer::Refused(Refusal::PoolPaused, false),
            b'l' | b'L' => Answer::Refused(Refusal::LimitReached, *letter == b'L'),
            b'e' | b'E' => Answer::Refused(Refusal::PoolEmpty, *letter == b'E'),
            b'x' => Answer::Over,
            b'X' => Answer::Rejected(Rejection::Released),
            b'C' => Answer::Rejected(Rejection::Conflict),
            _ => return Err(reply::strange()),
        })
    }
}
