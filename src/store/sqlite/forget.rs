//! Erasing who got vouchers.

use rusqlite::params;

use super::fault::Outcome;
use super::session::Session;
use super::{lease, message};
use crate::error::{Error, ErrorKind};
use crate::voucher::{CustomerId, Forgotten};

/// The bindings of a customer in the project.
const BINDINGS: &str =
    "binding.customer_id = ?2 AND binding.from_pool_id IN (SELECT id FROM pool WHERE project_id = ?1)";

/// Erases who got a customer's vouchers.
pub(super) fn forget(session: &Session<'_>, customer: &CustomerId) -> Outcome<Forgotten> {
    lease::sweep(session)?;
    session.flush()?;
    let row = params![session.project, customer.as_str()];
    let count = format!("SELECT count(voucher_id), ifnull(sum(lease_id IS NOT NULL), 0) FROM binding WHERE {BINDINGS}");
    let (vouchers, reserved): (i64, i64) =
        session.connection.query_row(&count, row, |row| Ok((row.get(0)?, row.get(1)?)))?;
    if reserved > 0 {
        return Err(Error::new(ErrorKind::Refused, "messages for this customer are under way")
            .with_help("wait until they are done, then forget the customer")
            .into());
    }
    retire(session, customer)?;
    for sql in [
        &format!(
            "UPDATE binding SET customer_id = NULL, message_id = NULL, occurrence = NULL, shared_in = NULL
             WHERE {BINDINGS}"
        ),
        "DELETE FROM message WHERE project_id = ?1 AND customer_id = ?2",
        "UPDATE redemption SET customer_id = NULL WHERE customer_id = ?2
            AND voucher_id IN (SELECT id FROM voucher WHERE project_id = ?1)",
        "UPDATE journal SET customer_id = NULL, message_id = NULL WHERE customer_id = ?2
            AND pool_id IN (SELECT id FROM pool WHERE project_id = ?1)",
    ] {
        session.connection.execute(sql, row)?;
    }
    Ok(Forgotten { vouchers: vouchers.unsigned_abs() })
}

/// Keeps a digest of each id that was accepted for the customer, in place of the id.
fn retire(session: &Session<'_>, customer: &CustomerId) -> Outcome<()> {
    let sql = format!(
        "SELECT message_id FROM binding WHERE {BINDINGS} AND message_id IS NOT NULL
         UNION SELECT id FROM message WHERE project_id = ?1 AND customer_id = ?2"
    );
    let mut statement = session.connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![session.project, customer.as_str()])?;
    while let Some(row) = rows.next()? {
        message::retire_digest(session, row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
    }
    Ok(())
}
