//! Answering a batch of claims: one call for each pool, and one more for each pool of an overflow chain.

use std::collections::BTreeMap;

use futures_util::future::{try_join, try_join_all};

use super::ask::{Asked, Round};
use super::messages::Standing;
use super::{RedisStore, reply};
use crate::error::Result;
use crate::voucher::{Claim, Claimed, Lease, Mode, PoolName, Rejection};

impl RedisStore {
    /// Answers every claim: `Claims::reserve`.
    pub(super) async fn reserve_all(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Claimed>> {
        let asked = claims.iter().map(Asked::new).collect::<Result<Vec<_>>>()?;
        let rejected = self.rejected(&asked).await?;
        let mut pools: BTreeMap<&PoolName, Vec<usize>> = BTreeMap::new();
        for (n, claim) in claims.iter().enumerate().filter(|(n, _)| rejected[*n].is_none()) {
            pools.entry(&claim.pool).or_default().push(n);
        }
        let renewals = self.renew_others(lease, |pool| pools.contains_key(pool));
        let answers = try_join_all(pools.iter().map(async |(pool, places)| {
            let asked: Vec<_> = places.iter().map(|n| &asked[*n]).collect();
            self.ask_chain(lease, pool, &asked).await
        }));
        let (answers, _) = try_join(answers, renewals).await?;
        let mut claimed: Vec<_> = rejected.into_iter().map(|rejection| rejection.map(Claimed::Rejected)).collect();
        for (places, answers) in pools.into_values().zip(answers) {
            places.into_iter().zip(answers).for_each(|(n, answer)| claimed[n] = Some(answer));
        }
        claimed.into_iter().map(|claimed| claimed.ok_or_else(reply::strange)).collect()
    }

    /// What the registry has against each claim's message.
    pub(super) async fn rejected(&self, asked: &[Asked<'_>]) -> Result<Vec<Option<Rejection>>> {
        let hashes: Vec<_> = asked.iter().map(|asked| asked.hash).collect();
        let standings = self.standings(&hashes).await?;
        let unknown = asked.iter().zip(&standings).filter(|(_, standing)| standing.is_none());
        let unknown: Vec<_> = unknown.map(|(asked, _)| &*asked.claim.message).collect();
        let live = self.live_ids(&unknown).await?;
        let rejection = |(asked, standing): (&Asked<'_>, Option<Standing>)| {
            let message = &asked.claim.message;
            match standing {
                Some(standing) if standing.is_retired => Some(Rejection::Released),
                Some(standing) => (!standing.is_of(message)).then_some(Rejection::Conflict),
                None => {
                    (message.mode == Mode::Test && live.contains(&message.message_id)).then_some(Rejection::Conflict)
                }
            }
        };
        Ok(asked.iter().zip(standings).map(rejection).collect())
    }

    /// Renews a lease where it may hold something, but in the pools that are asked anyway.
    pub(super) async fn renew_others(&self, lease: &Lease, is_asked: impl Fn(&PoolName) -> bool) -> Result<()> {
        let touched = lease.touched();
        let others = touched.iter().filter(|pool| !is_asked(pool));
        try_join_all(others.map(|pool| self.ask_pool(lease, pool, None, Round::First, &None, &[]))).await.map(drop)
    }
}
