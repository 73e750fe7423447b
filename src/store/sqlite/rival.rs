//! What other leases hold and may give back: the difference between "nothing" and "nothing at this moment".
//!
//! `CROSS JOIN` makes SQLite go from the few leases to what they hold, and not through everything that is reserved.

use rusqlite::params;

use super::fault::Outcome;
use super::session::Session;
use crate::voucher::{CampaignId, CustomerId, Lease};

/// Whether another lease has reserved a voucher of the pool.
pub(super) fn holds_stock(session: &Session<'_>, lease: &Lease, pool: i64) -> Outcome<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM lease CROSS JOIN binding ON binding.lease_id = lease.id
        WHERE lease.id <> ?1 AND binding.from_pool_id = ?2 AND binding.voucher_id IS NOT NULL)";
    let mut statement = session.connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![lease.id.get().cast_signed(), pool], |row| row.get(0))?)
}

/// Whether another lease has reservations that count for a limit of the pool: over all, or for one campaign or customer.
pub(super) fn holds_limit(
    session: &Session<'_>,
    lease: &Lease,
    pool: i64,
    campaign: Option<&CampaignId>,
    customer: Option<&CustomerId>,
) -> Outcome<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM lease CROSS JOIN binding ON binding.lease_id = lease.id
        WHERE lease.id <> ?1 AND binding.pool_id = ?2 AND binding.mode = 'live'
            AND (?3 IS NULL OR binding.campaign_id = ?3) AND (?4 IS NULL OR binding.customer_id = ?4))";
    let (campaign, customer) = (campaign.map(CampaignId::as_str), customer.map(CustomerId::as_str));
    let mut statement = session.connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![lease.id.get().cast_signed(), pool, campaign, customer], |row| row.get(0))?)
}
