//! Makes codes where a pool with a pattern has none left.

mod ports;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{
    Claim, ClaimKey, Claimed, Generator, ImportId, Lease, Metadata, Pattern, PoolName, PoolSettings, PoolStatus,
    Refusal, Store, Voucher,
};

/// How often claims are asked again after codes were made for them: others may take these first.
const ROUNDS: usize = 4;

/// The import that all codes belong to that are made at the moment of their assignment.
const IMPORT: &str = "at-assignment";

/// Which vouchers will do.
type Matching<'a> = &'a (dyn for<'v> Fn(&'v Voucher) -> bool + Send + Sync);

/// A store whose pools with a pattern are never empty while the pattern has codes left.
///
/// Claims go to the store beneath. Those that it finds nothing for, in a pool with a pattern, are asked again once as many
/// codes are made as they lack. A claim's key binds what it got, so asking again is harmless; what was made and somebody else
/// took, or nobody used, is stock like any other.
pub struct GeneratingStore {
    inner: Arc<dyn Store>,
}

impl GeneratingStore {
    /// Makes codes for the pools of `inner`.
    pub fn new(inner: Arc<dyn Store>) -> GeneratingStore {
        GeneratingStore { inner }
    }

    /// Answers claims, and makes codes for those that find a pool empty.
    async fn answers(&self, lease: &Lease, claims: &[Claim], matching: Option<Matching<'_>>) -> Result<Vec<Claimed>> {
        let mut answers = self.ask(lease, claims, matching).await?;
        let mut barren = BTreeSet::new();
        for _ in 0..ROUNDS {
            let empty = empty(claims, &answers, &barren);
            self.make(lacking(claims, &empty), matching, &mut barren).await?;
            let again: Vec<usize> = empty.into_iter().filter(|&index| !barren.contains(&claims[index].pool)).collect();
            if again.is_empty() {
                return Ok(answers);
            }
            let asked: Vec<Claim> = again.iter().map(|&index| claims[index].clone()).collect();
            for (index, answer) in again.into_iter().zip(self.ask(lease, &asked, matching).await?) {
                answers[index] = answer;
            }
        }
        // Codes can be made, and others were faster each time: that is not final.
        for index in empty(claims, &answers, &barren) {
            answers[index] = Claimed::Contended(Refusal::PoolEmpty);
        }
        Ok(answers)
    }

    async fn ask(&self, lease: &Lease, claims: &[Claim], matching: Option<Matching<'_>>) -> Result<Vec<Claimed>> {
        match matching {
            None => self.inner.reserve(lease, claims).await,
            Some(matching) => self.inner.reserve_matching(lease, claims, matching).await,
        }
    }

    /// Makes as many codes as these claims lack. Pools for which nothing can be made are `barren` from then on.
    async fn make(
        &self,
        lacking: BTreeMap<PoolName, usize>,
        matching: Option<Matching<'_>>,
        barren: &mut BTreeSet<PoolName>,
    ) -> Result<()> {
        let import = ImportId::new(IMPORT)?;
        for (pool, count) in lacking {
            let made = match self.maker(&pool, matching).await? {
                Some((maker, pattern)) => {
                    let generator = Generator { pool: &maker, pattern: &pattern, expires_at: None, import: &import };
                    generator.add(&*self.inner, count).await?.len()
                }
                None => 0,
            };
            if made == 0 {
                barren.insert(pool);
            }
        }
        Ok(())
    }

    /// The pool that makes codes for claims of `pool`: the first one of its overflow chain that has a pattern.
    async fn maker(&self, pool: &PoolName, matching: Option<Matching<'_>>) -> Result<Option<(PoolName, Pattern)>> {
        let mut visited = BTreeSet::new();
        let mut next = Some(pool.clone());
        while let Some(name) = next.take().filter(|name| !visited.contains(name)) {
            let Some(PoolStatus { settings, .. }) = self.inner.pool(&name).await? else { break };
            if let Some(pattern) =
                pattern(&settings).filter(|pattern| matching.is_none_or(|matching| fits(pattern, matching)))
            {
                return Ok(Some((name, pattern.clone())));
            }
            // Who chooses among vouchers chooses in one pool.
            next = settings.overflow.filter(|_| matching.is_none());
            visited.insert(name);
        }
        Ok(None)
    }
}

/// The pattern of a pool that may give codes: one that is paused or over gives none.
fn pattern(settings: &PoolSettings) -> Option<&Pattern> {
    let over = settings.expires_at.is_some_and(|end| end <= Timestamp::now());
    settings.pattern.as_ref().filter(|_| !settings.paused && !over)
}

/// Whether a code that is made would do.
fn fits(pattern: &Pattern, matching: Matching<'_>) -> bool {
    let code = pattern.code(&mut rand::rng());
    matching(&Voucher { code, expires_at: None, metadata: Arc::new(Metadata::new()) })
}

/// Those claims, by their index, that found their pool empty, unless nothing can be made for it.
fn empty(claims: &[Claim], answers: &[Claimed], barren: &BTreeSet<PoolName>) -> Vec<usize> {
    let is_empty = |answer: &Claimed| {
        matches!(answer, Claimed::Refused(Refusal::PoolEmpty) | Claimed::Contended(Refusal::PoolEmpty))
    };
    let found = claims.iter().zip(answers).enumerate();
    found
        .filter(|(_, (claim, answer))| is_empty(answer) && !barren.contains(&claim.pool))
        .map(|(index, _)| index)
        .collect()
}

/// How many vouchers each pool lacks for these claims: one for each key.
fn lacking(claims: &[Claim], empty: &[usize]) -> BTreeMap<PoolName, usize> {
    let mut keys: BTreeMap<&PoolName, HashSet<ClaimKey>> = BTreeMap::new();
    for claim in empty.iter().map(|&index| &claims[index]) {
        keys.entry(&claim.pool).or_default().extend(claim.key());
    }
    keys.into_iter().map(|(pool, keys)| (pool.clone(), keys.len())).collect()
}

/// A pool that makes codes is never empty, so what it has for that case would never be used, or would always come first.
fn check(name: &PoolName, settings: &PoolSettings) -> Result<()> {
    let PoolSettings { pattern: Some(pattern), fallback, overflow, floor, .. } = settings else { return Ok(()) };
    let beside = match (fallback, overflow, floor) {
        (Some(_), ..) => "a fallback code",
        (_, Some(_), _) => "an overflow pool",
        (_, _, 1..) => "a floor",
        _ => return Ok(()),
    };
    let message = format!("pool '{name}' makes codes '{pattern}' when it is empty, so it cannot have {beside}");
    Err(Error::new(ErrorKind::InvalidInput, message).with_help("take one of the two back"))
}

impl fmt::Debug for GeneratingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GeneratingStore(…)")
    }
}
