//! How many vouchers count for a pool's limits while an audience is counted.

use std::collections::HashMap;

use crate::voucher::{CustomerId, LimitUse, Limits};

/// What counts for the limits of one pool: what the store knows, and what the audience took so far. The whole audience counts
/// for the present period, and reservations of others count as kept.
#[derive(Default)]
pub(super) struct LimitCount {
    total: u64,
    in_period: u64,
    in_campaign: u64,
    /// Of the customers of the present batch; each is in the audience once.
    of_customers: HashMap<CustomerId, u64>,
    is_known: bool,
}

impl LimitCount {
    /// Takes note of what the store knows of these customers and, the first time, of all.
    pub(super) fn learn(&mut self, customers: Vec<CustomerId>, used: LimitUse) {
        if !self.is_known {
            self.is_known = true;
            (self.total, self.in_period, self.in_campaign) = (used.total, used.in_period, used.in_campaign);
        }
        for (customer, count) in customers.into_iter().zip(used.of_customers) {
            self.of_customers.entry(customer).or_insert(count);
        }
    }

    pub(super) fn knows(&self, customer: &CustomerId) -> bool {
        self.of_customers.contains_key(customer)
    }

    /// Whether a limit leaves nothing for a customer that takes `more` of them already.
    pub(super) fn is_reached(&self, limits: &Limits, customer: &CustomerId, more: u64) -> bool {
        let reaches = |limit: Option<u64>, used: u64| limit.is_some_and(|limit| used + more >= limit);
        reaches(limits.per_customer, self.of_customers.get(customer).copied().unwrap_or_default())
            || reaches(limits.per_campaign, self.in_campaign)
            || reaches(limits.total, self.total)
            || reaches(limits.per_period.map(|limit| limit.vouchers), self.in_period)
    }

    pub(super) fn add(&mut self, customer: &CustomerId) {
        self.total += 1;
        self.in_period += 1;
        self.in_campaign += 1;
        if let Some(count) = self.of_customers.get_mut(customer) {
            *count += 1;
        }
    }

    /// The next batch has other customers.
    pub(super) fn end_batch(&mut self) {
        self.of_customers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voucher::{Period, PeriodLimit};

    #[test]
    fn the_first_limit_that_is_reached_decides() {
        let customer = CustomerId::new("c1").unwrap();
        let mut count = LimitCount::default();
        let used = LimitUse { total: 7, in_period: 5, in_campaign: 3, of_customers: vec![1] };
        count.learn(vec![customer.clone()], used.clone());
        let day = |vouchers| Some(PeriodLimit { vouchers, period: Period::Day });
        let none = Limits::default();
        assert!(!count.is_reached(&none, &customer, 100));
        for (limits, left) in [
            (Limits { per_customer: Some(3), ..none }, 2),
            (Limits { per_campaign: Some(5), ..none }, 2),
            (Limits { total: Some(9), ..none }, 2),
            (Limits { per_period: day(7), ..none }, 2),
        ] {
            assert!(!count.is_reached(&limits, &customer, left - 1), "{limits:?}");
            assert!(count.is_reached(&limits, &customer, left), "{limits:?}");
        }
        count.add(&customer);
        count.learn(vec![customer.clone()], used);
        assert!(
            count.is_reached(&Limits { total: Some(8), ..none }, &customer, 0),
            "what was taken since is not forgotten"
        );
    }
}
