//! Whom a step is for, and whether there is enough for them.

use jiff::Timestamp;

use super::{Assignment, BATCH, matches, paused, unknown};
use crate::campaign::Audience;
use crate::campaign::audience::{Recipient, Row};
use crate::campaign::forecast::stock::{Stock, Taken};
use crate::campaign::rules::Verdict;
use crate::error::{Error, ErrorKind, Result};
use crate::intake::Seen;
use crate::voucher::{Channel, Claim, Code, CustomerId, LimitUse, PoolStatus, State, Voucher};

/// How many vouchers of a pool are looked at together.
const PAGE: usize = 1_000;

/// Whom a step is for. There was enough for all of them when it was planned.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    customers: Vec<CustomerId>,
    /// Customers who have no voucher of this step yet.
    pub new: u64,
    /// Customers for whom the rule of the pool says no and who have no voucher of this step yet; they get none.
    pub not_eligible: u64,
    /// Rows that repeat a customer.
    pub duplicates: u64,
}

impl Plan {
    /// The customers in the audience's order.
    pub fn customers(&self) -> &[CustomerId] {
        &self.customers
    }
}

/// A plan that is being made: what is left of the pools while its customers are counted.
pub(super) struct Planning<'a> {
    assignment: &'a Assignment,
    pool: PoolStatus,
    stock: Stock,
    /// How many available vouchers match, where that is asked.
    matching: Option<u64>,
    seen: Seen,
    plan: Plan,
    missing: u64,
    limited: u64,
}

impl<'a> Planning<'a> {
    pub(super) async fn begin(assignment: &'a Assignment) -> Result<Planning<'a>> {
        let Assignment { store, pool: name, .. } = assignment;
        let pool = store.pool(name).await?.ok_or_else(|| unknown(name))?;
        if pool.settings.paused {
            return Err(paused(name));
        }
        let stock = Stock::new(store.pools().await?, &Default::default(), Channel::Webhook, Timestamp::now());
        let matching = matching(assignment).await?;
        let (seen, plan) = (Seen::default(), Plan::default());
        Ok(Planning { assignment, pool, stock, matching, seen, plan, missing: 0, limited: 0 })
    }

    pub(super) async fn read(mut self, mut audience: Audience) -> Result<Plan> {
        let mut batch = Vec::new();
        while let Some(row) = audience.next_row()? {
            if let Some(candidate) = self.candidate(row)? {
                batch.push(candidate);
            }
            if batch.len() == BATCH {
                self.add(std::mem::take(&mut batch)).await?;
            }
        }
        self.add(batch).await?;
        self.check()?;
        Ok(self.plan)
    }

    /// The customer of a row, and what the rule of the pool says; none for one who stood there before.
    fn candidate(&mut self, row: Row) -> Result<Option<(CustomerId, Verdict)>> {
        let Recipient { customer_id, customer, context } = row.content.map_err(|problem| {
            let message = format!("line {}: {problem}", row.line);
            Error::new(ErrorKind::InvalidInput, message).with_help("correct the audience; nothing was assigned")
        })?;
        if !self.seen.insert(&customer_id) {
            self.plan.duplicates += 1;
            return Ok(None);
        }
        let verdict = match self.stock.rule(&self.pool.name) {
            None => Verdict::Eligible,
            Some(rule) => rule.judge(&self.assignment.message(&customer_id, customer, context)?),
        };
        Ok(Some((customer_id, verdict)))
    }

    async fn add(&mut self, batch: Vec<(CustomerId, Verdict)>) -> Result<()> {
        let claims =
            batch.iter().map(|(customer, _)| self.assignment.claim(customer)).collect::<Result<Vec<Claim>>>()?;
        let bound = self.assignment.store.bindings(&claims).await?;
        let new = batch.iter().zip(&bound).filter(|(_, bound)| bound.is_none()).map(|((customer, _), _)| customer);
        self.look_at_limits(new.cloned().collect()).await?;
        for ((customer, verdict), bound) in batch.into_iter().zip(bound) {
            match verdict {
                _ if bound.is_some() => {}
                Verdict::Broken(problem) => return Err(Error::new(ErrorKind::InvalidInput, problem)),
                Verdict::NotEligible => {
                    self.plan.not_eligible += 1;
                    continue;
                }
                Verdict::Eligible => self.count(&customer),
            }
            self.plan.customers.push(customer);
        }
        self.stock.end_batch();
        Ok(())
    }

    async fn look_at_limits(&mut self, mut customers: Vec<CustomerId>) -> Result<()> {
        let pool = &self.pool.name;
        customers.retain(|customer| self.stock.lacks_limit_use(pool, customer));
        if customers.is_empty() {
            return Ok(());
        }
        let used: Option<LimitUse> = self.assignment.store.limit_use(pool, None, &customers).await?;
        self.stock.learn_limit_use(pool, customers, used.ok_or_else(|| unknown(pool))?);
        Ok(())
    }

    /// Counts a new voucher for a customer.
    fn count(&mut self, customer: &CustomerId) {
        self.plan.new += 1;
        if self.stock.reaches_limit(&self.pool.name, customer, 0) {
            self.limited += 1;
            return;
        }
        let is_there = match &mut self.matching {
            None => self.stock.take(&self.pool.name, customer) != Taken::Nothing,
            Some(left) => {
                self.stock.take(&self.pool.name, customer);
                let is_there = *left > 0;
                *left = left.saturating_sub(1);
                is_there
            }
        };
        self.missing += u64::from(!is_there);
    }

    fn check(&self) -> Result<()> {
        let (pool, new) = (&self.pool.name, self.plan.new);
        let too_small = |message: String, help: &str| Err(Error::new(ErrorKind::PoolTooSmall, message).with_help(help));
        let matching = if self.matching.is_some() { " that match" } else { "" };
        if self.missing > 0 {
            let message =
                format!("{new} customers need a voucher of pool '{pool}', and it lacks {}{matching}", self.missing);
            return too_small(message, "import codes; nothing was assigned");
        }
        if self.limited > 0 {
            let message = format!("a limit of pool '{pool}' keeps {} of {new} customers from a voucher", self.limited);
            return too_small(message, "raise the limit, or leave these customers out; nothing was assigned");
        }
        Ok(())
    }
}

/// How many available vouchers of the pool match, where that is asked.
async fn matching(assignment: &Assignment) -> Result<Option<u64>> {
    let Some(condition) = &assignment.condition else { return Ok(None) };
    let (mut count, mut after): (u64, Option<Code>) = (0, None);
    loop {
        let page = assignment.store.vouchers(&assignment.pool, after.as_ref(), PAGE).await?;
        for record in page.iter().filter(|record| record.state == State::Available) {
            let voucher = Voucher {
                code: record.code.clone(),
                expires_at: record.expires_at,
                metadata: record.metadata.clone().into(),
            };
            count += u64::from(matches(condition, &voucher)?);
        }
        match page.last() {
            Some(last) => after = Some(last.code.clone()),
            None => return Ok(Some(count)),
        }
    }
}
