//! What counts for the limits of a pool.

use super::RedisStore;
use super::record::Record;
use super::reply::{self, strange};
use super::script::LIMIT_USE;
use super::vouchers::PORTION;
use crate::error::Result;
use crate::voucher::{CampaignId, CustomerId, LimitUse, Mode, PoolName};

impl RedisStore {
    /// `Lookup::limit_use`.
    pub(super) async fn use_of_limits(
        &self,
        pool: &PoolName,
        campaign: Option<&CampaignId>,
        customers: &[CustomerId],
    ) -> Result<Option<LimitUse>> {
        let campaign = campaign.map(CampaignId::as_str).unwrap_or_default();
        let told = self.call_pool(pool, &LIMIT_USE, false, |_, call| call.push(campaign)).await?;
        let Some(told) = told else { return Ok(None) };
        let [total, in_period, in_campaign] = told.try_into().map_err(|_| strange())?;
        let [total, in_period, in_campaign] =
            [total, in_period, in_campaign].map(|number| reply::number(Some(&number)));
        let mut of_customers = Vec::with_capacity(customers.len());
        for portion in customers.chunks(PORTION) {
            let Some(listed) = self.list_wholly(pool, portion).await? else { return Ok(None) };
            let now = listed.view.now;
            let counts = |record: &Record| record.mode == Mode::Live && !record.is_via && !record.is_over(now);
            let count =
                |list: &[super::lookup::Entry]| list.iter().filter(|entry| counts(&entry.record)).count() as u64;
            of_customers.extend(listed.records.iter().map(|list| count(list)));
        }
        Ok(Some(LimitUse { total: total?, in_period: in_period?, in_campaign: in_campaign?, of_customers }))
    }
}
