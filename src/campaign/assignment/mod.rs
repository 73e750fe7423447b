//! Assignment outside of a message: a step of somebody's workflow gives each of its customers a voucher of a pool.
//!
//! A step is a node. `<node>/<customer>` is the id under which the store binds the voucher, so that a customer gets the same
//! one however often the step is repeated, also if the pool changed. It becomes the customer's current voucher of the pool.

mod plan;

pub use plan::Plan;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::rules::{Rule, Verdict};
use super::{Audience, Recipient, Shortfall, StockWatch, shortfall};
use crate::error::{Error, ErrorKind, Result};
use crate::render::{Attributes, Expression, Field, Message, Purpose};
use crate::voucher::{
    Binding, Channel, Claim, Claimed, CustomerId, Kept, Lease, MessageId, MessageIdentity, PoolName, Refusal, Settled,
    Shown, Source, Store, Voucher, Width, check_name,
};

/// How many customers are assigned together.
const BATCH: usize = 500;
/// How often an assignment begins anew because the store refused it.
const REFUSALS: u32 = 3;
/// How long to wait before asking again for what others hold.
const PAUSE: Duration = Duration::from_millis(50);

/// A step that assigns vouchers of one pool.
#[derive(Clone)]
pub struct Assignment {
    store: Arc<dyn Store>,
    pool: PoolName,
    node: String,
    condition: Option<Arc<Expression>>,
    watch: Option<StockWatch>,
}

/// A customer and the voucher that the step gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Assigned {
    /// The customer.
    pub customer_id: CustomerId,
    /// The voucher and where it came from.
    pub binding: Binding,
}

/// What became of one customer.
enum Answer {
    Assigned(Box<Assigned>),
    /// The assignment was released by hand, and its id is retired.
    Retired,
    /// There is nothing for it.
    Refused(Refusal),
    /// Others hold what it could have.
    Contended,
}

impl Answer {
    fn refusal(&self) -> Option<Refusal> {
        match self {
            Answer::Refused(refusal) => Some(*refusal),
            _ => None,
        }
    }
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assignment").field("pool", &self.pool).field("node", &self.node).finish_non_exhaustive()
    }
}

impl Assignment {
    /// The step `node`, which assigns vouchers of `pool`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the node's name is none: it may hold what the name of a pool may.
    pub fn new(store: Arc<dyn Store>, pool: PoolName, node: &str) -> Result<Assignment> {
        check_name("node", node)?;
        Ok(Assignment { store, pool, node: node.to_owned(), condition: None, watch: None })
    }

    /// Takes new vouchers only from those for which an expression over their columns and `expires_at` is true.
    #[must_use]
    pub fn only_where(mut self, condition: Option<Expression>) -> Assignment {
        self.condition = condition.map(Arc::new);
        self
    }

    /// Has somebody told when the pool becomes low.
    #[must_use]
    pub fn watched_by(mut self, watch: Option<StockWatch>) -> Assignment {
        self.watch = watch;
        self
    }

    /// Reads whom the step is for, and finds out whether there is enough for all of them. Nothing is taken.
    ///
    /// # Errors
    /// [`ErrorKind::PoolTooSmall`] where the pool, with its limits, has not enough; [`ErrorKind::InvalidInput`] where a row names
    /// no customer, or a rule cannot be judged; [`ErrorKind::NotFound`] and [`ErrorKind::Refused`] where the pool does not exist
    /// or is paused.
    pub async fn plan(&self, audience: Audience) -> Result<Plan> {
        plan::Planning::begin(self).await?.read(audience).await
    }

    /// Assigns as planned, batch by batch; `land` gets the customers and vouchers of each in the audience's order. Says how many
    /// assignments were released by hand and are retired: those customers get nothing.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] and [`ErrorKind::Contended`], which are retryable; [`ErrorKind::PoolTooSmall`] where
    /// others took from the pool since it was planned. Who has a voucher by then keeps it, and gets the same one again.
    pub async fn run(&self, plan: &Plan, land: &mut (dyn FnMut(Vec<Assigned>) -> Result<()> + Send)) -> Result<u64> {
        let mut retired = 0;
        for customers in plan.customers().chunks(BATCH) {
            let assigned = self.assign(customers).await?;
            retired += (customers.len() - assigned.len()) as u64;
            land(assigned)?;
        }
        Ok(retired)
    }

    /// Assigns to one customer, or says why there is nothing for it. Who has a voucher of this step gets the same one, whatever
    /// the rule of the pool and its limits say by now.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] and [`ErrorKind::Contended`], which are retryable; [`ErrorKind::NotFound`] where there is no
    /// such pool; [`ErrorKind::MessageReleased`] where the assignment was taken back by hand; [`ErrorKind::InvalidInput`] where
    /// the rule of the pool cannot be judged.
    pub async fn assign_one(&self, recipient: Recipient) -> Result<Result<Assigned, Shortfall>> {
        let customer_id = recipient.customer_id.clone();
        let bound = self.store.bindings(&[self.claim(&customer_id)?]).await?;
        if bound.iter().flatten().next().is_none() {
            let pool = self.store.pool(&self.pool).await?.ok_or_else(|| unknown(&self.pool))?;
            match Rule::of(&self.pool, &pool.settings).map(|rule| self.judge(&rule, recipient)).transpose()? {
                None | Some(Verdict::Eligible) => {}
                Some(Verdict::NotEligible) => return Ok(Err(shortfall::not_eligible(self.pool.clone()))),
                Some(Verdict::Broken(problem)) => return Err(Error::new(ErrorKind::InvalidInput, problem)),
            }
        }
        match self.try_assign(std::slice::from_ref(&customer_id)).await? {
            Ok(assigned) => assigned.into_iter().next().map(Ok).ok_or_else(retired),
            Err(Refusal::UnknownPool) => Err(unknown(&self.pool)),
            Err(refusal) => Ok(Err(shortfall::refused(self.pool.clone(), refusal))),
        }
    }

    fn judge(&self, rule: &Rule, Recipient { customer_id, customer, context }: Recipient) -> Result<Verdict> {
        let customer = customer.with("id", Field::text(customer_id.as_str()));
        Ok(rule.judge(&self.message(&customer_id, customer, context)?))
    }

    /// Assigns to a batch.
    async fn assign(&self, customers: &[CustomerId]) -> Result<Vec<Assigned>> {
        self.try_assign(customers).await?.map_err(|refusal| match refusal {
            Refusal::PoolPaused => paused(&self.pool),
            Refusal::UnknownPool => unknown(&self.pool),
            Refusal::PoolEmpty | Refusal::LimitReached => {
                let message = format!("others took from pool '{}' meanwhile, and it is too small now", self.pool);
                let help = "import codes and run the same command again: who has a voucher gets the same one";
                Error::new(ErrorKind::PoolTooSmall, message).with_help(help)
            }
        })
    }

    /// Assigns to a batch until the store has accepted it. Where there is nothing for one of them, nobody gets anything.
    async fn try_assign(&self, customers: &[CustomerId]) -> Result<Result<Vec<Assigned>, Refusal>> {
        let claims = customers.iter().map(|customer| self.claim(customer)).collect::<Result<Vec<Claim>>>()?;
        let (began, mut refused) = (Instant::now(), 0);
        loop {
            let lease = Lease::new(Lease::TIME);
            let answers = match self.reserve(&lease, &claims).await {
                Ok(answers) => answers,
                Err(error) => {
                    // What was reserved goes back at once if the store can be reached, and when the lease runs out if not.
                    let _ = self.store.settle(&lease, &[]).await;
                    return Err(error);
                }
            };
            let refusal = answers.iter().find_map(Answer::refusal);
            if let Some(refusal) = refusal {
                self.store.settle(&lease, &[]).await?;
                return Ok(Err(refusal));
            }
            if answers.iter().any(|answer| matches!(answer, Answer::Contended)) {
                self.store.settle(&lease, &[]).await?;
                self.check_patience(began)?;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            if let Some(assigned) = self.settle(&lease, &claims, answers).await? {
                return Ok(Ok(assigned));
            }
            refused += 1;
            if refused >= REFUSALS {
                let error = Error::new(ErrorKind::Contended, "other senders keep changing what was assigned");
                return Err(error.with_help("run the same command again"));
            }
        }
    }

    async fn reserve(&self, lease: &Lease, claims: &[Claim]) -> Result<Vec<Answer>> {
        let claimed = match &self.condition {
            None => self.store.reserve(lease, claims).await?,
            Some(condition) => {
                let failed = Mutex::new(None);
                let matching = |voucher: &Voucher| {
                    matches(condition, voucher).unwrap_or_else(|error| {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        false
                    })
                };
                let claimed = self.store.reserve_matching(lease, claims, &matching).await?;
                match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
                    Some(error) => return Err(error),
                    None => claimed,
                }
            }
        };
        claims.iter().zip(claimed).map(|(claim, claimed)| self.answer(claim, claimed)).collect()
    }

    fn answer(&self, claim: &Claim, claimed: Claimed) -> Result<Answer> {
        match claimed {
            Claimed::Bound(binding) => {
                let customer_id = claim.message.customer_id.clone();
                Ok(Answer::Assigned(Box::new(Assigned { customer_id, binding })))
            }
            Claimed::Contended(_) => Ok(Answer::Contended),
            Claimed::Rejected(crate::voucher::Rejection::Released) => Ok(Answer::Retired),
            Claimed::Rejected(crate::voucher::Rejection::Conflict) => {
                let message = format!("an id of node '{}' belongs to another message", self.node);
                Err(Error::new(ErrorKind::MessageConflict, message).with_help("give the node another name"))
            }
            Claimed::Refused(refusal) => Ok(Answer::Refused(refusal)),
        }
    }

    /// What is assigned once the store has accepted all of it; nothing where it refused a part, and it begins anew.
    async fn settle(&self, lease: &Lease, claims: &[Claim], answers: Vec<Answer>) -> Result<Option<Vec<Assigned>>> {
        let mut assigned = Vec::new();
        let mut kept = Vec::new();
        for (claim, answer) in claims.iter().zip(answers) {
            let Answer::Assigned(answer) = answer else { continue };
            let code = answer.binding.voucher.code.clone();
            let shown = vec![Shown { pool: self.pool.clone(), key: claim.required_key()?, code }];
            kept.push(Kept { message: Arc::clone(&claim.message), shown });
            assigned.push(*answer);
        }
        if self.store.settle(lease, &kept).await?.contains(&Settled::Refused) {
            return Ok(None);
        }
        let current = assigned.iter().filter(|assigned| assigned.binding.source != Source::Fallback);
        let current: Vec<_> =
            current.map(|assigned| (assigned.customer_id.clone(), assigned.binding.voucher.code.clone())).collect();
        self.store.make_current(&self.pool, &current).await?;
        self.look_at_stock(&assigned).await?;
        Ok(Some(assigned))
    }

    async fn look_at_stock(&self, assigned: &[Assigned]) -> Result<()> {
        let Some(watch) = &self.watch else { return Ok(()) };
        let is_new = assigned.iter().any(|assigned| assigned.binding.reserved);
        if is_new && self.store.pool(&self.pool).await?.is_some_and(|pool| !pool.settings.low_stock.is_empty()) {
            watch.look(std::slice::from_ref(&self.pool)).await;
        }
        Ok(())
    }

    fn check_patience(&self, began: Instant) -> Result<()> {
        if began.elapsed() < Lease::TIME {
            return Ok(());
        }
        let message = format!("another sender holds the last vouchers of pool '{}'", self.pool);
        Err(Error::new(ErrorKind::Contended, message).with_help("try again when the other sender has ended"))
    }

    fn claim(&self, customer: &CustomerId) -> Result<Claim> {
        let message = MessageIdentity {
            message_id: self.message_id(customer)?,
            customer_id: customer.clone(),
            campaign_id: None,
            channel: Channel::Webhook,
            mode: crate::voucher::Mode::Live,
        };
        Ok(Claim { pool: self.pool.clone(), width: Width::Message, message: Arc::new(message) })
    }

    fn message_id(&self, customer: &CustomerId) -> Result<MessageId> {
        MessageId::new(format!("{}/{}", self.node, customer.as_str()))
    }

    /// What the rule of the pool is judged for.
    fn message(&self, customer_id: &CustomerId, customer: Attributes, context: Attributes) -> Result<Message> {
        let way = (Channel::Webhook, Purpose::Live);
        Message::new(Some(self.message_id(customer_id)?), way, customer, Attributes::default(), context)
    }
}

/// Whether an expression is true for a voucher's columns, `expires_at`, and all columns as `metadata`.
fn matches(condition: &Expression, voucher: &Voucher) -> Result<bool> {
    let metadata = Attributes::from_fields(voucher.metadata.iter().map(|(column, value)| (column, value.into())));
    let own =
        [("metadata", metadata.into()), ("expires_at", voucher.expires_at.map_or_else(Field::none, Field::moment))];
    let columns = voucher.metadata.iter().map(|(column, value)| (column.as_str(), value.into()));
    condition.holds(&Attributes::from_fields(own.into_iter().chain(columns)))
}

fn retired() -> Error {
    Error::new(ErrorKind::MessageReleased, "the assignment was taken back by hand, and its id is retired")
}

fn paused(pool: &PoolName) -> Error {
    Error::new(ErrorKind::Refused, format!("pool '{pool}' is paused"))
        .with_help(format!("'tearoff pool resume {pool}' ends that"))
}

fn unknown(pool: &PoolName) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no pool '{pool}'"))
        .with_help("'tearoff pool list' shows those that exist")
}
