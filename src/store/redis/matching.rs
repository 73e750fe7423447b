//! Claims for which only some vouchers of a pool are good.
//!
//! Which ones are is found outside of any script, and a script takes them where they still lie as they were seen. Others take from
//! the same stock meanwhile, so one looks and asks again until that brings nothing more.

use super::RedisStore;
use super::ask::{Answer, Answers, Asked, PORTION, Round};
use super::pool::Shown;
use super::reply;
use super::stock::{Lot, Pick, Place, Walk};
use crate::error::Result;
use crate::voucher::{Claim, Claimed, Code, Lease, PoolName, Refusal, Voucher};

/// What a voucher must be like.
pub(super) type Matching<'a> = &'a (dyn for<'v> Fn(&'v Voucher) -> bool + Send + Sync);

impl RedisStore {
    /// `Assignments::reserve_matching`.
    pub(super) async fn reserve_some(
        &self,
        lease: &Lease,
        claims: &[Claim],
        matching: Matching<'_>,
    ) -> Result<Vec<Claimed>> {
        let Some(pool) = claims.first().map(|claim| &claim.pool) else { return self.reserve_all(lease, &[]).await };
        self.renew_others(lease, |other| other == pool).await?;
        let asked = claims.iter().map(Asked::new).collect::<Result<Vec<_>>>()?;
        let rejected = self.rejected(&asked).await?;
        let mut claimed: Vec<_> = rejected.into_iter().map(|rejection| rejection.map(Claimed::Rejected)).collect();
        let all: Vec<usize> = (0..asked.len()).filter(|n| claimed[*n].is_none()).collect();
        let mut requests = Requests { pool, asked: &asked, claimed: &mut claimed, open: all, chosen: Vec::new() };
        self.ask_matching(lease, &mut requests, &[]).await?;
        while !requests.open.is_empty() {
            let picks = self.find_matching(pool, requests.open.len(), matching).await?;
            let before = requests.open.len();
            let gone = self.ask_matching(lease, &mut requests, &picks).await?;
            if requests.open.len() == before && gone == 0 {
                break;
            }
        }
        let chosen = std::mem::take(&mut requests.chosen);
        let subset: Vec<&Asked<'_>> = chosen.iter().map(|n| &asked[*n]).collect();
        if !subset.is_empty() {
            let found = self.ask_chain(lease, pool, &subset).await?;
            chosen.into_iter().zip(found).for_each(|(n, found)| claimed[n] = Some(found));
        }
        claimed.into_iter().map(|claimed| claimed.ok_or_else(reply::strange)).collect()
    }

    /// Asks for the open claims, which may take what was picked; says how much of that is gone.
    async fn ask_matching(&self, lease: &Lease, requests: &mut Requests<'_, '_>, picks: &[Pick]) -> Result<u64> {
        let open = std::mem::take(&mut requests.open);
        let (mut rest, mut gone) = (picks, 0);
        for portion in open.chunks(PORTION) {
            let part;
            (part, rest) = rest.split_at(enough(rest, portion.len()));
            let subset: Vec<&Asked<'_>> = portion.iter().map(|n| &requests.asked[*n]).collect();
            match self.ask_pool(lease, requests.pool, None, Round::Matching(part), &None, &subset).await? {
                Some(found) => {
                    gone += found.gone;
                    self.note(requests, portion, found).await?;
                }
                None => {
                    portion.iter().for_each(|n| requests.claimed[*n] = Some(Claimed::Refused(Refusal::UnknownPool)));
                }
            }
        }
        Ok(gone)
    }

    async fn note(&self, requests: &mut Requests<'_, '_>, portion: &[usize], found: Answers) -> Result<()> {
        let mut bound = Vec::new();
        for (n, answer) in portion.iter().zip(found.answers) {
            match answer {
                Answer::Bound(record, is_reserved) => bound.push((*n, record, is_reserved)),
                Answer::Choice { .. } => requests.chosen.push(*n),
                Answer::Refused(refusal, is_contended) => requests.refuse(*n, refusal, is_contended),
                Answer::Rejected(rejection) => requests.claimed[*n] = Some(Claimed::Rejected(rejection)),
                Answer::Over => return Err(reply::strange()),
            }
        }
        let records: Vec<_> = bound.iter().map(|(_, record, is_reserved)| (&**record, *is_reserved)).collect();
        let bindings = self.bindings_from(requests.pool, false, found.has_metadata, &records).await?;
        bound.iter().zip(bindings).for_each(|((n, ..), binding)| requests.claimed[*n] = Some(Claimed::Bound(binding)));
        Ok(())
    }

    /// At least so many vouchers that match, as far as there are, those first that end first.
    async fn find_matching(&self, pool: &PoolName, count: usize, matching: Matching<'_>) -> Result<Vec<Pick>> {
        let Some(shown) = self.show_pool(pool, false).await? else { return Ok(Vec::new()) };
        let mut picks = Vec::new();
        for place in [Place::Tray, Place::Shelf] {
            let (mut before, mut found) = (0, 0);
            while found < count {
                let lots = self.lots_behind(pool, place, shown.now, before).await?;
                if lots.is_empty() {
                    break;
                }
                before += lots.len();
                let some = self.pick(&shown, lots, matching).await?;
                found += codes_of(&some);
                picks.extend(some);
            }
        }
        // Where lots go meanwhile, some are passed over.
        if codes_of(&picks) < count {
            picks = self.find_all_matching(pool, &shown, matching).await?;
        }
        picks.sort_by_key(|pick| (pick.lot.ends, pick.lot.place));
        Ok(picks)
    }

    async fn find_all_matching(&self, pool: &PoolName, shown: &Shown, matching: Matching<'_>) -> Result<Vec<Pick>> {
        let (mut picks, mut walk) = (Vec::new(), Walk::new());
        while let Some(mut lots) = self.step(pool, &mut walk).await? {
            lots.retain(|lot| lot.ends > shown.now);
            picks.extend(self.pick(shown, lots, matching).await?);
        }
        Ok(picks)
    }

    /// What of some lots matches.
    async fn pick(&self, shown: &Shown, lots: Vec<Lot>, matching: Matching<'_>) -> Result<Vec<Pick>> {
        let picks = lots.into_iter().map(|lot| Ok(Pick { codes: lot.codes()?, lot })).collect::<Result<Vec<_>>>()?;
        let codes: Vec<Code> = picks.iter().flat_map(|pick| pick.codes.clone()).collect();
        let mut metadata = self.metadata(&shown.status.name, &codes).await?.into_iter();
        let mut matched = Vec::new();
        for Pick { lot, codes } in picks {
            let expires_at = shown.end_of((lot.ends < i64::MAX).then_some(lot.ends))?;
            let voucher = |code| Voucher { code, expires_at, metadata: metadata.next().flatten().unwrap_or_default() };
            let codes = codes.into_iter().map(voucher).filter(|voucher| matching(voucher));
            let codes: Vec<Code> = codes.map(|voucher| voucher.code).collect();
            if !codes.is_empty() {
                matched.push(Pick { lot, codes });
            }
        }
        Ok(matched)
    }
}

/// Claims on one pool, and what is known of them.
struct Requests<'a, 'c> {
    pool: &'a PoolName,
    asked: &'a [Asked<'c>],
    claimed: &'a mut [Option<Claimed>],
    /// Claims that the pool has nothing for, as it was asked last.
    open: Vec<usize>,
    /// Claims under which an overflow pool was chosen before.
    chosen: Vec<usize>,
}

impl Requests<'_, '_> {
    /// What was contended once stays so: what was held then may have come back where nobody looked.
    fn refuse(&mut self, n: usize, refusal: Refusal, is_contended: bool) {
        let was_contended = self.claimed[n] == Some(Claimed::Contended(refusal));
        let is_contended = is_contended || was_contended;
        self.claimed[n] = Some(if is_contended { Claimed::Contended(refusal) } else { Claimed::Refused(refusal) });
        if refusal == Refusal::PoolEmpty {
            self.open.push(n);
        }
    }
}

fn codes_of(picks: &[Pick]) -> usize {
    picks.iter().map(|pick| pick.codes.len()).sum()
}

/// How many of the picks have codes for so many claims.
fn enough(picks: &[Pick], claims: usize) -> usize {
    let mut codes = 0;
    let is_wanted = |pick: &&Pick| {
        let is_wanted = codes < claims;
        codes += pick.codes.len();
        is_wanted
    };
    picks.iter().take_while(is_wanted).count()
}
