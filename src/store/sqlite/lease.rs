//! Leases as rows: what they hold, and what becomes of those that ran out.

use rusqlite::params;

use super::binding::give_back_where;
use super::fault::Outcome;
use super::session::Session;
use crate::voucher::Lease;

/// Starts or renews a lease.
pub(super) fn renew(session: &Session<'_>, lease: &Lease) -> Outcome<()> {
    let sql =
        "INSERT INTO lease (id, expires_at) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at";
    let row = params![lease.id.get().cast_signed(), session.after(lease.time)];
    session.connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Ends a lease and gives back what still carries its tag.
pub(super) fn end(session: &Session<'_>, lease: i64) -> Outcome<()> {
    give_back_where(session, "binding.lease_id = ?1", [lease])?;
    session.connection.prepare_cached("DELETE FROM lease WHERE id = ?1")?.execute([lease])?;
    Ok(())
}

/// Ends every lease that ran out, on its behalf.
pub(super) fn sweep(session: &Session<'_>) -> Outcome<()> {
    let mut statement = session.connection.prepare_cached("SELECT id FROM lease WHERE expires_at <= ?1")?;
    let ran_out = statement.query_map([session.now], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    ran_out.into_iter().try_for_each(|lease| end(session, lease))
}
