//! One attempt at a batch: its messages render, what they wait for is asked together, and they render again.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use super::RenderThreads;
use super::eligibility::admit;
use super::foresight::Foresight;
use super::rules::Rule;
use crate::error::Result;
use crate::render::{Failure, Known, Message, Rendered, Rendering, Suspension, Template};
use crate::voucher::{
    Binding, Claim, Claimed, Count, CustomerId, PoolName, Refusal, Rejection, Source, State, VoucherRecord, Width,
};

/// A message on its way.
#[derive(Debug)]
pub(super) struct Draft {
    /// Its place in the batch.
    pub(super) position: usize,
    pub(super) message: Arc<Message>,
    pub(super) known: Arc<Known>,
    pub(super) stage: Stage,
    /// How often the store refused what it showed.
    pub(super) refused: u32,
    /// Since when it has been waiting for what other senders hold.
    pub(super) waiting_since: Option<Instant>,
    /// The attributes that it looked for and did not find, where somebody wants to know.
    pub(super) missing: Option<BTreeSet<String>>,
    recounted: bool,
    /// What was reserved for it before it asked.
    guessed: Vec<(PoolName, Width)>,
}

/// How far a message is.
#[derive(Debug)]
pub(super) enum Stage {
    /// It can render.
    Ready,
    /// It needs an answer.
    Waiting(Suspension),
    /// It is complete, but the store has not accepted it yet.
    Complete(Rendered),
    /// It cannot be completed.
    Ended(End),
}

/// Why a message cannot be completed.
#[derive(Debug)]
pub(super) enum End {
    Failure(Failure),
    Refused {
        pool: PoolName,
        refusal: Refusal,
        contended: bool,
    },
    /// The rule of this pool says no.
    NotEligible(PoolName),
    /// The rule of this pool cannot be judged, for the reason given.
    BrokenRule(PoolName, String),
    Rejected(Rejection),
}

impl Draft {
    pub(super) fn new(position: usize, message: Message) -> Draft {
        Draft {
            position,
            message: Arc::new(message),
            known: Arc::default(),
            stage: Stage::Ready,
            refused: 0,
            waiting_since: None,
            missing: None,
            recounted: false,
            guessed: Vec::new(),
        }
    }

    /// Back to the beginning, with nothing known.
    pub(super) fn restart(&mut self) {
        self.known = Arc::default();
        self.stage = Stage::Ready;
        self.recounted = false;
        self.guessed.clear();
    }

    /// What it holds that would go back if it were not kept.
    pub(super) fn reserved(&self) -> impl Iterator<Item = (&PoolName, Width, &Binding)> {
        self.known.bindings().filter(|(.., binding)| binding.reserved)
    }

    /// The pools of what was guessed for it.
    pub(super) fn guessed(&self) -> impl Iterator<Item = &PoolName> {
        self.guessed.iter().map(|(pool, _)| pool)
    }

    /// What it holds and may have no use for: it was guessed, and is not shown.
    pub(super) fn idle(&self) -> impl Iterator<Item = (&PoolName, Width, &Binding)> {
        let is_guessed = |pool: &PoolName, width| self.guessed.iter().any(|(name, of)| name == pool && *of == width);
        self.reserved().filter(move |(pool, width, _)| is_guessed(pool, *width) && !self.shows(pool, *width))
    }

    fn shows(&self, pool: &PoolName, width: Width) -> bool {
        let Stage::Complete(rendered) = &self.stage else { return false };
        rendered.vouchers.iter().any(|used| used.pool == *pool && used.width == width)
    }

    /// Whether it needs an answer.
    pub(super) fn waits(&self) -> bool {
        matches!(self.stage, Stage::Waiting(_))
    }

    fn waits_for_count(&self) -> bool {
        matches!(self.stage, Stage::Waiting(Suspension::Count(_)))
    }

    fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready)
    }

    fn examine(&mut self, template: &Template) {
        let Some(missing) = &mut self.missing else { return };
        let (rendering, looked_for) = template.examine(&self.message, &self.known);
        missing.extend(looked_for);
        self.come_to(rendering);
    }

    fn come_to(&mut self, rendering: Rendering) {
        self.stage = match rendering {
            Rendering::Complete(rendered) => Stage::Complete(rendered),
            Rendering::Failed(failure) => Stage::Ended(End::Failure(failure)),
            Rendering::Suspended(suspension) => Stage::Waiting(suspension),
        };
    }

    fn answer_claim(&mut self, claim: &Claim, claimed: Claimed) {
        match claimed {
            Claimed::Bound(binding) => {
                Arc::make_mut(&mut self.known).bind(claim.pool.clone(), claim.width, binding);
                self.stage = Stage::Ready;
            }
            Claimed::Refused(refusal) => self.refuse(claim, refusal, false),
            Claimed::Contended(refusal) => self.refuse(claim, refusal, true),
            Claimed::Rejected(rejection) => self.stage = Stage::Ended(End::Rejected(rejection)),
        }
    }

    /// Where a guess gets nothing, nothing is lost: the message asks when it comes to it.
    fn answer_guess(&mut self, claim: Claim, claimed: Claimed) {
        if let Claimed::Bound(binding) = claimed {
            Arc::make_mut(&mut self.known).bind(claim.pool.clone(), claim.width, binding);
            self.guessed.push((claim.pool, claim.width));
        }
    }

    fn claim(&self, pool: &PoolName, width: Width) -> Option<Claim> {
        let message = self.message.identity()?;
        let has_key = width != Width::Campaign || message.campaign_id.is_some();
        has_key.then(|| Claim { pool: pool.clone(), width, message: Arc::clone(message) })
    }

    /// A message that acted on a count which no longer holds looks again, once.
    fn refuse(&mut self, claim: &Claim, refusal: Refusal, contended: bool) {
        let counted = self.known.counts().get(&claim.pool).is_some_and(|count| count.available > 0);
        if refusal == Refusal::PoolEmpty && counted && !self.recounted {
            self.recounted = true;
            Arc::make_mut(&mut self.known).forget_counts();
            self.stage = Stage::Ready;
        } else {
            self.stage = Stage::Ended(End::Refused { pool: claim.pool.clone(), refusal, contended });
        }
    }

    fn answer_count(&mut self, pool: &PoolName, count: Option<Count>, vouchers: &[VoucherRecord]) {
        let Some(mut count) = count else {
            let refused = End::Refused { pool: pool.clone(), refusal: Refusal::UnknownPool, contended: false };
            self.stage = Stage::Ended(refused);
            return;
        };
        count.available += self.held_of(pool, vouchers);
        Arc::make_mut(&mut self.known).set_count(pool.clone(), count);
        self.stage = Stage::Ready;
    }

    /// How many vouchers of the pool's stock this message holds: the same in its first render and in a retry, which finds
    /// what it will claim only later among the customer's vouchers.
    fn held_of(&self, pool: &PoolName, vouchers: &[VoucherRecord]) -> u64 {
        let own = |width| matches!(width, Width::Message | Width::Occurrence(_));
        let known = self.known.bindings().filter(|(_, width, binding)| {
            binding.from == *pool && binding.source != Source::Fallback && (binding.reserved || own(*width))
        });
        let stored = vouchers.iter().filter(|record| {
            record.pool == *pool
                && self.is_own(record)
                && matches!(record.state, State::Reserved | State::Assigned | State::Redeemed)
        });
        let codes = known.map(|(.., binding)| &binding.voucher.code).chain(stored.map(|record| &record.code));
        codes.collect::<HashSet<_>>().len() as u64
    }

    fn is_own(&self, record: &VoucherRecord) -> bool {
        record.message_id.as_ref() == Some(&self.message.message_id)
    }

    /// What this message holds itself is left out, reserved or by a retry assigned: both renders take the same way.
    fn answer_customer_vouchers(&mut self, vouchers: &[VoucherRecord]) {
        let others = vouchers.iter().filter(|record| !self.is_own(record)).cloned().collect();
        Arc::make_mut(&mut self.known).set_customer_vouchers(others);
        self.stage = Stage::Ready;
    }
}

/// Who answers what messages wait for: a store under a lease, or a forecast that only counts.
#[async_trait]
pub(super) trait Answers: Sync {
    async fn claims(&self, claims: &[Claim]) -> Result<Vec<Claimed>>;
    async fn counts(&self, pools: &[PoolName]) -> Result<Vec<Option<Count>>>;
    async fn customers(&self, customers: &[CustomerId]) -> Result<Vec<Vec<VoucherRecord>>>;
    /// What is bound to claims, without taking anything.
    async fn bindings(&self, claims: &[Claim]) -> Result<Vec<Option<Binding>>>;
    /// Who may get something new of a pool, if that is not everybody.
    async fn rule(&self, pool: &PoolName) -> Result<Option<Arc<Rule>>>;
}

/// Renders the drafts until each is complete or ended, with what they will probably claim reserved ahead where there is
/// foresight. Where one asks for a count that guesses have changed, it stops there, and is to be begun again without.
pub(super) async fn attempt(
    template: &Arc<Template>,
    threads: &RenderThreads,
    answers: &dyn Answers,
    foresight: Option<&Foresight>,
    mut drafts: Vec<Draft>,
) -> Result<Vec<Draft>> {
    if let Some(foresight) = foresight {
        let guess = foresight.guess(drafts.len()).await;
        let guesses = drafts.iter().enumerate();
        let guesses = guesses
            .flat_map(|(n, draft)| guess.iter().filter_map(move |(pool, width)| Some((n, draft.claim(pool, *width)?))));
        let guesses = guesses.collect();
        answer_claims(answers, threads, &mut drafts, Vec::new(), guesses).await?;
    }
    loop {
        let template = Arc::clone(template);
        drafts = threads.in_shares(drafts, move |share| render(&template, share)).await?;
        if !drafts.iter().any(Draft::waits) {
            if let Some(foresight) = foresight {
                foresight.learn(&drafts);
            }
            return Ok(drafts);
        }
        if let Some(foresight) = foresight.filter(|_| drafts.iter().any(Draft::waits_for_count)) {
            foresight.stop();
            if drafts.iter().any(|draft| !draft.guessed.is_empty()) {
                return Ok(drafts);
            }
        }
        answer_counts(answers, &mut drafts).await?;
        answer_customers(answers, &mut drafts).await?;
        let asked = asked(&drafts);
        let guesses = ahead(foresight, &drafts, &asked).await;
        answer_claims(answers, threads, &mut drafts, asked, guesses).await?;
    }
}

/// Renders the drafts that can.
fn render(template: &Template, drafts: &mut [Draft]) {
    let (examined, mut rendered): (Vec<_>, Vec<_>) =
        drafts.iter_mut().filter(|draft| draft.is_ready()).partition(|draft| draft.missing.is_some());
    examined.into_iter().for_each(|draft| draft.examine(template));
    let renderings = template.render_all(rendered.iter().map(|draft| (&draft.message, &draft.known)));
    rendered.iter_mut().zip(renderings).for_each(|(draft, rendering)| draft.come_to(rendering));
}

/// Claims with the places of their drafts.
pub(super) type Placed = Vec<(usize, Claim)>;

/// What drafts wait for.
fn asked(drafts: &[Draft]) -> Placed {
    let claim = |(n, draft): (usize, &Draft)| match &draft.stage {
        Stage::Waiting(Suspension::Claim(claim)) => Some((n, claim.clone())),
        _ => None,
    };
    drafts.iter().enumerate().filter_map(claim).collect()
}

/// What drafts will ask for next if they go on as they did.
async fn ahead(foresight: Option<&Foresight>, drafts: &[Draft], asked: &[(usize, Claim)]) -> Placed {
    let mut guesses = Vec::new();
    let Some(foresight) = foresight else { return guesses };
    foresight.note_asked(asked.iter().map(|(_, claim)| &claim.pool));
    for (n, claim) in asked {
        for width in foresight.ahead(&claim.pool, claim.width).await {
            guesses.extend(drafts[*n].claim(&claim.pool, width).map(|claim| (*n, claim)));
        }
    }
    guesses
}

/// Asks for all claims together: those that drafts wait for before those that are guessed.
async fn answer_claims(
    answers: &dyn Answers,
    threads: &RenderThreads,
    drafts: &mut [Draft],
    asked: Placed,
    guesses: Placed,
) -> Result<()> {
    let mut admitted = admit(answers, threads, drafts, asked, guesses).await?;
    let (asked, guesses) = (std::mem::take(&mut admitted.asked), std::mem::take(&mut admitted.guesses));
    let in_earnest = asked.len();
    let (places, claims): (Vec<usize>, Vec<Claim>) = asked.into_iter().chain(guesses).unzip();
    if claims.is_empty() {
        return Ok(());
    }
    let claimed = answers.claims(&claims).await?;
    for (n, ((place, claim), claimed)) in places.into_iter().zip(claims).zip(claimed).enumerate() {
        if n >= in_earnest {
            drafts[place].answer_guess(claim, claimed);
        } else if let Some(end) = admitted.refuses(place, &claimed) {
            drafts[place].stage = Stage::Ended(end);
        } else {
            drafts[place].answer_claim(&claim, claimed);
        }
    }
    Ok(())
}

async fn answer_counts(answers: &dyn Answers, drafts: &mut [Draft]) -> Result<()> {
    let pool = |draft: &Draft| match &draft.stage {
        Stage::Waiting(Suspension::Count(pool)) => Some(pool.clone()),
        _ => None,
    };
    let pools: Vec<PoolName> = drafts.iter().filter_map(pool).collect::<BTreeSet<_>>().into_iter().collect();
    if pools.is_empty() {
        return Ok(());
    }
    let counts: BTreeMap<_, _> = pools.iter().zip(answers.counts(&pools).await?).collect();
    let asking: Vec<(PoolName, &mut Draft)> =
        drafts.iter_mut().filter_map(|draft| Some((pool(draft)?, draft))).collect();
    let customers: BTreeSet<CustomerId> =
        asking.iter().filter_map(|(_, draft)| draft.message.customer_id().cloned()).collect();
    let customers: Vec<CustomerId> = customers.into_iter().collect();
    let vouchers: BTreeMap<_, _> = customers.iter().zip(answers.customers(&customers).await?).collect();
    for (pool, draft) in asking {
        let vouchers = draft.message.customer_id().and_then(|customer| vouchers.get(customer));
        let vouchers = vouchers.map(Vec::as_slice).unwrap_or_default();
        draft.answer_count(&pool, counts.get(&pool).copied().flatten(), vouchers);
    }
    Ok(())
}

async fn answer_customers(answers: &dyn Answers, drafts: &mut [Draft]) -> Result<()> {
    let waits = |draft: &&mut Draft| matches!(draft.stage, Stage::Waiting(Suspension::CustomerVouchers));
    let waiting: Vec<&mut Draft> = drafts.iter_mut().filter(waits).collect();
    let (known, unknown): (Vec<_>, Vec<_>) =
        waiting.into_iter().partition(|draft| draft.message.customer_id().is_some());
    let customers: Vec<CustomerId> = known.iter().filter_map(|draft| draft.message.customer_id().cloned()).collect();
    if !customers.is_empty() {
        for (draft, vouchers) in known.into_iter().zip(answers.customers(&customers).await?) {
            draft.answer_customer_vouchers(&vouchers);
        }
    }
    unknown.into_iter().for_each(|draft| draft.answer_customer_vouchers(&[]));
    Ok(())
}
