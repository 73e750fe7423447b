//! What other leases hold and may give back: the difference between "nothing" and "nothing at this moment".
//!
//! `CROSS JOIN` makes SQLite go from the few leases to what they hold, and not through everything that is reserved.

use rusqlite::params;

use super::fault::Outcome;
use super::limit::Scope;
use super::session::Session;
use crate::voucher::Lease;

/// Whether another lease has reserved a voucher of the pool.
pub(super) fn holds_stock(session: &Session<'_>, lease: &Lease, pool: i64) -> Outcome<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM lease CROSS JOIN binding ON binding.lease_id = lease.id
        JOIN voucher ON voucher.id = binding.voucher_id
        WHERE lease.id <> ?1 AND binding.from_pool_id = ?2 AND voucher.void_at IS NULL)";
    let mut statement = session.connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![lease.id.get().cast_signed(), pool], |row| row.get(0))?)
}

/// Whether another lease has reservations that count for a limit of the pool.
pub(super) fn holds_limit(session: &Session<'_>, lease: &Lease, pool: i64, scope: &Scope) -> Outcome<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM lease CROSS JOIN binding ON binding.lease_id = lease.id
        LEFT JOIN voucher ON voucher.id = binding.voucher_id
        WHERE lease.id <> ?1 AND binding.pool_id = ?2 AND binding.mode = 'live' AND voucher.void_at IS NULL
            AND (?3 IS NULL OR binding.campaign_id = ?3) AND (?4 IS NULL OR binding.customer_id = ?4)
            AND (?5 IS NULL OR binding.assigned_at >= ?5))";
    let (campaign, customer, since) = scope.parts();
    let mut statement = session.connection.prepare_cached(sql)?;
    let row = params![lease.id.get().cast_signed(), pool, campaign, customer, since];
    Ok(statement.query_row(row, |row| row.get(0))?)
}
