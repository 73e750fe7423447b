//! Answers for a forecast: what is bound is shown, the rest is made up.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::attempt::Answers;
use super::stock::Stock;
use crate::error::Result;
use crate::voucher::{
    Binding, Catalogue, Claim, ClaimKey, Claimed, Code, Count, CustomerId, Lookup, PoolName, Source, Voucher,
    VoucherRecord,
};

/// Answers claims without taking anything: what is bound is shown, the rest is made up.
pub(super) struct Counting {
    lookup: Arc<dyn Lookup>,
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
    pub(super) fn new(lookup: Arc<dyn Lookup>, cards: Catalogue, stock: Stock) -> Counting {
        Counting { lookup, cards, now: Timestamp::now(), state: Mutex::new(State { stock, fresh: HashSet::new() }) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, claim: &Claim, bound: Option<Binding>) -> Claimed {
        if let Some(binding) = bound {
            return Claimed::Bound(binding);
        }
        let mut state = self.state();
        match state.stock.refusal(&claim.pool) {
            Some(refusal) => Claimed::Refused(refusal),
            None => {
                state.fresh.extend(claim.key().map(|key| (claim.pool.clone(), key)));
                Claimed::Bound(self.made_up(&claim.pool))
            }
        }
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
        Ok(claims.iter().zip(bound).map(|(claim, bound)| self.answer(claim, bound)).collect())
    }

    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>> {
        let state = self.state();
        Ok(pools.iter().map(|pool| state.stock.count(pool)).collect())
    }

    async fn customers(&self, customers: &[CustomerId]) -> Result<Vec<Vec<VoucherRecord>>> {
        self.lookup.customers(customers).await
    }
}
