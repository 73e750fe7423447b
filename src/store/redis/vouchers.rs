//! Vouchers as they are told to people, with everything that happened to them.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use redis::Value;

use super::address::Hash;
use super::by_code::Bound;
use super::lookup::Entry;
use super::record::{Kind, Record};
use super::script::CUSTOMERS;
use super::{RedisStore, reply};
use crate::error::Result;
use crate::voucher::{CampaignId, Code, CustomerId, Metadata, PoolName, State, VoucherRecord};

/// How many things one call looks up at most.
const PORTION: usize = 500;

impl RedisStore {
    /// A voucher by its code: `Lookup::voucher`.
    pub(super) async fn voucher_of(&self, code: &Code) -> Result<Option<VoucherRecord>> {
        let Some(origin) = self.origins_of(std::slice::from_ref(code)).await?.pop().flatten() else { return Ok(None) };
        Ok(self.records(&origin.pool, &[(code.clone(), origin.expires_at)]).await?.pop().flatten())
    }

    /// The vouchers of each customer, oldest first: `Lookup::customers`.
    pub(super) async fn vouchers_of(&self, customers: &[CustomerId]) -> Result<Vec<Vec<VoucherRecord>>> {
        let pools = self.pool_names().await?;
        let from_pools = try_join_all(pools.iter().map(|pool| self.vouchers_of_in(pool, customers))).await?;
        let mut all: Vec<Vec<VoucherRecord>> = customers.iter().map(|_| Vec::new()).collect();
        for lists in from_pools {
            for (list, more) in all.iter_mut().zip(lists) {
                list.extend(more);
            }
        }
        all.iter_mut().for_each(|list| list.sort_by_key(|record| record.assigned_at));
        Ok(all)
    }

    async fn vouchers_of_in(&self, pool: &PoolName, customers: &[CustomerId]) -> Result<Vec<Vec<VoucherRecord>>> {
        let mut all = Vec::with_capacity(customers.len());
        for portion in customers.chunks(PORTION) {
            let places: Vec<_> =
                portion.iter().map(|customer| (Hash::of_customer(customer).head::<4>(), customer)).collect();
            let Some(listed) = self.list_customers(pool, &places, true).await? else {
                all.extend(portion.iter().map(|_| Vec::new()));
                continue;
            };
            let mut records = listed.records;
            let farther: Vec<_> = listed.farther.iter().map(|(n, start)| (*start, &portion[*n])).collect();
            if let Some(found) = self.list_customers(pool, &farther, false).await? {
                for ((n, _), more) in listed.farther.iter().zip(found.records) {
                    records[*n].extend(more);
                }
            }
            for list in records {
                let vouchers = list.into_iter().filter(|entry| entry.record.kind == Kind::Voucher);
                let vouchers = vouchers.map(|entry| (entry.record, entry.is_reserved)).collect();
                all.push(self.told(pool, &listed.view, vouchers).await?);
            }
        }
        Ok(all)
    }

    /// Everything of each customer, among the fields that begin as said.
    pub(super) async fn list_customers(
        &self,
        pool: &PoolName,
        places: &[([u8; 4], &CustomerId)],
        with_reservations: bool,
    ) -> Result<Option<Listed>> {
        let answer = self.call_pool(pool, &CUSTOMERS, false, |space, call| {
            call.push(if with_reservations { "1" } else { "0" });
            for (start, customer) in places {
                let place = space.keys_place(call, *start);
                call.push_number(place);
                call.push(*start);
                call.push(customer.as_str());
            }
        });
        let Some(answer) = answer.await? else { return Ok(None) };
        let (view, mut answer) = View::read(answer)?;
        let lists = reply::list(answer.next().ok_or_else(reply::strange)?)?;
        let mut listed = Listed { view, records: Vec::new(), farther: Vec::new() };
        for (n, list) in lists.into_iter().enumerate() {
            let mut records = Vec::new();
            for entry in reply::list(list)? {
                let entry = reply::bytes(entry)?;
                match entry.split_first() {
                    Some((b'p', start)) => {
                        listed.farther.push((n, start.try_into().map_err(|_| reply::strange())?));
                    }
                    Some((letter, entry)) => records.push(Entry::read(entry, *letter == b'r')?),
                    None => return Err(reply::strange()),
                }
            }
            listed.records.push(records);
        }
        listed.farther.sort_unstable();
        listed.farther.dedup();
        Ok(Some(listed))
    }

    /// What is known of codes of a pool, in their order; each comes with the moment at which it ends by itself.
    pub(super) async fn records(
        &self,
        pool: &PoolName,
        codes: &[(Code, Option<Timestamp>)],
    ) -> Result<Vec<Option<VoucherRecord>>> {
        let mut all = Vec::with_capacity(codes.len());
        for portion in codes.chunks(PORTION) {
            match self.records_of_portion(pool, portion).await? {
                Some(records) => all.extend(records.into_iter().map(Some)),
                None => all.extend(portion.iter().map(|_| None)),
            }
        }
        Ok(all)
    }

    async fn records_of_portion(
        &self,
        pool: &PoolName,
        codes: &[(Code, Option<Timestamp>)],
    ) -> Result<Option<Vec<VoucherRecord>>> {
        let meant: Vec<&Code> = codes.iter().map(|(code, _)| code).collect();
        let Some(Bound { view, anchors, entries: records }) = self.bound_to(pool, &meant).await? else {
            return Ok(None);
        };
        let bound = records.iter().flatten().map(|entry| (entry.record.clone(), entry.is_reserved)).collect();
        let mut bound = self.told(pool, &view, bound).await?.into_iter();
        let available: Vec<Code> = codes
            .iter()
            .zip(&records)
            .filter(|(_, found)| found.is_none())
            .map(|((code, _), _)| code.clone())
            .collect();
        let mut metadata = self.metadata_if(view.has_metadata, pool, &available).await?.into_iter();
        let mut told = Vec::with_capacity(codes.len());
        for (((code, own_end), record), anchor) in codes.iter().zip(&records).zip(&anchors) {
            told.push(match record {
                Some(_) => bound.next().ok_or_else(reply::strange)?,
                None => view.unbound(pool, code, *own_end, is_void(anchor), metadata.next().flatten()),
            });
        }
        Ok(Some(told))
    }

    /// Records of a pool, as they are told to people.
    async fn told(&self, pool: &PoolName, view: &View, records: Vec<(Record, bool)>) -> Result<Vec<VoucherRecord>> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let codes = records.iter().map(|(record, _)| record.code()).collect::<Result<Vec<_>>>()?;
        let metadata = self.metadata_if(view.has_metadata, pool, &codes).await?;
        let campaigns = self.campaigns_if(records.iter().any(|(record, _)| record.campaign > 0), pool).await?;
        let tell = |(record, is_reserved): (Record, bool), code: Code, metadata: Option<Arc<Metadata>>| {
            let campaign = campaigns.get(&record.campaign);
            Ok(VoucherRecord {
                code,
                pool: pool.clone(),
                state: state(&record, is_reserved, view.now),
                message_id: record.message(campaign)?,
                customer_id: record.customer,
                campaign_id: campaign.cloned(),
                channel: Some(record.channel),
                mode: Some(record.mode),
                assigned_at: Some(record.assigned_at),
                expires_at: record.ends,
                redeemed_at: record.redeemed_at,
                metadata: metadata.map(Arc::unwrap_or_clone).unwrap_or_default(),
            })
        };
        let told = records.into_iter().zip(codes.into_iter().zip(metadata));
        told.map(|(record, (code, metadata))| tell(record, code, metadata)).collect()
    }

    /// The names of a pool's campaigns, by number.
    pub(super) async fn campaigns_if(&self, wanted: bool, pool: &PoolName) -> Result<HashMap<u32, CampaignId>> {
        if !wanted {
            return Ok(HashMap::new());
        }
        let mut command = redis::cmd("HGETALL");
        command.arg(self.keys.pool(pool).campaigns());
        let mut names = HashMap::new();
        let mut entries = reply::list(self.link.query(&command).await?)?.into_iter();
        while let (Some(name), Some(number)) = (entries.next(), entries.next()) {
            let number = u32::try_from(reply::number(Some(&number))?).map_err(|_| reply::strange())?;
            names.insert(number, CampaignId::new(reply::text(name)?).map_err(|_| reply::strange())?);
        }
        Ok(names)
    }

    async fn metadata_if(&self, wanted: bool, pool: &PoolName, codes: &[Code]) -> Result<Vec<Option<Arc<Metadata>>>> {
        if wanted { self.metadata(pool, codes).await } else { Ok(vec![None; codes.len()]) }
    }

    /// The further columns of codes.
    pub(super) async fn metadata(&self, pool: &PoolName, codes: &[Code]) -> Result<Vec<Option<Arc<Metadata>>>> {
        let mut all = Vec::with_capacity(codes.len());
        for portion in codes.chunks(PORTION) {
            let mut command = redis::cmd("HMGET");
            command.arg(self.keys.pool(pool).metadata());
            portion.iter().for_each(|code| {
                command.arg(code.as_str());
            });
            for json in reply::list(self.link.query(&command).await?)? {
                let json = reply::optional_bytes(json)?;
                let read = |json: Vec<u8>| serde_json::from_slice(&json).map(Arc::new).map_err(|_| reply::strange());
                all.push(json.map(read).transpose()?);
            }
        }
        Ok(all)
    }
}

/// What customers have, as one script told it.
pub(super) struct Listed {
    pub(super) view: View,
    /// What each look-up found.
    pub(super) records: Vec<Vec<Entry>>,
    /// Look-ups of which more lies elsewhere, with the start of the fields there.
    pub(super) farther: Vec<(usize, [u8; 4])>,
}

/// The moment of a look-up, and what holds for all of its pool.
pub(super) struct View {
    pub(super) now: Timestamp,
    pool_end: Option<Timestamp>,
    has_metadata: bool,
}

impl View {
    /// Reads what a look-up's answer begins with.
    pub(super) fn read(answer: Vec<Value>) -> Result<(View, std::vec::IntoIter<Value>)> {
        let mut answer = answer.into_iter();
        let moment = |text: &str| {
            text.parse().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).ok_or_else(reply::strange)
        };
        let now = moment(&reply::text(answer.next().ok_or_else(reply::strange)?)?)?;
        let pool_end = reply::text(answer.next().ok_or_else(reply::strange)?)?;
        let pool_end = (!pool_end.is_empty()).then(|| moment(&pool_end)).transpose()?;
        let has_metadata = reply::number(answer.next().as_ref())? > 0;
        Ok((View { now, pool_end, has_metadata }, answer))
    }

    /// A voucher that nobody has.
    fn unbound(
        &self,
        pool: &PoolName,
        code: &Code,
        own_end: Option<Timestamp>,
        is_void: bool,
        metadata: Option<Arc<Metadata>>,
    ) -> VoucherRecord {
        let expires_at = [own_end, self.pool_end].into_iter().flatten().min();
        VoucherRecord {
            code: code.clone(),
            pool: pool.clone(),
            state: match expires_at {
                _ if is_void => State::Void,
                Some(end) if end <= self.now => State::Expired,
                _ => State::Available,
            },
            customer_id: None,
            campaign_id: None,
            message_id: None,
            channel: None,
            mode: None,
            assigned_at: None,
            expires_at,
            redeemed_at: None,
            metadata: metadata.map(Arc::unwrap_or_clone).unwrap_or_default(),
        }
    }
}

/// Whether what the buckets of codes say of a code is that it was ended while nobody had it.
pub(super) fn is_void(anchor: &[u8]) -> bool {
    anchor == b"v"
}

fn state(record: &Record, is_reserved: bool, now: Timestamp) -> State {
    match () {
        () if record.redeemed_at.is_some() => State::Redeemed,
        () if record.is_void => State::Void,
        () if record.is_over(now) => State::Expired,
        () if is_reserved => State::Reserved,
        () => State::Assigned,
    }
}
