//! Answering a batch of claims: one call for each pool, and one more for each pool of an overflow chain.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::{try_join, try_join_all};

use super::ask::{Asked, Round};
use super::{RedisStore, reply};
use crate::error::Result;
use crate::voucher::{Claim, Claimed, Lease, MessageId, Mode, PoolName, Rejection};

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
        let (answers, _) = try_join(asked, renewals).await?;
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
}
