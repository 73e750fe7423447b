//! What is bound to claims.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use redis::Value;

use super::address::{Anchors, Field};
use super::record::{Kind, Record};
use super::script::FIND;
use super::{RedisStore, reply};
use crate::error::Result;
use crate::voucher::{Binding, Claim, ClaimKey, Code, MessageIdentity, Metadata, PoolName, Source, Voucher};

/// How many things one call looks up at most.
const PORTION: usize = 500;

/// How many pools of an overflow chain are asked at most: two who set pools at once may close it to a circle.
pub(super) const LONGEST_CHAIN: usize = 256;

/// A binding that stands behind a claim, in one pool of its overflow chain.
pub(super) struct Hop {
    pub(super) pool: PoolName,
    pub(super) field: Field,
    pub(super) record: Record,
    is_reserved: bool,
    has_metadata: bool,
}

/// A field, and the start of those of its customer, where an alias leads to.
type Home = (Field, [u8; 4]);

/// What a pool says of fields.
struct Found {
    number: u64,
    has_metadata: bool,
    entries: Vec<Option<Entry>>,
}

impl RedisStore {
    /// What is bound to each claim's key: `Lookup::bindings`.
    pub(super) async fn bindings_of(&self, claims: &[Claim]) -> Result<Vec<Option<Binding>>> {
        let mut bindings = Vec::with_capacity(claims.len());
        let mut pools: HashMap<&PoolName, Vec<(usize, Home)>> = HashMap::new();
        for (n, claim) in claims.iter().enumerate() {
            bindings.push(None);
            let anchors = Anchors::of(&claim.message);
            let field = anchors.field(&claim.required_key()?, None);
            pools.entry(&claim.pool).or_default().push((n, (field, anchors.customer.head())));
        }
        let found = try_join_all(pools.into_iter().map(async |(pool, fields)| {
            let all: Vec<Home> = fields.iter().map(|(_, field)| *field).collect();
            let Some(found) = self.find(pool, &all).await? else { return Ok(Vec::new()) };
            let mut direct = Vec::new();
            let mut chosen = Vec::new();
            for ((n, _), entry) in fields.iter().zip(&found.entries) {
                match entry {
                    Some(entry) if entry.record.kind == Kind::Choice => chosen.push(*n),
                    Some(entry) => direct.push((*n, (&entry.record, entry.is_reserved))),
                    None => {}
                }
            }
            let (places, records): (Vec<usize>, Vec<(&Record, bool)>) = direct.into_iter().unzip();
            let bound = self.bindings_from(pool, false, found.has_metadata, &records).await?;
            let mut answers: Vec<_> = places.into_iter().zip(bound).collect();
            for n in chosen {
                if let Some(binding) = self.binding_by_overflow(&claims[n]).await? {
                    answers.push((n, binding));
                }
            }
            Ok::<_, crate::Error>(answers)
        }))
        .await?;
        for (n, binding) in found.into_iter().flatten() {
            bindings[n] = Some(binding);
        }
        Ok(bindings)
    }

    async fn binding_by_overflow(&self, claim: &Claim) -> Result<Option<Binding>> {
        let hops = self.follow(&claim.pool, &claim.required_key()?, &claim.message).await?;
        let Some(last) = hops.last().filter(|hop| hop.record.kind != Kind::Choice) else { return Ok(None) };
        let records = [(&last.record, last.is_reserved)];
        Ok(self.bindings_from(&last.pool, hops.len() > 1, last.has_metadata, &records).await?.pop())
    }

    /// The bindings that stand behind a key, from the pool that the template names down its overflow chain.
    pub(super) async fn follow(&self, named: &PoolName, key: &ClaimKey, message: &MessageIdentity) -> Result<Vec<Hop>> {
        let mut hops = Vec::new();
        let (mut pool, mut via) = (named.clone(), None);
        let anchors = Anchors::of(message);
        while hops.len() < LONGEST_CHAIN {
            let field = anchors.field(key, via);
            let Some(found) = self.find(&pool, &[(field, anchors.customer.head())]).await? else { break };
            let Some(Entry { record, is_reserved, .. }) = found.entries.into_iter().next().flatten() else { break };
            via = via.or(Some(found.number));
            let next = (record.kind == Kind::Choice).then(|| PoolName::new(&record.code)).transpose()?;
            hops.push(Hop { pool: pool.clone(), field, record, is_reserved, has_metadata: found.has_metadata });
            match next {
                Some(next) => pool = next,
                None => break,
            }
        }
        Ok(hops)
    }

    /// What is bound under fields of a pool; `None` if there is no such pool.
    async fn find(&self, pool: &PoolName, fields: &[Home]) -> Result<Option<Found>> {
        let mut all: Option<Found> = None;
        for portion in fields.chunks(PORTION) {
            let answer = self.call_pool(pool, &FIND, false, |space, call| {
                for (field, home) in portion {
                    for anchor in [field.anchor(), *home] {
                        let place = space.keys_place(call, anchor);
                        call.push_number(place);
                    }
                    call.push(field.0);
                }
            });
            let Some(answer) = answer.await? else { return Ok(None) };
            let mut answer = answer.into_iter();
            let number = reply::number(answer.next().as_ref())?;
            let has_metadata = reply::number(answer.next().as_ref())? > 0;
            let entries = portion.iter().zip(answer).map(|((field, _), packed)| Entry::find(*field, packed));
            let entries = entries.collect::<Result<Vec<_>>>()?;
            match &mut all {
                Some(all) => all.entries.extend(entries),
                None => all = Some(Found { number, has_metadata, entries }),
            }
        }
        Ok(all)
    }

    /// What is bound under fields of a pool, as far as something is.
    pub(super) async fn find_entries(&self, pool: &PoolName, fields: &[Field]) -> Result<Vec<Entry>> {
        let fields: Vec<Home> = fields.iter().map(|field| (*field, field.anchor())).collect();
        Ok(self
            .find(pool, &fields)
            .await?
            .map(|found| found.entries.into_iter().flatten().collect())
            .unwrap_or_default())
    }

    /// The bindings that records of a pool stand for.
    pub(super) async fn bindings_from(
        &self,
        pool: &PoolName,
        by_overflow: bool,
        has_metadata: bool,
        records: &[(&Record, bool)],
    ) -> Result<Vec<Binding>> {
        let codes = records.iter().map(|(record, _)| record.code()).collect::<Result<Vec<_>>>()?;
        let metadata = if has_metadata { self.metadata(pool, &codes).await? } else { vec![None; codes.len()] };
        let bind = |(record, reserved): &(&Record, bool), code: Code, metadata: Option<Arc<Metadata>>| {
            let (source, from) = match record.kind {
                Kind::Fallback => (Source::Fallback, record.other_pool.as_ref().unwrap_or(pool)),
                _ if by_overflow => (Source::Overflow, pool),
                _ => (Source::Pool, pool),
            };
            let voucher = Voucher { code, expires_at: record.ends, metadata: metadata.unwrap_or_default() };
            Binding { voucher, source, from: from.clone(), assigned_at: record.assigned_at, reserved: *reserved }
        };
        let bound = records.iter().zip(codes.into_iter().zip(metadata));
        Ok(bound.map(|(record, (code, metadata))| bind(record, code, metadata)).collect())
    }
}

/// A binding as it stands in its pool.
pub(super) struct Entry {
    pub(super) field: Field,
    pub(super) packed: Vec<u8>,
    pub(super) record: Record,
    pub(super) is_reserved: bool,
}

impl Entry {
    /// Reads a record behind the letter r or a, reserved or assigned; nothing where there is none.
    fn find(field: Field, lettered: Value) -> Result<Option<Entry>> {
        let lettered = reply::bytes(lettered)?;
        let Some((letter, packed)) = lettered.split_first() else { return Ok(None) };
        let record = Record::read(packed)?;
        Ok(Some(Entry { field, packed: packed.to_vec(), record, is_reserved: *letter == b'r' }))
    }

    /// Reads a field and the record behind it.
    pub(super) fn read(entry: &[u8], is_reserved: bool) -> Result<Entry> {
        let (field, packed) = entry.split_first_chunk::<12>().ok_or_else(reply::strange)?;
        let record = Record::read(packed)?;
        Ok(Entry { field: Field(*field), packed: packed.to_vec(), record, is_reserved })
    }
}
