//! Answers for a forecast: what is bound is shown, the rest is made up.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::attempt::Answers;
use super::super::rules::Rule;
use super::stock::Stock;
use crate::error::Result;
use crate::voucher::{
    Binding, CampaignId, Catalogue, Claim, ClaimKey, Claimed, Code, Count, CustomerId, LimitUse, Lookup, PoolName,
    Source, Voucher, VoucherRecord,
};

/// Answers claims without taking anything: what is bound is shown, the rest is made up.
pub(super) struct Counting {
    lookup: Arc<dyn Lookup>,
    campaign: CampaignId,
    cards: Catalogue,
    now: Timestamp,
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) stock: Stock,
    /// Claims that were not bound, and so need a voucher.
    pub(super) fresh: HashSet<(PoolName, ClaimKey)>,
}

impl Counting {
    pub(super) fn new(lookup: Arc<dyn Lookup>, campaign: CampaignId, cards: Catalogue, stock: Stock) -> Counting {
        let state = Mutex::new(State { stock, fresh: HashSet::new() });
        Counting { lookup, campaign, cards, now: Timestamp::now(), state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, claim: &Claim, bound: Option<Binding>) -> Claimed {
        if let Some(binding) = bound {
            return Claimed::Bound(binding);
        }
        let mut state = self.state();
        match state.stock.refusal(&claim.pool, &claim.message.customer_id) {
            Some(refusal) => Claimed::Refused(refusal),
            None => {
                state.fresh.extend(claim.key().map(|key| (claim.pool.clone(), key)));
                Claimed::Bound(self.made_up(&claim.pool))
            }
        }
    }

    /// Looks up what counts for the limits of pools, as far as these claims need to know.
    async fn look_at_limits<'c>(&self, claims: impl Iterator<Item = &'c Claim>) -> Result<()> {
        let mut unknown: BTreeMap<&PoolName, BTreeSet<&CustomerId>> = BTreeMap::new();
        {
            let state = self.state();
            for claim in claims.filter(|claim| state.stock.lacks_limit_use(&claim.pool, &claim.message.customer_id)) {
                unknown.entry(&claim.pool).or_default().insert(&claim.message.customer_id);
            }
        }
        for (pool, customers) in unknown {
            let customers: Vec<CustomerId> = customers.into_iter().cloned().collect();
            let used = self.lookup.limit_use(pool, Some(&self.campaign), &customers).await?;
            // A pool that is still to be made has given nothing.
            let used =
                used.unwrap_or_else(|| LimitUse { of_customers: vec![0; customers.len()], ..LimitUse::default() });
            self.state().stock.learn_limit_use(pool, customers, used);
        }
        Ok(())
    }

    fn made_up(&self, pool: &PoolName) -> Binding {
        let card = self.cards.get(pool);
        let voucher = Voucher {
            code: card.map_or_else(|| Code::preview_of(pool), |card| card.preview_code.clone()),
            expires_at: card.and_then(|card| card.expires_at),
            metadata: card.map(|card| Arc::clone(&card.metadata)).unwrap_or_default(),
        };
        Binding { voucher, source: Source::Pool, from: pool.clone(), assigned_at: self.now, reserved: true }
    }
}

#[async_trait]
impl Answers for Counting {
    async fn claims(&self, claims: &[Claim]) -> Result<Vec<Claimed>> {
        let bound = self.lookup.bindings(claims).await?;
        let fresh = claims.iter().zip(&bound).filter(|(_, bound)| bound.is_none()).map(|(claim, _)| claim);
        self.look_at_limits(fresh).await?;
        Ok(claims.iter().zip(bound).map(|(claim, bound)| self.answer(claim, bound)).collect())
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        let state = self.state();
        Ok(pools.iter().map(|pool| state.stock.count(pool)).collect())
    }

    async fn customers(&self, customers: &[CustomerId]) -> Result<Vec<Vec<VoucherRecord>>> {
        self.lookup.customers(customers).await
    }

    async fn bindings(&self, claims: &[Claim]) -> Result<Vec<Option<Binding>>> {
        self.lookup.bindings(claims).await
    }

    async fn rule(&self, pool: &PoolName) -> Result<Option<Arc<Rule>>> {
        Ok(self.state().stock.rule(pool))
    }
}
