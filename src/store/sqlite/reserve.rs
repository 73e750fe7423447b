//! Answering a batch of claims.

use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::{CachedStatement, params};

use super::binding::{self, Bound, Choice};
use super::fault::Outcome;
use super::limit::Limiter;
use super::message::{self, Standing};
use super::pool::{Pool, Pools};
use super::session::Session;
use super::shelf::{self, Available};
use super::{lease, rival};
use crate::voucher::{Channel, Claim, ClaimKey, Claimed, KeyOwner, Lease, MessageIdentity, Refusal, Rejection};

/// How many vouchers are read ahead from a pool's shelf.
const AHEAD: usize = 1000;

/// Answers every claim, in order.
pub(super) fn reserve(session: &Session<'_>, lease: &Lease, claims: &[Claim]) -> Outcome<Vec<Claimed>> {
    let keys = claims.iter().map(Claim::required_key).collect::<crate::error::Result<Vec<_>>>()?;
    lease::sweep(session)?;
    lease::renew(session, lease)?;
    session.flush()?;
    let mut batch = Batch::new(session, lease, claims)?;
    claims.iter().zip(&keys).map(|(claim, key)| batch.answer(claim, key)).collect()
}

/// Vouchers of one pool that were found for claims.
#[derive(Default)]
pub(super) struct Found {
    pub(super) vouchers: VecDeque<Available>,
    /// Whether there were no more.
    pub(super) is_all: bool,
}

/// The same for claims on one pool, which take only what was found for them: `None` if too much of it has gone meanwhile, and
/// there may be more.
pub(super) fn reserve_from(
    session: &Session<'_>,
    lease: &Lease,
    claims: &[Claim],
    mut found: Found,
) -> Outcome<Option<Vec<Claimed>>> {
    let keys = claims.iter().map(Claim::required_key).collect::<crate::error::Result<Vec<_>>>()?;
    lease::sweep(session)?;
    lease::renew(session, lease)?;
    session.flush()?;
    let mut batch = Batch::new(session, lease, claims)?;
    let pool = claims.first().map_or(Ok(None), |claim| batch.pools.get(&claim.pool))?;
    let mut there = VecDeque::with_capacity(found.vouchers.len());
    for voucher in found.vouchers.drain(..) {
        if pool.as_ref().map_or(Ok(false), |pool| shelf::has(session, pool, &voucher))? {
            there.push_back(voucher);
        }
    }
    if there.len() < claims.len() && !found.is_all {
        return Ok(None);
    }
    batch.matching = Some(there);
    claims.iter().zip(&keys).map(|(claim, key)| batch.answer(claim, key)).collect::<Outcome<_>>().map(Some)
}

/// A batch of claims, with what was read for it so far. Nobody else changes the file meanwhile.
struct Batch<'s, 'c> {
    session: &'s Session<'c>,
    lease: &'s Lease,
    insert: CachedStatement<'c>,
    /// The ids of the messages that the file knows anything of.
    known: HashSet<&'s str>,
    pools: Pools<'s, 'c>,
    limiter: Limiter<'s, 'c>,
    chains: HashMap<i64, Rc<[Rc<Pool>]>>,
    shelves: HashMap<i64, VecDeque<Available>>,
    /// How many vouchers of a pool are available, where that was asked for.
    left: HashMap<i64, u64>,
    rivals: HashMap<i64, bool>,
    last: Option<(Arc<MessageIdentity>, Standing)>,
    unanswered: usize,
    /// The vouchers that may be taken, where only some may.
    matching: Option<VecDeque<Available>>,
}

impl<'s, 'c> Batch<'s, 'c> {
    fn new(session: &'s Session<'c>, lease: &'s Lease, claims: &'s [Claim]) -> Outcome<Batch<'s, 'c>> {
        Ok(Batch {
            session,
            lease,
            insert: binding::insert(session)?,
            known: message::known(session, claims)?,
            pools: Pools::new(session),
            limiter: Limiter::new(session, lease),
            chains: HashMap::new(),
            shelves: HashMap::new(),
            left: HashMap::new(),
            rivals: HashMap::new(),
            last: None,
            unanswered: claims.len(),
            matching: None,
        })
    }

    fn answer(&mut self, claim: &'s Claim, key: &ClaimKey) -> Outcome<Claimed> {
        let answer = match self.standing(&claim.message)? {
            Standing::Retired => Claimed::Rejected(Rejection::Released),
            Standing::Foreign => Claimed::Rejected(Rejection::Conflict),
            known => match self.pools.get(&claim.pool)? {
                None => Claimed::Refused(Refusal::UnknownPool),
                Some(pool) => self.serve(&pool, key, &claim.message, known)?,
            },
        };
        self.unanswered -= 1;
        Ok(answer)
    }

    /// Claims of one message stand together, so that its id is looked up once.
    fn standing(&mut self, message: &Arc<MessageIdentity>) -> Outcome<Standing> {
        match &self.last {
            Some((last, known)) if Arc::ptr_eq(last, message) => Ok(*known),
            _ => {
                let found = match self.known.contains(message.message_id.as_str()) {
                    true => message::standing(self.session, message)?,
                    false => Standing::Unknown,
                };
                self.last = Some((message.clone(), found));
                Ok(found)
            }
        }
    }

    fn serve(
        &mut self,
        pool: &Rc<Pool>,
        key: &ClaimKey,
        message: &'s MessageIdentity,
        known: Standing,
    ) -> Outcome<Claimed> {
        let bound = match key.parts() {
            (_, KeyOwner::Message { .. }) if known == Standing::Unknown => None,
            _ => binding::find(self.session, pool.id, key)?,
        };
        if let Some(bound) = bound {
            if bound.is_valid(self.session.now) {
                return self.hold(bound);
            }
            binding::replace(self.session, &bound)?;
            self.left.clear();
        }
        if pool.settings.paused {
            return Ok(Claimed::Refused(Refusal::PoolPaused));
        }
        if let Some(limit) = self.limiter.check(pool, message)? {
            return Ok(refuse(Refusal::LimitReached, limit.is_contended));
        }
        self.take(pool, key, message)
    }

    /// Serves an existing binding, which from now on goes with this lease if it is only reserved.
    fn hold(&mut self, bound: Bound) -> Outcome<Claimed> {
        let lease = self.lease.id.get().cast_signed();
        if bound.lease.is_some_and(|holder| holder != lease) {
            let tag = "UPDATE binding SET lease_id = ?2 WHERE id = ?1";
            self.session.connection.prepare_cached(tag)?.execute(params![bound.id, lease])?;
            self.rivals.clear();
        }
        Ok(Claimed::Bound(bound.binding()?))
    }

    fn take(&mut self, pool: &Rc<Pool>, key: &ClaimKey, message: &'s MessageIdentity) -> Outcome<Claimed> {
        if self.matching.is_some() {
            return self.take_matching(pool, key, message);
        }
        let chain = self.chain(pool)?;
        for from in chain.iter() {
            if self.keeps_from(from, message)? {
                continue;
            }
            if let Some(voucher) = self.next_of(from)? {
                return self.bind((pool, key, message), from, Choice::Voucher(voucher));
            }
        }
        for from in chain.iter() {
            if let Some(code) = from.settings.fallback.clone() {
                return self.bind((pool, key, message), from, Choice::Fallback(code));
            }
        }
        Ok(refuse(Refusal::PoolEmpty, self.is_contended(&chain)?))
    }

    fn take_matching(&mut self, pool: &Rc<Pool>, key: &ClaimKey, message: &'s MessageIdentity) -> Outcome<Claimed> {
        let is_kept = self.keeps_from(pool, message)?;
        match self.matching.as_mut().filter(|_| !is_kept).and_then(VecDeque::pop_front) {
            Some(voucher) => self.bind((pool, key, message), pool, Choice::Voucher(voucher)),
            None => Ok(refuse(Refusal::PoolEmpty, self.is_contended(std::slice::from_ref(pool))?)),
        }
    }

    fn bind(
        &mut self,
        claim: (&Pool, &ClaimKey, &'s MessageIdentity),
        from: &Pool,
        choice: Choice,
    ) -> Outcome<Claimed> {
        let binding = binding::reserve(self.session, &mut self.insert, self.lease, claim, from, choice)?;
        self.left.entry(from.id).and_modify(|left| *left = left.saturating_sub(1));
        self.limiter.count(claim.0, claim.2);
        self.known.insert(claim.2.message_id.as_str());
        if let Some((_, known @ Standing::Unknown)) = &mut self.last {
            *known = Standing::Reserving;
        }
        Ok(Claimed::Bound(binding))
    }

    fn chain(&mut self, pool: &Rc<Pool>) -> Outcome<Rc<[Rc<Pool>]>> {
        if let Some(chain) = self.chains.get(&pool.id) {
            return Ok(chain.clone());
        }
        let chain: Rc<[Rc<Pool>]> = self.pools.chain(pool)?.into();
        self.chains.insert(pool.id, chain.clone());
        Ok(chain)
    }

    /// Whether a pool keeps what it has from the channel of `message`.
    fn keeps_from(&mut self, pool: &Pool, message: &MessageIdentity) -> Outcome<bool> {
        let floor = pool.settings.floor;
        if floor == 0 || message.channel != Channel::WebLayer {
            return Ok(false);
        }
        if let Some(left) = self.left.get(&pool.id) {
            return Ok(*left <= floor);
        }
        self.session.flush()?;
        let left = shelf::count(self.session, pool)?;
        self.left.insert(pool.id, left);
        Ok(left <= floor)
    }

    fn next_of(&mut self, pool: &Pool) -> Outcome<Option<Available>> {
        let shelf = self.shelves.entry(pool.id).or_default();
        if shelf.is_empty() {
            self.session.flush()?;
            *shelf = shelf::first(self.session, pool, self.unanswered.min(AHEAD))?;
        }
        Ok(shelf.pop_front())
    }

    /// Whether another lease holds vouchers of these pools.
    fn is_contended(&mut self, chain: &[Rc<Pool>]) -> Outcome<bool> {
        for pool in chain {
            let known = self.rivals.get(&pool.id).copied();
            let holds = known.map_or_else(|| rival::holds_stock(self.session, self.lease, pool.id), Ok)?;
            self.rivals.insert(pool.id, holds);
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn refuse(refusal: Refusal, is_contended: bool) -> Claimed {
    if is_contended { Claimed::Contended(refusal) } else { Claimed::Refused(refusal) }
}
