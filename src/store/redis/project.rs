//! The pools of a project: making and setting them.
//!
//! The list of pools and a pool lie under different hash tags. A pool is listed first and made then, so that none is
//! overlooked; one that is listed without a header is no pool.

use std::collections::HashMap;

use rand::RngExt;

use super::RedisStore;
use super::pool::fields;
use super::reply::{self, strange};
use super::script::{Call, LIST_POOL, MAKE_POOL, SET_POOL};
use crate::error::{Error, Result};
use crate::store::refusal;
use crate::voucher::{PoolName, PoolSettings};

impl RedisStore {
    /// `Stock::create_pool`.
    pub(super) async fn make_pool(&self, name: &PoolName, settings: &PoolSettings) -> Result<()> {
        if self.status_of(name).await?.is_some() {
            return Err(refusal::pool_exists(name));
        }
        self.check_overflow(name, settings).await?;
        let number = self.list_pool(name).await?;
        let mut call = Call::new(&MAKE_POOL, vec![self.keys.pool(name).pool()]).kept();
        call.push(number);
        call.push_number(rand::rng().random::<u64>());
        for (field, value) in fields(settings).filter(|(_, value)| !value.is_empty()) {
            call.push(field);
            call.push(value);
        }
        match reply::status(self.link.run(&call).await?)?.0.as_str() {
            // Whoever removed the last pool of that name may have taken the name off the list meanwhile.
            "OK" => self.list_pool(name).await.map(drop),
            "EXISTS" => Err(refusal::pool_exists(name)),
            "DELETING" => Err(refusal::is_half_deleted(name)),
            _ => Err(strange()),
        }
    }

    async fn list_pool(&self, name: &PoolName) -> Result<String> {
        let mut call = Call::new(&LIST_POOL, vec![self.keys.pools(), self.keys.numbers()]).kept();
        call.push(name.as_str());
        let (_, rest) = reply::status(self.link.run(&call).await?)?;
        Ok(reply::number(rest.first())?.to_string())
    }

    /// `Stock::set_pool`.
    pub(super) async fn change_pool(&self, name: &PoolName, settings: &PoolSettings) -> Result<()> {
        if self.status_of(name).await?.is_none() {
            return Err(refusal::no_such_pool(name));
        }
        self.check_overflow(name, settings).await?;
        let set = self.call_pool(name, &SET_POOL, true, |_, call| {
            for (field, value) in fields(settings) {
                call.push(field);
                call.push(value);
            }
        });
        set.await?.map(drop).ok_or_else(|| refusal::no_such_pool(name))
    }

    /// Follows the overflow chain that a pool would have with these settings.
    async fn check_overflow(&self, name: &PoolName, settings: &PoolSettings) -> Result<()> {
        let mut known: HashMap<PoolName, Option<PoolSettings>> = HashMap::new();
        let mut next = settings.overflow.clone();
        while let Some(pool) = next.take().filter(|pool| !known.contains_key(pool)) {
            let found = self.status_of(&pool).await?.map(|status| status.settings);
            next = found.as_ref().and_then(|settings| settings.overflow.clone());
            known.insert(pool, found);
        }
        settings.check_overflow(name, |pool| Ok::<_, Error>(known.get(pool).cloned().flatten()))
    }
}
