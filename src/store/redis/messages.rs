//! Whom a message id belongs to, and whether it is retired: the registry of messages, in its shards.
//!
//! A message whose id names its customer is known by its bindings. The registry holds the others, and all that are retired.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::future::try_join_all;
use redis::Value;

use super::address::{Hash, LOAD, SHARDS, split_from};
use super::record::is_usual;
use super::script::{Call, MESSAGES, SPLIT_MESSAGES, Section};
use super::target::Layout;
use super::{RedisStore, reply};
use crate::error::Result;
use crate::voucher::{CustomerId, MessageId, MessageIdentity, Mode};

/// How many messages one call asks for at most.
const PORTION: usize = 500;

/// What was seen of each shard. Only a guess: a script tells when it is wrong.
#[derive(Debug, Default)]
pub(super) struct MessageBuckets {
    /// In how many buckets it keeps its messages.
    counts: [AtomicU64; SHARDS as usize],
    /// Whether it knows any.
    used: [AtomicBool; SHARDS as usize],
}

impl MessageBuckets {
    fn of(&self, shard: u8) -> u64 {
        self.counts[usize::from(shard)].load(Ordering::Relaxed).max(1)
    }

    fn note(&self, shard: u8, buckets: u64) {
        self.counts[usize::from(shard)].store(buckets, Ordering::Relaxed);
    }

    fn is_used(&self, shard: u8) -> bool {
        self.used[usize::from(shard)].load(Ordering::Relaxed)
    }

    fn note_use(&self, shard: u8, is_used: bool) {
        self.used[usize::from(shard)].store(is_used, Ordering::Relaxed);
    }
}

/// What the registry knows of a message's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whose it is, unless that was forgotten.
    pub(super) customer: Option<CustomerId>,
    pub(super) mode: Mode,
    pub(super) is_retired: bool,
}

impl Standing {
    pub(super) fn of(message: &MessageIdentity, is_retired: bool) -> Standing {
        Standing { customer: Some(message.customer_id.clone()), mode: message.mode, is_retired }
    }

    fn packed(&self) -> Vec<u8> {
        let flag = match (self.mode, self.is_retired) {
            (Mode::Live, false) => 'L',
            (Mode::Live, true) => 'l',
            (Mode::Test, false) => 'T',
            (Mode::Test, true) => 't',
        };
        format!("{flag}{}", self.customer.as_ref().map_or("", CustomerId::as_str)).into_bytes()
    }

    fn read(packed: &[u8]) -> Result<Option<Standing>> {
        let Some((flag, customer)) = packed.split_first() else { return Ok(None) };
        let customer = match std::str::from_utf8(customer).map_err(|_| reply::strange())? {
            "" => None,
            id => Some(CustomerId::new(id).map_err(|_| reply::strange())?),
        };
        Ok(Some(Standing {
            customer,
            mode: if flag.eq_ignore_ascii_case(&b'T') { Mode::Test } else { Mode::Live },
            is_retired: flag.is_ascii_lowercase(),
        }))
    }

    /// Whether a message may go under this standing's id.
    pub(super) fn is_of(&self, message: &MessageIdentity) -> bool {
        self.customer.as_ref() == Some(&message.customer_id) && self.mode == message.mode
    }
}

/// What is to be done with message ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Look,
    /// Write where nothing stands yet.
    Bind,
    /// Write whatever stands there.
    Put,
    /// Remove if just this stands there, bound by one call only.
    Drop,
}

impl Deed {
    fn as_str(self) -> &'static str {
        match self {
            Deed::Look => "look",
            Deed::Bind => "bind",
            Deed::Put => "put",
            Deed::Drop => "drop",
        }
    }
}

impl RedisStore {
    /// What the registry knows of each message, by the hash of its id.
    pub(super) async fn standings(&self, messages: &[Hash]) -> Result<Vec<Option<Standing>>> {
        let entries = messages.iter().map(|message| (*message, None)).collect::<Vec<_>>();
        self.ask_registry(Deed::Look, &entries).await
    }

    /// The ids of test messages that belong to live ones of the usual form, which only bindings speak of.
    pub(super) async fn live_ids(&self, messages: &[&MessageIdentity]) -> Result<HashSet<MessageId>> {
        let tests: Vec<_> = messages.iter().filter(|message| message.mode == Mode::Test && is_usual(message)).collect();
        let mut live = HashSet::new();
        if tests.is_empty() {
            return Ok(live);
        }
        for pool in self.pool_names().await? {
            for portion in tests.chunks(PORTION) {
                let place = |customer| (Hash::of_customer(customer).head(), customer);
                let places: Vec<_> = portion.iter().map(|message| place(&message.customer_id)).collect();
                let Some(listed) = self.list_customers(&pool, &places, false).await? else { break };
                let records = listed.records.iter().flatten().map(|entry| &entry.record);
                let campaigns = self.campaigns_if(records.clone().any(|record| record.campaign > 0), &pool).await?;
                for record in records.filter(|record| record.mode == Mode::Live) {
                    live.extend(record.message(campaigns.get(&record.campaign))?);
                }
            }
        }
        live.retain(|id| tests.iter().any(|message| message.message_id == *id));
        Ok(live)
    }

    /// Looks message ids up by their hashes, binds or retires them; says what stood there before.
    pub(super) async fn ask_registry(
        &self,
        deed: Deed,
        messages: &[(Hash, Option<Standing>)],
    ) -> Result<Vec<Option<Standing>>> {
        let mut groups = self.callable_together(messages);
        groups.iter_mut().for_each(|group| group.sort_by_key(|n| messages[*n].0.shard()));
        let portions = groups.iter().flat_map(|group| group.chunks(PORTION));
        let answers = try_join_all(portions.map(async |portion| {
            let entries: Vec<_> = portion.iter().map(|n| (messages[*n].0, messages[*n].1.as_ref())).collect();
            Ok::<_, crate::Error>((portion, self.ask_shards(deed, &entries).await?))
        }))
        .await?;
        let mut known = vec![None; messages.len()];
        for (portion, standings) in answers {
            portion.iter().zip(standings).for_each(|(n, standing)| known[*n] = standing);
        }
        Ok(known)
    }

    /// The places of messages that one call may ask for: of all shards, unless a Cluster keeps them apart.
    fn callable_together(&self, messages: &[(Hash, Option<Standing>)]) -> Vec<Vec<usize>> {
        if self.link.url().layout != Layout::Cluster {
            return vec![(0..messages.len()).collect()];
        }
        let mut shards = vec![Vec::new(); usize::from(SHARDS)];
        for (n, (hash, _)) in messages.iter().enumerate() {
            shards[usize::from(hash.shard())].push(n);
        }
        shards
    }

    /// Asks for messages, which stand by their shards.
    async fn ask_shards(&self, deed: Deed, entries: &[(Hash, Option<&Standing>)]) -> Result<Vec<Option<Standing>>> {
        let mut shards: Vec<u8> = entries.iter().map(|(hash, _)| hash.shard()).collect();
        shards.dedup();
        loop {
            // Where every message names its customer, a shard knows none: then the question whether it does is enough.
            let is_asked: Vec<bool> =
                shards.iter().map(|shard| deed != Deed::Look || self.message_buckets.is_used(*shard)).collect();
            let place = |hash: &Hash| shards.iter().position(|shard| *shard == hash.shard()).unwrap_or_default();
            let (call, asked) = self.registry_call(deed, &shards, entries, |hash| is_asked[place(hash)]);
            let (status, answer) = reply::status(self.link.run(&call).await?)?;
            let mut answer = answer.into_iter();
            let numbers = answer.by_ref().take(shards.len()).map(|number| reply::number(Some(&number)));
            let numbers = numbers.collect::<Result<Vec<u64>>>()?;
            if status == "RESIZED" {
                shards.iter().zip(numbers).for_each(|(shard, buckets)| self.message_buckets.note(*shard, buckets));
                continue;
            }
            for (shard, count) in shards.iter().zip(&numbers) {
                self.message_buckets.note_use(*shard, *count > 0);
                if deed != Deed::Look {
                    self.grow_messages(*shard, count.div_ceil(LOAD)).await?;
                }
            }
            if numbers.iter().zip(&is_asked).any(|(count, is_asked)| *count > 0 && !is_asked) {
                continue;
            }
            let mut known = vec![None; entries.len()];
            for (n, standing) in asked.into_iter().zip(answer) {
                known[n] = Standing::read(&reply::bytes(standing)?)?;
            }
            return Ok(known);
        }
    }

    /// A call of `messages.lua`, and the places of the messages that it asks for.
    fn registry_call(
        &self,
        deed: Deed,
        shards: &[u8],
        entries: &[(Hash, Option<&Standing>)],
        is_asked: impl Fn(&Hash) -> bool,
    ) -> (Call, Vec<usize>) {
        let mut call = Call::new(&MESSAGES, shards.iter().map(|shard| self.keys.shard(*shard).shard()).collect());
        call.kept = deed != Deed::Look;
        call.push(deed.as_str());
        call.push_number(shards.len());
        // Others may learn of further buckets meanwhile.
        let buckets: Vec<u64> = shards.iter().map(|shard| self.message_buckets.of(*shard)).collect();
        buckets.iter().for_each(|buckets| call.push_number(buckets));
        let asked: Vec<usize> = (0..entries.len()).filter(|n| is_asked(&entries[*n].0)).collect();
        for (hash, standing) in asked.iter().map(|n| entries[*n]) {
            let shard = shards.iter().position(|shard| *shard == hash.shard()).unwrap_or_default();
            let (keys, bucket) = (self.keys.shard(hash.shard()), hash.bucket(buckets[shard]));
            let place = call.place(Section::Messages(hash.shard()), bucket, || keys.messages(bucket));
            call.push_number(shard + 1);
            call.push_number(place);
            call.push(hash.head::<16>());
            call.push(standing.map(Standing::packed).unwrap_or_default());
        }
        (call, asked)
    }

    /// Adds buckets to a shard until there are `enough`.
    async fn grow_messages(&self, shard: u8, enough: u64) -> Result<()> {
        let keys = self.keys.shard(shard);
        while self.message_buckets.of(shard) < enough {
            let buckets = self.message_buckets.of(shard);
            let from = keys.messages(split_from(buckets));
            let mut call = Call::new(&SPLIT_MESSAGES, vec![keys.shard(), from, keys.messages(buckets)]);
            call.push_number(buckets);
            let (_, answer): (_, Vec<Value>) = reply::status(self.link.run(&call).await?)?;
            self.message_buckets.note(shard, reply::number(answer.first())?);
        }
        Ok(())
    }
}
