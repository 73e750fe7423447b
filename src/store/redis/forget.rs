//! Forgetting a customer.
//!
//! Their messages are retired first, everywhere, so that none of them brings anything new. Then bindings go to fields that say
//! nothing of whose they were, and the journal and the registry forget whom they name.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use redis::Value;

use super::address::{Field, Hash, SHARDS};
use super::lookup::Entry;
use super::messages::{Deed, Standing};
use super::pool_call::Space;
use super::record::Kind;
use super::script::{Call, FORGET, FORGET_MESSAGES, FORGET_NAMES, RETIRE};
use super::{RedisStore, reply};
use crate::error::Result;
use crate::store::refusal;
use crate::voucher::{CustomerId, Forgotten, MessageId, Mode, PoolName};

/// How many bindings one call forgets, and how many messages it retires.
const PORTION: usize = 200;

/// How many buckets of messages one call reads.
const BUCKETS_AT_ONCE: u64 = 32;

impl RedisStore {
    /// `Desk::forget`.
    pub(super) async fn forget_customer(&self, customer: &CustomerId) -> Result<Forgotten> {
        let pools = self.pool_names().await?;
        let mut vouchers = 0;
        // Whoever was under way when it began may bring something still.
        loop {
            let held = try_join_all(pools.iter().map(|pool| self.entries_for(pool, customer))).await?;
            if held.iter().flatten().any(|entry| entry.is_reserved) {
                return Err(refusal::is_under_way());
            }
            if held.iter().all(Vec::is_empty) {
                break;
            }
            self.retire_all(&pools, &self.messages_of(&pools, &held).await?).await?;
            for (pool, entries) in pools.iter().zip(&held) {
                for entries in entries.chunks(PORTION) {
                    vouchers += self.forget_in(pool, customer, entries).await?;
                }
            }
        }
        for pool in &pools {
            self.forget_names(pool, customer).await?;
        }
        try_join_all((0..SHARDS).map(|shard| self.forget_messages(shard, customer))).await?;
        Ok(Forgotten { vouchers })
    }

    /// Everything that stands in a pool for a customer.
    async fn entries_for(&self, pool: &PoolName, customer: &CustomerId) -> Result<Vec<Entry>> {
        let listed = self.list_wholly(pool, std::slice::from_ref(customer)).await?;
        Ok(listed.map(|listed| listed.records.into_iter().flatten().collect()).unwrap_or_default())
    }

    /// The messages of bindings, with their modes.
    async fn messages_of(&self, pools: &[PoolName], held: &[Vec<Entry>]) -> Result<BTreeMap<MessageId, Mode>> {
        let mut messages = BTreeMap::new();
        for (pool, entries) in pools.iter().zip(held) {
            let campaigns = self.campaigns_if(entries.iter().any(|entry| entry.record.campaign > 0), pool).await?;
            for Entry { record, .. } in entries {
                let message = record.message(campaigns.get(&record.campaign))?;
                messages.extend(message.map(|message| (message, record.mode)));
            }
        }
        Ok(messages)
    }

    /// Retires messages of nobody, in the registry and in every pool.
    async fn retire_all(&self, pools: &[PoolName], messages: &BTreeMap<MessageId, Mode>) -> Result<()> {
        let retired = |mode: &Mode| Some(Standing { customer: None, mode: *mode, is_retired: true });
        let entries: Vec<_> = messages.iter().map(|(id, mode)| (Hash::of_message(id), retired(mode))).collect();
        self.ask_registry(Deed::Put, &entries).await?;
        let hashes: BTreeSet<[u8; 16]> = entries.iter().map(|(hash, _)| hash.head()).collect();
        let hashes: Vec<[u8; 16]> = hashes.into_iter().collect();
        for portion in hashes.chunks(PORTION) {
            self.retire_in(pools, portion).await?;
        }
        Ok(())
    }

    /// Retires messages in every pool, by the hashes of their ids.
    pub(super) async fn retire_in(&self, pools: &[PoolName], hashes: &[[u8; 16]]) -> Result<()> {
        let calls = pools
            .iter()
            .map(|pool| self.call_pool(pool, &RETIRE, true, |_, call| hashes.iter().for_each(|hash| call.push(*hash))));
        try_join_all(calls).await.map(drop)
    }

    /// Forgets whose bindings are, if they stand as they were seen; says how many of them were vouchers.
    async fn forget_in(&self, pool: &PoolName, customer: &CustomerId, entries: &[Entry]) -> Result<u64> {
        let fields: Vec<Field> = entries.iter().map(|_| Field(rand::random())).collect();
        let forgotten = self.call_pool(pool, &FORGET, true, |space, call| {
            fill(space, call, customer, entries, &fields);
        });
        match forgotten.await?.as_deref().and_then(<[Value]>::first) {
            None => Ok(0),
            Some(Value::Int(vouchers)) => u64::try_from(*vouchers).map_err(|_| reply::strange()),
            Some(_) => Err(refusal::is_under_way()),
        }
    }

    async fn forget_names(&self, pool: &PoolName, customer: &CustomerId) -> Result<()> {
        let mut cursor = "0".to_owned();
        loop {
            let next = self.call_pool(pool, &FORGET_NAMES, true, |space, call| {
                call.keys.push(space.keys.names());
                call.push(cursor.as_str());
                call.push(customer.as_str());
            });
            let Some(next) = next.await? else { return Ok(()) };
            cursor = reply::text(next.into_iter().next().ok_or_else(reply::strange)?)?;
            if cursor == "0" {
                return Ok(());
            }
        }
    }

    async fn forget_messages(&self, shard: u8, customer: &CustomerId) -> Result<()> {
        let keys = self.keys.shard(shard);
        let (mut next, mut buckets) = (0, 1);
        // What a split moves meanwhile goes into a bucket behind all others, which is still to come.
        while next < buckets {
            let mut call = Call::new(&FORGET_MESSAGES, vec![keys.shard()]).kept();
            call.keys.extend((next..next + BUCKETS_AT_ONCE).map(|bucket| keys.messages(bucket)));
            call.push(customer.as_str());
            let (_, rest) = reply::status(self.link.run(&call).await?)?;
            buckets = reply::number(rest.first())?;
            next += BUCKETS_AT_ONCE;
        }
        Ok(())
    }
}

/// Adds the keys and arguments of `forget.lua`.
fn fill(space: &Space, call: &mut Call, customer: &CustomerId, entries: &[Entry], fields: &[Field]) {
    space.customer_place(call, Some(customer));
    call.push(customer.as_str());
    for (Entry { field, packed, record, .. }, to) in entries.iter().zip(fields) {
        let hash = Hash::of(&record.code);
        let code_place = if record.kind == Kind::Voucher { space.codes_place(call, hash) } else { 0 };
        let places = [space.keys_place(call, field.anchor()), space.keys_place(call, to.anchor()), code_place];
        places.iter().for_each(|place| call.push_number(place));
        call.push(hash.head::<8>());
        call.push(field.0);
        call.push(to.0);
        call.push(packed.as_slice());
    }
}
