//! Ending a lease: what is kept, and what goes back.
//!
//! Pools settle one by one. Where a code came from an overflow pool, the pool that gave it settles first, then the choice of
//! each pool before it; only then do the pools end what else the lease holds.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;

use super::address::LOAD;
use super::lookup::Hop;
use super::messages::{Deed, Standing};
use super::parts::{Bound, Letter, Part, fill, portions};
use super::pool_call::Space;
use super::record::{Kind, is_implied};
use super::script::{Call, SETTLE};
use super::{RedisStore, reply};
use crate::error::Result;
use crate::voucher::{Kept, Lease, MessageIdentity, PoolName, Settled, Shown};

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
        let letters: Vec<_> = kept.iter().map(Letter::new).collect();
        let mut progress = Progress::new(letters.len());
        let bound = self.bind_ids(&letters, &mut progress).await?;
        let mut ended = BTreeSet::new();
        if lease.touched_by_overflow() {
            self.settle_chains(lease, &letters, direct_parts(&letters, &progress), &mut progress).await?;
        } else {
            ended = self.settle_directly(lease, &letters, &mut progress).await?;
        }
        let touched = lease.touched();
        let rest = touched.iter().filter(|pool| !ended.contains(*pool));
        try_join_all(rest.map(|pool| self.settle_pool(lease, pool, &letters, &[], true))).await?;
        self.record_ids(&letters, &progress, bound).await?;
        Ok(progress.answers())
    }

    /// Binds the ids that do not say whose they are; what belongs to somebody else, or is retired, is refused.
    async fn bind_ids(&self, letters: &[Letter<'_>], progress: &mut Progress) -> Result<Vec<usize>> {
        let (implied, mut others): (Vec<usize>, Vec<usize>) =
            (0..letters.len()).partition(|n| is_implied(letters[*n].message));
        let live = self.live_ids(&others.iter().map(|n| letters[*n].message).collect::<Vec<_>>()).await?;
        others.retain(|n| {
            let is_live = live.contains(&letters[*n].message.message_id);
            if is_live {
                progress.refuse(*n);
            }
            !is_live
        });
        let ids: Vec<_> = implied.iter().map(|n| letters[*n].hash).collect();
        let known = self.standings(&ids);
        let entries: Vec<_> = others.iter().map(|n| letters[*n].entry()).collect();
        let bound = self.ask_registry(Deed::Bind, &entries);
        let (known, before) = futures_util::future::try_join(known, bound).await?;
        for (n, standing) in implied.into_iter().zip(known) {
            progress.meet(n, letters[n].message, standing);
        }
        let mut new = Vec::new();
        for (n, standing) in others.into_iter().zip(before) {
            if standing.is_none() {
                new.push(n);
            }
            progress.meet(n, letters[n].message, standing);
        }
        Ok(new)
    }

    /// Takes back the ids of messages that were refused in the end, and adds those that no binding speaks of.
    async fn record_ids(&self, letters: &[Letter<'_>], progress: &Progress, bound: Vec<usize>) -> Result<()> {
        let undone = bound.into_iter().filter(|n| progress.is_refused(*n));
        let undone: Vec<_> = undone.map(|n| letters[n].entry()).collect();
        let unknown = (0..letters.len())
            .filter(|n| progress.is_silent(*n) && !progress.known[*n] && is_implied(letters[*n].message));
        let unknown: Vec<_> = unknown.map(|n| letters[n].entry()).collect();
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
        letters: &[Letter<'_>],
        progress: &mut Progress,
    ) -> Result<BTreeSet<PoolName>> {
        let parts = direct_parts(letters, progress);
        let settled = try_join_all(parts.iter().map(async |(pool, parts)| {
            Ok::<_, crate::Error>((pool, parts, self.settle_pool(lease, pool, letters, parts, true).await?))
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
        self.settle_chains(lease, letters, chains, progress).await?;
        Ok(ended)
    }

    /// Settles codes that may be from overflow pools: level by level, from the pools that gave them.
    async fn settle_chains(
        &self,
        lease: &Lease,
        letters: &[Letter<'_>],
        parts: Parts,
        progress: &mut Progress,
    ) -> Result<()> {
        let mut levels: BTreeMap<usize, Parts> = BTreeMap::new();
        let parts: Vec<_> = parts.iter().flat_map(|(pool, parts)| parts.iter().map(move |part| (pool, part))).collect();
        let paths =
            try_join_all(parts.iter().map(|(pool, part)| self.path_of(&letters[part.message], pool, (*part).clone())))
                .await?;
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
                try_join_all(open.iter().map(|(pool, parts)| self.settle_pool(lease, pool, letters, parts, false)));
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
    async fn path_of(
        &self,
        letter: &Letter<'_>,
        named: &PoolName,
        part: Part,
    ) -> Result<Option<Vec<(PoolName, Part)>>> {
        let shown = letter.kept.shown.iter();
        let shown = shown.filter(|shown| shown.pool == *named);
        let Some(shown) = shown.into_iter().find(|shown| letter.anchors.field(&shown.key, None) == part.field) else {
            return Ok(None);
        };
        let hops = self.follow(named, &shown.key, letter.message).await?;
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
        letters: &[Letter<'_>],
        parts: &[Part],
        is_end: bool,
    ) -> Result<Option<Vec<(usize, Verdict)>>> {
        let mut verdicts = Vec::new();
        let mut parts: Vec<&Part> = parts.iter().collect();
        parts.sort_by_key(|part| part.message);
        let portions = portions(&parts);
        for (n, portion) in portions.iter().enumerate() {
            let is_end = is_end && n + 1 == portions.len();
            let fill = |space: &Space, call: &mut Call| {
                fill(space, call, lease, letters, portion, is_end);
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
    fn new(messages: usize) -> Progress {
        let none = vec![false; messages];
        Progress { known: none.clone(), refused: none.clone(), spoken_of: none }
    }

    fn refuse(&mut self, message: usize) {
        self.refused[message] = true;
    }

    /// Takes note of what the registry says of a message.
    fn meet(&mut self, n: usize, message: &MessageIdentity, standing: Option<Standing>) {
        match standing {
            Some(standing) if standing.is_retired || !standing.is_of(message) => self.refuse(n),
            Some(_) => self.known[n] = true,
            None => {}
        }
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
fn direct_parts(letters: &[Letter<'_>], progress: &Progress) -> Parts {
    let mut parts = Parts::new();
    for (message, letter) in letters.iter().enumerate().filter(|(n, _)| !progress.is_refused(*n)) {
        for Shown { pool, key, code } in &letter.kept.shown {
            let field = letter.anchors.field(key, None);
            parts.entry(pool.clone()).or_default().push(Part { message, field, bound: Bound::Code(code.clone()) });
        }
    }
    parts
}
