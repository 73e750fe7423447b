//! Ending a lease: what is kept, and what goes back.
//!
//! Pools settle one by one. Where a code came from an overflow pool, the pool that gave it settles first, then the choice of
//! each pool before it; only then do the pools end what else the lease holds.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use jiff::Timestamp;

use super::address::{Field, Hash, LOAD};
use super::campaigns::Campaigns;
use super::lookup::Hop;
use super::messages::{Deed, Standing};
use super::pool_call::Space;
use super::record::{self, Kind, field_of, is_implied, pointer};
use super::script::{Call, SETTLE};
use super::{RedisStore, reply};
use crate::error::Result;
use crate::voucher::{Code, Kept, Lease, PoolName, Settled, Shown, Width};

/// How many messages one call settles at most, and how many codes.
const PORTION: usize = 500;

/// A binding to be assigned in a pool, for one of the messages that are kept.
#[derive(Clone)]
struct Part {
    message: usize,
    field: Field,
    bound: Bound,
}

/// What must be bound for a message to be accepted.
#[derive(Clone)]
enum Bound {
    Code(Code),
    /// The choice of this overflow pool, and when what it gave ends.
    Choice(PoolName, Option<Timestamp>),
}

/// What a pool says of one message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Accepted,
    /// Accepted, but every voucher is recorded under another message.
    AcceptedForOther,
    Refused,
}

/// The parts for each pool.
type Parts = BTreeMap<PoolName, Vec<Part>>;

impl RedisStore {
    /// Ends `lease`: `Claims::settle`.
    pub(super) async fn settle_all(&self, lease: &Lease, kept: &[Kept]) -> Result<Vec<Settled>> {
        let mut progress = Progress::new(kept);
        let bound = self.bind_ids(kept, &mut progress).await?;
        let mut ended = BTreeSet::new();
        if lease.touched_by_overflow() {
            self.settle_chains(lease, kept, direct_parts(kept, &progress), &mut progress).await?;
        } else {
            ended = self.settle_directly(lease, kept, &mut progress).await?;
        }
        let touched = lease.touched();
        let rest = touched.iter().filter(|pool| !ended.contains(*pool));
        try_join_all(rest.map(|pool| self.settle_pool(lease, pool, kept, &[], true))).await?;
        self.record_ids(kept, &progress, bound).await?;
        Ok(progress.answers())
    }

    /// Binds the ids that do not say whose they are; what belongs to somebody else, or is retired, is refused.
    async fn bind_ids(&self, kept: &[Kept], progress: &mut Progress) -> Result<Vec<usize>> {
        let (implied, mut others): (Vec<usize>, Vec<usize>) =
            (0..kept.len()).partition(|n| is_implied(&kept[*n].message));
        let live = self.live_ids(&others.iter().map(|n| &*kept[*n].message).collect::<Vec<_>>()).await?;
        others.retain(|n| {
            let is_live = live.contains(&kept[*n].message.message_id);
            if is_live {
                progress.refuse(*n);
            }
            !is_live
        });
        let entry = |n: &usize| (&kept[*n].message.message_id, Some(Standing::of(&kept[*n].message, false)));
        let ids: Vec<_> = implied.iter().map(|n| entry(n).0).collect();
        let known = self.standings(&ids);
        let entries: Vec<_> = others.iter().map(entry).collect();
        let bound = self.ask_registry(Deed::Bind, &entries);
        let (known, before) = futures_util::future::try_join(known, bound).await?;
        let mut new = Vec::new();
        for (n, standing) in implied.iter().zip(known).chain(others.iter().zip(before)) {
            match standing {
                Some(standing) if standing.is_retired || !standing.is_of(&kept[*n].message) => progress.refuse(*n),
                Some(_) => progress.known[*n] = true,
                None if is_implied(&kept[*n].message) => {}
                None => new.push(*n),
            }
        }
        Ok(new)
    }

    /// Takes back the ids of messages that were refused in the end, and adds those that no binding speaks of.
    async fn record_ids(&self, kept: &[Kept], progress: &Progress, bound: Vec<usize>) -> Result<()> {
        let entry = |n: usize| (&kept[n].message.message_id, Some(Standing::of(&kept[n].message, false)));
        let undone: Vec<_> = bound.into_iter().filter(|n| progress.is_refused(*n)).map(entry).collect();
        let unknown =
            (0..kept.len()).filter(|n| is_implied(&kept[*n].message) && !progress.known[*n] && progress.is_silent(*n));
        let unknown: Vec<_> = unknown.map(entry).collect();
        if !undone.is_empty() {
            self.ask_registry(Deed::Drop, &undone).await?;
        }
        if !unknown.is_empty() {
            self.ask_registry(Deed::Bind, &unknown).await?;
        }
        Ok(())
    }

    /// Settles in every pool at once, where no overflow pool is known to be in play; says which pools have ended the lease.
    async fn settle_directly(
        &self,
        lease: &Lease,
        kept: &[Kept],
        progress: &mut Progress,
    ) -> Result<BTreeSet<PoolName>> {
        let parts = direct_parts(kept, progress);
        let settled = try_join_all(parts.iter().map(async |(pool, parts)| {
            Ok::<_, crate::Error>((pool, parts, self.settle_pool(lease, pool, kept, parts, true).await?))
        }))
        .await?;
        let mut ended = BTreeSet::new();
        let mut chains = Parts::new();
        for (pool, parts, verdicts) in settled {
            match verdicts {
                Some(verdicts) => {
                    ended.insert(pool.clone());
                    progress.note(&verdicts);
                }
                None => {
                    chains.insert(pool.clone(), parts.clone());
                }
            }
        }
        self.settle_chains(lease, kept, chains, progress).await?;
        Ok(ended)
    }

    /// Settles codes that may be from overflow pools: level by level, from the pools that gave them.
    async fn settle_chains(&self, lease: &Lease, kept: &[Kept], parts: Parts, progress: &mut Progress) -> Result<()> {
        let mut levels: BTreeMap<usize, Parts> = BTreeMap::new();
        let parts: Vec<_> = parts.iter().flat_map(|(pool, parts)| parts.iter().map(move |part| (pool, part))).collect();
        let paths = try_join_all(parts.iter().map(|(pool, part)| self.path_of(kept, pool, (*part).clone()))).await?;
        for ((_, part), path) in parts.iter().zip(paths) {
            match path {
                Some(path) => {
                    for (level, (pool, part)) in path.into_iter().rev().enumerate() {
                        levels.entry(level).or_default().entry(pool).or_default().push(part);
                    }
                }
                None => progress.refuse(part.message),
            }
        }
        for parts in levels.into_values() {
            let open = |parts: &[Part]| -> Vec<Part> {
                parts.iter().filter(|part| !progress.is_refused(part.message)).cloned().collect()
            };
            let open: Vec<_> = parts.iter().map(|(pool, parts)| (pool, open(parts))).collect();
            let settled =
                try_join_all(open.iter().map(|(pool, parts)| self.settle_pool(lease, pool, kept, parts, false)));
            for ((_, parts), verdicts) in open.iter().zip(settled.await?) {
                match verdicts {
                    Some(verdicts) => progress.note(&verdicts),
                    None => parts.iter().for_each(|part| progress.refuse(part.message)),
                }
            }
        }
        Ok(())
    }

    /// The bindings that stand behind a shown code, from the pool that the template names to the one that gave it; `None` if
    /// it is not bound as shown.
    async fn path_of(&self, kept: &[Kept], named: &PoolName, part: Part) -> Result<Option<Vec<(PoolName, Part)>>> {
        let shown = kept[part.message].shown.iter().find(|shown| {
            shown.pool == *named && field_of(&shown.key, &kept[part.message].message, None) == part.field
        });
        let Some(shown) = shown else { return Ok(None) };
        let hops = self.follow(named, &shown.key, &kept[part.message].message).await?;
        let Some((last, before)) = hops.split_last() else { return Ok(None) };
        let is_as_shown = last.record.kind != Kind::Choice && shown.code.as_str() == last.record.code;
        if !is_as_shown {
            return Ok(None);
        }
        let choice = |(hop, next): (&Hop, &Hop)| {
            let bound = Bound::Choice(next.pool.clone(), last.record.ends);
            (hop.pool.clone(), Part { message: part.message, field: hop.field, bound })
        };
        let mut path: Vec<_> = before.iter().zip(&hops[1..]).map(choice).collect();
        path.push((last.pool.clone(), Part { field: last.field, ..part }));
        Ok(Some(path))
    }

    /// Settles in one pool, in portions of whole messages. `None` if codes of overflow pools are among them: nothing was done.
    async fn settle_pool(
        &self,
        lease: &Lease,
        pool: &PoolName,
        kept: &[Kept],
        parts: &[Part],
        is_end: bool,
    ) -> Result<Option<Vec<(usize, Verdict)>>> {
        let mut verdicts = Vec::new();
        let portions = portions(parts);
        for (n, portion) in portions.iter().enumerate() {
            let is_end = is_end && n + 1 == portions.len();
            let fill = |space: &Space, call: &mut Call| {
                fill(space, call, lease, kept, portion, is_end);
            };
            let Some(answer) = self.call_pool(pool, &SETTLE, true, fill).await? else {
                verdicts.extend(portion.iter().map(|parts| (parts[0].message, Verdict::Refused)));
                continue;
            };
            let mut answer = answer.into_iter();
            let Some(letters) = answer.next() else { return Ok(None) };
            for (parts, letter) in portion.iter().zip(reply::bytes(letters)?) {
                let verdict = match letter {
                    b'A' => Verdict::Accepted,
                    b'O' => Verdict::AcceptedForOther,
                    _ => Verdict::Refused,
                };
                verdicts.push((parts[0].message, verdict));
            }
            let bindings = reply::number(answer.next().as_ref())?;
            self.grow(pool, bindings / LOAD).await?;
        }
        Ok(Some(verdicts))
    }
}

/// How far a settling call has come.
struct Progress {
    /// Whether the registry speaks of a message.
    known: Vec<bool>,
    refused: Vec<bool>,
    /// Whether a binding speaks of a message.
    spoken_of: Vec<bool>,
}

impl Progress {
    fn new(kept: &[Kept]) -> Progress {
        let none = vec![false; kept.len()];
        Progress { known: none.clone(), refused: none.clone(), spoken_of: none }
    }

    fn refuse(&mut self, message: usize) {
        self.refused[message] = true;
    }

    fn is_refused(&self, message: usize) -> bool {
        self.refused[message]
    }

    /// Whether a message was accepted, and nothing in a pool speaks of it.
    fn is_silent(&self, message: usize) -> bool {
        !self.refused[message] && !self.spoken_of[message]
    }

    fn note(&mut self, verdicts: &[(usize, Verdict)]) {
        for (message, verdict) in verdicts {
            match verdict {
                Verdict::Accepted => self.spoken_of[*message] = true,
                Verdict::AcceptedForOther => {}
                Verdict::Refused => self.refuse(*message),
            }
        }
    }

    fn answers(&self) -> Vec<Settled> {
        self.refused.iter().map(|refused| if *refused { Settled::Refused } else { Settled::Accepted }).collect()
    }
}

/// What the messages that are not refused show, by the pool that the template names.
fn direct_parts(kept: &[Kept], progress: &Progress) -> Parts {
    let mut parts = Parts::new();
    for (message, kept) in kept.iter().enumerate().filter(|(n, _)| !progress.is_refused(*n)) {
        for Shown { pool, key, code } in &kept.shown {
            let field = field_of(key, &kept.message, None);
            parts.entry(pool.clone()).or_default().push(Part { message, field, bound: Bound::Code(code.clone()) });
        }
    }
    parts
}

/// Cuts parts into calls, none of them within a message; at least one call, to end the lease.
fn portions(parts: &[Part]) -> Vec<Vec<Vec<Part>>> {
    let mut by_message: BTreeMap<usize, Vec<Part>> = BTreeMap::new();
    for part in parts {
        by_message.entry(part.message).or_default().push(part.clone());
    }
    let mut portions: Vec<Vec<Vec<Part>>> = vec![Vec::new()];
    let mut size = 0;
    for parts in by_message.into_values() {
        if size > 0 && size + parts.len() > PORTION {
            portions.push(Vec::new());
            size = 0;
        }
        size += parts.len();
        if let Some(portion) = portions.last_mut() {
            portion.push(parts);
        }
    }
    portions
}

/// Adds the keys and arguments of `settle.lua`.
fn fill(space: &Space, call: &mut Call, lease: &Lease, kept: &[Kept], messages: &[Vec<Part>], is_end: bool) {
    call.push(lease.id.get().to_be_bytes());
    call.push(if is_end { "1" } else { "0" });
    let campaigns = Campaigns::of(messages.iter().map(|parts| kept[parts[0].message].message.campaign_id.as_ref()));
    campaigns.declare(call);
    for parts in messages {
        let message = &*kept[parts[0].message].message;
        let customer = Hash::of_customer(&message.customer_id);
        let customer_bucket = call.place(space.keys.keys(customer.bucket(space.buckets)));
        call.push(Hash::of_message(&message.message_id).head::<16>());
        call.push(record::identity(message, Width::Occurrence(1), false));
        call.push_number(campaigns.place(message.campaign_id.as_ref()));
        call.push_number(customer_bucket);
        call.push_number(parts.len());
        for part in parts {
            let bucket = call.place(space.keys.keys(part.field.bucket(space.buckets)));
            call.push_number(bucket);
            match &part.bound {
                Bound::Code(code) => {
                    let hash = Hash::of_code(code);
                    let code_bucket = call.place(space.keys.codes(hash.bucket(space.buckets)));
                    call.push_number(code_bucket);
                    call.push(part.field.0);
                    call.push(hash.head::<8>());
                    call.push(code.as_str());
                    call.push("");
                }
                Bound::Choice(pool, ends) => {
                    call.push_number(0);
                    call.push(part.field.0);
                    call.push("");
                    call.push(format!("\t{pool}"));
                    call.push(ends.map(|ends| ends.as_millisecond().to_string()).unwrap_or_default());
                }
            }
            call.push(pointer(part.field, &message.customer_id).map(|field| field.0.to_vec()).unwrap_or_default());
        }
    }
}
