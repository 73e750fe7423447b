//! Claims on their way down an overflow chain.
//!
//! Every pool of the chain binds its choice of the next one in the step that finds it empty. A choice that was made earlier
//! and leads to nothing is forgotten, and the chain is asked once more from its start, before the answer is "empty".

use std::collections::BTreeMap;

use super::RedisStore;
use super::ask::{Answer, Answers, Asked, Fallback, Named, Round};
use super::lookup::LONGEST_CHAIN;
use crate::error::Result;
use crate::voucher::{Claimed, Lease, PoolName, Refusal};

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
    /// Asks a pool, then those that it overflows into.
    pub(super) async fn ask_chain(&self, lease: &Lease, pool: &PoolName, asked: &[&Asked<'_>]) -> Result<Vec<Claimed>> {
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
        asked: &[&Asked<'_>],
        round: Round<'_>,
        open: Vec<usize>,
        claimed: &mut [Option<Claimed>],
    ) -> Result<Vec<Descent>> {
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let subset: Vec<&Asked<'_>> = open.iter().map(|n| asked[*n]).collect();
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
                let subset: Vec<&Asked<'_>> = descents.iter().map(|descent| asked[descent.claim]).collect();
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
        asked: &[&Asked<'_>],
        exhausted: Vec<Descent>,
        claimed: &mut [Option<Claimed>],
    ) -> Result<()> {
        let mut groups: BTreeMap<(Fallback, bool), Vec<Descent>> = BTreeMap::new();
        for end in exhausted {
            groups.entry((end.fallback.clone(), end.met_assigned)).or_default().push(end);
        }
        for ((fallback, met_assigned), ends) in groups {
            let subset: Vec<&Asked<'_>> = ends.iter().map(|end| asked[end.claim]).collect();
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
