//! Who may get something new of a pool: judged before it is claimed.
//!
//! What a message holds already is served whatever a rule says. So where a rule is not true, the message may still ask, if
//! something is bound to its claim; what it gets is then held against what was bound.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::RenderThreads;
use super::attempt::{Answers, Draft, End, Placed, Stage};
use super::rules::{Rule, Verdict};
use crate::error::Result;
use crate::render::Message;
use crate::voucher::{Claim, Claimed, Code, PoolName};

/// The claims that may be made.
#[derive(Default)]
pub(super) struct Admitted {
    pub(super) asked: Placed,
    pub(super) guesses: Placed,
    /// For drafts that may have only what was bound to their claim: its code, and how they end otherwise.
    bound: HashMap<usize, (Code, End)>,
}

impl Admitted {
    /// How the draft at this place ends, having got something else than what was bound to its claim.
    pub(super) fn refuses(&mut self, place: usize, claimed: &Claimed) -> Option<End> {
        let (code, end) = self.bound.remove(&place)?;
        let is_same = matches!(claimed, Claimed::Bound(binding) if binding.voucher.code == code);
        (!is_same).then_some(end)
    }
}

/// A claim with the rule of its pool.
struct Case {
    place: usize,
    claim: Claim,
    message: Arc<Message>,
    rule: Arc<Rule>,
    verdict: Verdict,
}

/// Judges what drafts ask for, and ends those that may not have it. Nobody guesses about a pool that has a rule.
pub(super) async fn admit(
    answers: &dyn Answers,
    threads: &RenderThreads,
    drafts: &mut [Draft],
    asked: Placed,
    mut guesses: Placed,
) -> Result<Admitted> {
    let rules = rules(answers, asked.iter().chain(&guesses)).await?;
    if rules.is_empty() {
        return Ok(Admitted { asked, guesses, ..Admitted::default() });
    }
    guesses.retain(|(_, claim)| !rules.contains_key(&claim.pool));
    let (ruled, free): (Placed, Placed) = asked.into_iter().partition(|(_, claim)| rules.contains_key(&claim.pool));
    let cases = ruled.into_iter().map(|(place, claim)| {
        let (message, rule) = (Arc::clone(&drafts[place].message), Arc::clone(&rules[&claim.pool]));
        Case { place, claim, message, rule, verdict: Verdict::Eligible }
    });
    let cases = threads.each(cases.collect(), |case: &mut Case| case.verdict = case.rule.judge(&case.message)).await?;
    let mut admitted = Admitted { asked: free, guesses, ..Admitted::default() };
    let mut doubtful = Vec::new();
    for Case { place, claim, verdict, .. } in cases {
        let end = match verdict {
            Verdict::Eligible => {
                admitted.asked.push((place, claim));
                continue;
            }
            Verdict::NotEligible => End::NotEligible(claim.pool.clone()),
            Verdict::Broken(problem) => End::BrokenRule(claim.pool.clone(), problem),
        };
        doubtful.push((place, claim, end));
    }
    serve_what_is_bound(answers, drafts, doubtful, &mut admitted).await?;
    // The store serves the claims of a pool in the order of the messages.
    admitted.asked.sort_by_key(|(place, _)| *place);
    Ok(admitted)
}

async fn serve_what_is_bound(
    answers: &dyn Answers,
    drafts: &mut [Draft],
    doubtful: Vec<(usize, Claim, End)>,
    admitted: &mut Admitted,
) -> Result<()> {
    if doubtful.is_empty() {
        return Ok(());
    }
    let claims: Vec<Claim> = doubtful.iter().map(|(_, claim, _)| claim.clone()).collect();
    let bound = answers.bindings(&claims).await?;
    for ((place, claim, end), bound) in doubtful.into_iter().zip(bound) {
        match bound {
            Some(binding) => {
                admitted.bound.insert(place, (binding.voucher.code, end));
                admitted.asked.push((place, claim));
            }
            None => drafts[place].stage = Stage::Ended(end),
        }
    }
    Ok(())
}

async fn rules(
    answers: &dyn Answers,
    claims: impl Iterator<Item = &(usize, Claim)>,
) -> Result<BTreeMap<PoolName, Arc<Rule>>> {
    let pools: BTreeSet<&PoolName> = claims.map(|(_, claim)| &claim.pool).collect();
    let mut rules = BTreeMap::new();
    for pool in pools {
        if let Some(rule) = answers.rule(pool).await? {
            rules.insert(pool.clone(), rule);
        }
    }
    Ok(rules)
}
