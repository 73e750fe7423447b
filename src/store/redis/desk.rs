//! What support staff do by hand.
//!
//! A released message is retired in the registry and in every pool first; only then does what it holds go back. Or a sender
//! could commit in a pool that was not reached yet, while the code of another one is somebody else's already.

use std::collections::HashMap;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use redis::Value;

use super::address::{Field, Hash, anchor_of, pointer};
use super::lookup::Entry;
use super::messages::{Deed, Standing};
use super::record::Kind;
use super::script::{FREE, RESERVATIONS, TESTS};
use super::{RedisStore, reply};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Code, CustomerId, MessageId, Mode, PoolName, ReleasedMessage};

/// How many bindings one call takes back at most.
const PORTION: usize = 200;

impl RedisStore {
    /// Takes back what a message holds under its own keys, and retires its id: `Desk::release_message`.
    pub(super) async fn release(&self, message: &MessageId) -> Result<ReleasedMessage> {
        let pools = self.pool_names().await?;
        let holder = self.holder(message, &pools).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the store knows no such message").with_help("check the message id")
        })?;
        let retired = Standing { is_retired: true, ..holder.clone() };
        self.ask_registry(Deed::Put, &[(Hash::of_message(message), Some(retired))]).await?;
        self.retire_in(&pools, &[Hash::of_message(message).head()]).await?;
        let customer = holder.customer.as_ref();
        let parts = try_join_all(pools.iter().map(|pool| self.release_in(pool, message, customer))).await?;
        let released = parts.iter().map(|part| part.released).sum();
        Ok(ReleasedMessage { released, kept: parts.iter().map(|part| part.kept).sum() })
    }

    /// Whose a message is: as the registry says, or what the message holds.
    async fn holder(&self, message: &MessageId, pools: &[PoolName]) -> Result<Option<Standing>> {
        if let Some(standing) = self.standings(&[Hash::of_message(message)]).await?.pop().flatten() {
            return Ok(Some(standing));
        }
        let named = CustomerId::new(anchor_of(message)).ok();
        for pool in pools {
            let (_, entries) = self.entries_of(pool, message, named.as_ref()).await?;
            if let Some(entry) = entries.first() {
                let (customer, mode) = (entry.record.customer.clone(), entry.record.mode);
                return Ok(Some(Standing { customer, mode, is_retired: false }));
            }
        }
        Ok(None)
    }

    /// What a message holds in a pool: what its customer has of it, and what is reserved for it, whoever that is for.
    async fn entries_of(
        &self,
        pool: &PoolName,
        message: &MessageId,
        customer: Option<&CustomerId>,
    ) -> Result<(Timestamp, Vec<Entry>)> {
        let places = customer.map_or_else(Vec::new, |customer| {
            let mut starts = vec![Hash::of(anchor_of(message)).head(), Hash::of_customer(customer).head()];
            starts.dedup();
            starts.into_iter().map(|start| (start, customer)).collect()
        });
        let Some(listed) = self.list_customers(pool, &places, false).await? else {
            return Ok((Timestamp::UNIX_EPOCH, Vec::new()));
        };
        let now = listed.view.now;
        let mut entries: Vec<Entry> = listed.records.into_iter().flatten().collect();
        for reservation in self.call_pool(pool, &RESERVATIONS, false, |_, _| {}).await?.unwrap_or_default() {
            entries.push(Entry::read(&reply::bytes(reservation)?, true)?);
        }
        let campaigns = self.campaigns_if(entries.iter().any(|entry| entry.record.campaign > 0), pool).await?;
        let of_message = |entry: &Entry| {
            let id = entry.record.message(campaigns.get(&entry.record.campaign));
            id.is_ok_and(|id| id.as_ref() == Some(message))
        };
        entries.retain(of_message);
        Ok((now, entries))
    }

    async fn release_in(
        &self,
        pool: &PoolName,
        message: &MessageId,
        customer: Option<&CustomerId>,
    ) -> Result<ReleasedMessage> {
        let (now, entries) = self.entries_of(pool, message, customer).await?;
        let (own, wider): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.record.is_own);
        let stays = |entry: &&Entry| {
            let record = &entry.record;
            record.kind == Kind::Voucher && (record.redeemed_at.is_some() || (!record.is_own && !record.is_over(now)))
        };
        let kept = own.iter().chain(&wider).filter(stays).count();
        let released = self.free(pool, own).await?;
        Ok(ReleasedMessage { released, kept: kept.try_into().unwrap_or(u64::MAX) })
    }

    /// Takes back every voucher that test messages were assigned: `Desk::reclaim_tests`.
    pub(super) async fn reclaim(&self) -> Result<u64> {
        let mut reclaimed = 0;
        for pool in self.pool_names().await? {
            let mut cursor = "0".to_owned();
            loop {
                let found = self.call_pool(&pool, &TESTS, false, |_, call| call.push(cursor.as_str())).await?;
                let Some([Value::BulkString(next), fields]) = found.as_deref() else { break };
                cursor = String::from_utf8_lossy(next).into_owned();
                let fields = reply::list(fields.clone())?.into_iter().map(field).collect::<Result<Vec<_>>>()?;
                let entries = self.find_entries(&pool, &fields).await?;
                let assigned =
                    entries.into_iter().filter(|entry| !entry.is_reserved && entry.record.mode == Mode::Test);
                reclaimed += self.free(&pool, assigned.collect()).await?;
                if cursor == "0" {
                    break;
                }
            }
        }
        Ok(reclaimed)
    }

    /// Takes bindings back that still stand as they were seen; says how many vouchers went back.
    async fn free(&self, pool: &PoolName, entries: Vec<Entry>) -> Result<u64> {
        let ends = self.own_ends(&entries).await?;
        let campaigns = self.campaigns_if(entries.iter().any(|entry| entry.record.campaign > 0), pool).await?;
        let named = |entry: Entry| Ok((entry.record.message(campaigns.get(&entry.record.campaign))?, entry));
        let mut entries = self.without_used(entries.into_iter().map(named).collect::<Result<_>>()?).await?;
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut freed = 0;
        for portion in entries.chunks(PORTION) {
            let answer = self.call_pool(pool, &FREE, true, |space, call| {
                call.keys.push(space.keys.names());
                for (message, Entry { field, packed, record, .. }) in portion {
                    let bucket = space.keys_place(call, field.anchor());
                    let customer_bucket = space.customer_place(call, record.customer.as_ref());
                    let customer = record.customer.as_ref().map(Hash::of_customer);
                    let pointer = customer.and_then(|customer| pointer(*field, customer));
                    call.push_number(bucket);
                    call.push_number(customer_bucket);
                    call.push(field.0);
                    call.push(packed.clone());
                    let end = ends.get(&record.code).map(|end| end.as_millisecond().to_string());
                    call.push(end.unwrap_or_default());
                    call.push(pointer.map(|field| field.0.to_vec()).unwrap_or_default());
                    call.push(message.as_ref().map(MessageId::as_str).unwrap_or_default());
                }
            });
            freed += reply::number(answer.await?.unwrap_or_else(|| vec![Value::Int(0)]).first())?;
        }
        Ok(freed)
    }

    /// The same without choices of overflow pools for messages that have used what such a pool gave: that stays bound.
    async fn without_used(&self, entries: Vec<(Option<MessageId>, Entry)>) -> Result<Vec<(Option<MessageId>, Entry)>> {
        let mut rest = Vec::with_capacity(entries.len());
        for (message, entry) in entries {
            let is_choice = entry.record.kind == Kind::Choice && !entry.is_reserved;
            let is_used = match &message {
                Some(message) if is_choice => self.has_used(message, entry.record.customer.as_ref()).await?,
                _ => false,
            };
            if !is_used {
                rest.push((message, entry));
            }
        }
        Ok(rest)
    }

    /// Whether a voucher is used that an overflow pool gave for a message.
    async fn has_used(&self, message: &MessageId, customer: Option<&CustomerId>) -> Result<bool> {
        for pool in self.pool_names().await? {
            let (_, entries) = self.entries_of(&pool, message, customer).await?;
            if entries.iter().any(|Entry { record, .. }| record.is_via && record.redeemed_at.is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When vouchers end by themselves; a binding knows only the earliest of all its ends.
    async fn own_ends(&self, entries: &[Entry]) -> Result<HashMap<String, Timestamp>> {
        let ending = entries.iter().filter(|entry| entry.record.kind == Kind::Voucher && entry.record.ends.is_some());
        let codes = ending.map(|entry| entry.record.code()).collect::<Result<Vec<Code>>>()?;
        let origins = self.origins_of(&codes).await?;
        let ends = codes
            .iter()
            .zip(origins)
            .filter_map(|(code, origin)| Some((code.as_str().to_owned(), origin?.expires_at?)));
        Ok(ends.collect())
    }
}

fn field(value: Value) -> Result<Field> {
    reply::bytes(value)?.try_into().map(Field).map_err(|_| reply::strange())
}
