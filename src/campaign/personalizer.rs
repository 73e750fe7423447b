//! Takes messages through the protocol: reserve under a lease, render, settle, and only then let them out.
//!
//! The rules are those of `docs/PROTOCOL.md`. Within a batch the audience's order decides who gets the last voucher: what one
//! message gives back is offered to those behind it before anything is called empty.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::RenderThreads;
use super::attempt::{Draft, End, Stage, attempt};
use super::decided::{first_empty, is_contended, lacks, pools_of, refused_by};
use super::foresight::Foresight;
use super::leased::Leased;
use super::low_stock::StockWatch;
use super::outcome::{Outcome, Personalized, Reason, Shortfall};
use super::rules::Rules;
use super::shortfall::{broken_rule, not_eligible, refused, rejected, shortfall};
use crate::error::{Error, ErrorKind, Result};
use crate::render::suggest::did_you_mean;
use crate::render::{Message, Purpose, Rendered, Template, Used};
use crate::voucher::{Claim, Claims, Kept, Lease, Lookup, PoolName, Refusal, Settled, Shown, Source};

/// How often a message renders anew because the store refused what it showed.
const REFUSALS: u32 = 3;
/// How long to wait before asking again for what others hold.
const PAUSE: Duration = Duration::from_millis(50);

/// Personalises messages of one template, each code exactly once.
#[derive(Clone)]
pub struct Personalizer {
    template: Arc<Template>,
    claims: Arc<dyn Claims>,
    pub(super) lookup: Arc<dyn Lookup>,
    rules: Arc<Rules>,
    threads: Arc<RenderThreads>,
    pub(super) lease_time: Duration,
    foresight: Option<Arc<Foresight>>,
    watch: Option<StockWatch>,
}

impl std::fmt::Debug for Personalizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Personalizer").field("template", &self.template).finish_non_exhaustive()
    }
}

/// A batch that has been rendered under a lease and is not settled yet.
pub(super) struct Attempt {
    leased: Leased,
    pub(super) drafts: Vec<Draft>,
}

/// What finishing a batch gives.
pub(super) struct Finished {
    /// The outcomes in the order of the messages: none behind where it stopped, and for what was set aside.
    pub(super) outcomes: Vec<Option<Outcome>>,
    /// The pool that stopped it.
    pub(super) stopped_by: Option<PoolName>,
    /// The messages that were set aside, with their places.
    pub(super) aside: Vec<(usize, Message)>,
}

/// What is done about messages that lack a voucher.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacking {
    /// Where another sender holds what they could have, they wait for it, and so do those behind them.
    Waits,
    /// The same, and the first that finds a pool empty or paused ends the batch.
    Stops,
    /// Where another sender holds what they could have, they are set aside, and keep nobody waiting.
    StandsAside,
}

impl Personalizer {
    /// Personalises messages of `template` with vouchers of a store.
    pub fn new(
        template: Arc<Template>,
        claims: Arc<dyn Claims>,
        lookup: Arc<dyn Lookup>,
        threads: Arc<RenderThreads>,
    ) -> Personalizer {
        let foresight = Some(Arc::new(Foresight::new(Arc::clone(&lookup))));
        let rules = Arc::new(Rules::new(Arc::clone(&lookup)));
        Personalizer { template, claims, lookup, rules, threads, lease_time: Lease::TIME, foresight, watch: None }
    }

    /// Sets how long the store waits for a sign of life before it gives back what is reserved.
    #[must_use]
    pub fn with_lease_time(mut self, time: Duration) -> Personalizer {
        self.lease_time = time;
        self
    }

    /// Reserves only what a message has asked for. Otherwise what messages will probably claim, by what those before them
    /// claimed, is reserved before they render, which spares them the second render and changes no outcome.
    #[must_use]
    pub fn without_foresight(mut self) -> Personalizer {
        self.foresight = None;
        self
    }

    /// Has somebody told when a pool becomes low by what messages were given.
    #[must_use]
    pub fn watched_by(mut self, watch: Option<StockWatch>) -> Personalizer {
        self.watch = watch;
        self
    }

    /// Takes outcomes back that are done with: the next messages are written into their memory, which saves time.
    pub fn recycle(&self, outcomes: Vec<Outcome>) {
        for message in outcomes.into_iter().filter_map(|outcome| outcome.result.ok()) {
            self.template.recycle(message.parts);
        }
    }

    /// Personalises a batch of messages, each id once; the outcomes stand in their order. Many batches go through a
    /// [`Pipeline`](super::Pipeline) faster than one after the other. When it returns, every code in a rendered
    /// message is durably assigned to it. When the future is dropped, no code is lost: what was reserved goes back.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] where the store cannot be reached, [`ErrorKind::Contended`] where others kept changing
    /// what a message holds. Both are retryable with the same message ids, and give the same codes.
    pub async fn personalize(&self, messages: Vec<Message>) -> Result<Vec<Outcome>> {
        let attempt = self.begin(messages).await?;
        let outcomes = self.finish(attempt, Lacking::Waits).await?.outcomes;
        Ok(outcomes.into_iter().map_while(|outcome| outcome).collect())
    }

    /// Renders a batch as far as it goes, reserving what it needs.
    pub(super) async fn begin(&self, messages: Vec<Message>) -> Result<Attempt> {
        self.attempt(drafts(messages), self.foresight.as_deref()).await
    }

    async fn attempt(&self, drafts: Vec<Draft>, foresight: Option<&Foresight>) -> Result<Attempt> {
        let (claims, lookup, rules) = (Arc::clone(&self.claims), Arc::clone(&self.lookup), Arc::clone(&self.rules));
        let leased = Leased::new(claims, lookup, rules, self.lease_time);
        let attempted = async {
            let drafts = attempt(&self.template, &self.threads, &leased, foresight, drafts).await?;
            let is_felt = match foresight {
                Some(foresight) => drafts.iter().any(Draft::waits) || self.feels(foresight, &drafts).await?,
                None => false,
            };
            Ok((drafts, is_felt))
        };
        match attempted.await {
            Ok((mut drafts, true)) => {
                leased.settle(&[]).await?;
                drafts.iter_mut().for_each(Draft::restart);
                Box::pin(self.attempt(drafts, None)).await
            }
            Ok((drafts, false)) => Ok(Attempt { leased, drafts }),
            Err(error) => {
                // What was reserved goes back at once if the store can be reached, and when the lease runs out if not.
                let _ = leased.settle(&[]).await;
                Err(error)
            }
        }
    }

    /// Whether guesses may have decided what a message got: it went without while a guess that nobody shows held something, or
    /// it took what there is instead of a pool's stock, for which the messages of a batch are not put in order. The pools are
    /// left alone for a while then.
    async fn feels(&self, foresight: &Foresight, drafts: &[Draft]) -> Result<bool> {
        let guessed: BTreeSet<PoolName> = drafts.iter().flat_map(Draft::guessed).cloned().collect();
        if guessed.is_empty() {
            return Ok(false);
        }
        let mut is_felt = drafts.iter().flat_map(Draft::reserved).any(|(.., binding)| binding.source != Source::Pool);
        let idle: BTreeSet<PoolName> = drafts.iter().flat_map(Draft::idle).flat_map(pools_of).collect();
        let lacking = drafts.iter().filter(|draft| !idle.is_empty() && lacks(draft)).filter_map(refused_by);
        for pool in lacking.collect::<BTreeSet<_>>() {
            is_felt = is_felt || !self.overflow_chain(pool).await?.is_disjoint(&idle);
        }
        if is_felt {
            foresight.spare(&guessed);
        }
        Ok(is_felt)
    }

    /// Gives back everything that a batch reserved; its messages can begin again.
    pub(super) async fn withdraw(&self, attempt: Attempt) -> Result<Vec<Message>> {
        attempt.leased.settle(&[]).await?;
        Ok(attempt.drafts.into_iter().map(|draft| Arc::unwrap_or_clone(draft.message)).collect())
    }

    /// Begins anew with nothing reserved, and without guesses.
    pub(super) async fn restart(&self, attempt: Attempt) -> Result<Attempt> {
        let messages = self.withdraw(attempt).await?;
        self.attempt(drafts(messages), None).await
    }

    /// Settles a batch, and renders anew what the store refuses or what could not be decided, until every message has its
    /// outcome, or as it is said about those that lack a voucher. What is behind where it stops goes back.
    pub(super) async fn finish(&self, attempt: Attempt, lacking: Lacking) -> Result<Finished> {
        let mut outcomes: Vec<Option<Outcome>> = attempt.drafts.iter().map(|_| None).collect();
        let mut current = Some(attempt);
        let mut queue: VecDeque<Vec<Draft>> = VecDeque::new();
        let mut stopped_by = None;
        let mut given = BTreeSet::new();
        let mut aside = Vec::new();
        loop {
            let mut attempt = if let Some(attempt) = current.take() {
                attempt
            } else if let Some(drafts) = queue.pop_front() {
                self.attempt(drafts, None).await?
            } else {
                break;
            };
            let undecided = match self.first_undecided(&attempt.drafts).await {
                Ok(undecided) => undecided,
                Err(error) => {
                    self.withdraw(attempt).await?;
                    return Err(error);
                }
            };
            let mut behind = attempt.drafts.split_off(undecided.as_ref().map_or(attempt.drafts.len(), |cut| cut.index));
            if let (Lacking::Stops, Some((index, pool))) = (lacking, first_empty(&attempt.drafts)) {
                attempt.drafts.truncate(index);
                behind.clear();
                queue.clear();
                stopped_by = Some(pool);
            }
            if lacking == Lacking::StandsAside {
                let contended = behind.extract_if(.., |draft| is_contended(draft));
                aside.extend(contended.map(|draft| (draft.position, Arc::unwrap_or_clone(draft.message))));
            }
            given.extend(attempt.drafts.iter().flat_map(taken_from));
            let refused = self.settle(attempt, &mut outcomes).await?;
            let waits = lacking != Lacking::StandsAside && undecided.is_some_and(|cut| cut.waits_for_others);
            self.requeue(&mut queue, refused, behind, waits).await;
        }
        self.look_at_stock(given).await;
        Ok(Finished { outcomes, stopped_by, aside })
    }

    /// Has those of the pools looked at of which somebody wants to know.
    async fn look_at_stock(&self, pools: BTreeSet<PoolName>) {
        let Some(watch) = &self.watch else { return };
        let mut watched = Vec::new();
        for pool in pools {
            if self.rules.of(&pool).await.is_ok_and(|known| known.is_watched) {
                watched.push(pool);
            }
        }
        if !watched.is_empty() {
            watch.look(&watched).await;
        }
    }

    /// Settles the decided part of an attempt; gives back the drafts that the store refused, and those behind them whose
    /// lack of a voucher is thereby open again.
    async fn settle(&self, attempt: Attempt, outcomes: &mut [Option<Outcome>]) -> Result<Vec<Draft>> {
        let kept: Vec<Kept> = attempt.drafts.iter().filter_map(kept).collect();
        let mut answers = attempt.leased.settle(&kept).await?.into_iter();
        let mut refused = Vec::new();
        for mut draft in attempt.drafts {
            if !refused.is_empty() && lacks(&draft) {
                // What a refused message before it held has gone back.
                draft.restart();
                refused.push(draft);
            } else if kept_nothing(&draft) || answers.next() == Some(Settled::Accepted) {
                let position = draft.position;
                outcomes[position] = Some(self.outcome(draft).await?);
            } else {
                draft.refused += 1;
                if draft.refused >= REFUSALS {
                    let error = Error::new(ErrorKind::Contended, "other senders keep changing what a message holds");
                    return Err(error.with_help("ask again with the same message id"));
                }
                draft.restart();
                refused.push(draft);
            }
        }
        Ok(refused)
    }

    async fn requeue(
        &self,
        queue: &mut VecDeque<Vec<Draft>>,
        refused: Vec<Draft>,
        mut behind: Vec<Draft>,
        waits: bool,
    ) {
        behind.iter_mut().for_each(Draft::restart);
        if !behind.is_empty() {
            let rest = behind.split_off(1);
            queue.push_front(rest);
            if waits {
                behind[0].waiting_since.get_or_insert_with(Instant::now);
                tokio::time::sleep(PAUSE.min(self.lease_time / 4)).await;
            }
            queue.push_front(behind);
        }
        queue.push_front(refused);
        queue.retain(|drafts| !drafts.is_empty());
    }

    async fn outcome(&self, draft: Draft) -> Result<Outcome> {
        let result = match draft.stage {
            Stage::Complete(Rendered { parts, vouchers }) => Ok(Personalized { parts, vouchers }),
            Stage::Ended(End::Failure(failure)) => Err(shortfall(failure)),
            Stage::Ended(End::Rejected(rejection)) => Err(rejected(rejection)),
            Stage::Ended(End::NotEligible(pool)) => Err(not_eligible(pool)),
            Stage::Ended(End::BrokenRule(pool, problem)) => Err(broken_rule(pool, problem)),
            Stage::Ended(End::Refused { pool, refusal: Refusal::UnknownPool, .. }) => {
                Err(self.unknown_pool(pool).await?)
            }
            Stage::Ended(End::Refused { pool, refusal, .. }) => Err(refused(pool, refusal)),
            Stage::Ready | Stage::Waiting(_) => unreachable!("an attempt ends when every draft has"),
        };
        Ok(Outcome::of(&draft.message, result))
    }

    async fn unknown_pool(&self, pool: PoolName) -> Result<Shortfall> {
        let known = self.lookup.pools().await?;
        let names = known.iter().map(|status| status.name.as_str());
        let place = self.template.pool_mentions().into_iter().find(|mention| mention.name == pool.as_str());
        let place = place.map(|mention| format!(" ({})", mention.place)).unwrap_or_default();
        let message = format!("there is no pool '{pool}'{place}{}", did_you_mean(pool.as_str(), names));
        Ok(Shortfall { reason: Reason::UnknownPool, pool: Some(pool), message })
    }
}

/// The pools whose stock gave something new that the message shows to its customer. Nobody is told of what a test took.
fn taken_from(draft: &Draft) -> BTreeSet<PoolName> {
    let (Stage::Complete(rendered), Purpose::Live) = (&draft.stage, draft.message.purpose) else {
        return BTreeSet::new();
    };
    let bindings = rendered.vouchers.iter().map(|used| &used.binding);
    let taken = bindings.filter(|binding| binding.reserved && binding.source != Source::Fallback);
    taken.map(|binding| binding.from.clone()).collect()
}

fn drafts(messages: Vec<Message>) -> Vec<Draft> {
    messages.into_iter().enumerate().map(|(position, message)| Draft::new(position, message)).collect()
}

/// What the store has to accept before this message may go out: nothing where it shows no voucher.
fn kept(draft: &Draft) -> Option<Kept> {
    let (Stage::Complete(rendered), Some(identity)) = (&draft.stage, draft.message.identity()) else { return None };
    if rendered.vouchers.is_empty() {
        return None;
    }
    let shown = |used: &Used| {
        let claim = Claim { pool: used.pool.clone(), width: used.width, message: Arc::clone(identity) };
        Some(Shown { pool: claim.pool.clone(), key: claim.key()?, code: used.binding.voucher.code.clone() })
    };
    Some(Kept { message: Arc::clone(identity), shown: rendered.vouchers.iter().filter_map(shown).collect() })
}

fn kept_nothing(draft: &Draft) -> bool {
    match &draft.stage {
        Stage::Complete(rendered) => rendered.vouchers.is_empty(),
        _ => true,
    }
}
