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
use crate::voucher::{Claim, ClaimKey, Claimed, KeyOwner, Lease, MessageIdentity, Refusal, Rejection};

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
    rivals: HashMap<i64, bool>,
    last: Option<(Arc<MessageIdentity>, Standing)>,
    unanswered: usize,
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
            rivals: HashMap::new(),
            last: None,
            unanswered: claims.len(),
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
        let chain = self.chain(pool)?;
        for from in chain.iter() {
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

    fn bind(
        &mut self,
        claim: (&Pool, &ClaimKey, &'s MessageIdentity),
        from: &Pool,
        choice: Choice,
    ) -> Outcome<Claimed> {
        let binding = binding::reserve(self.session, &mut self.insert, self.lease, claim, from, choice)?;
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
