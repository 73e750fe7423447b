//! Messages as rows: whom an id belongs to, and whether it is retired.

use rusqlite::{OptionalExtension, params};

use super::fault::Outcome;
use super::session::Session;
use crate::voucher::MessageIdentity;

/// What the file knows of a message's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing.
    New,
    /// It was accepted, for this customer and mode.
    Accepted,
    /// It belongs to another customer or mode.
    Foreign,
    /// It was released by hand.
    Retired,
}

/// What the file knows of the id of `message`.
pub(super) fn standing(session: &Session<'_>, message: &MessageIdentity) -> Outcome<Standing> {
    let sql = "SELECT CASE WHEN retired_at IS NOT NULL THEN 2 WHEN customer_id = ?3 AND mode = ?4 THEN 0 ELSE 1 END
        FROM message WHERE project_id = ?1 AND id = ?2";
    let (id, customer) = (message.message_id.as_str(), message.customer_id.as_str());
    let found = session
        .connection
        .prepare_cached(sql)?
        .query_row(params![session.project, id, customer, message.mode.as_str()], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(match found {
        None => Standing::New,
        Some(0) => Standing::Accepted,
        Some(1) => Standing::Foreign,
        Some(_) => Standing::Retired,
    })
}

/// Binds the id of `message` to its customer and mode.
pub(super) fn accept(session: &Session<'_>, message: &MessageIdentity) -> Outcome<()> {
    let sql = "INSERT INTO message (project_id, id, customer_id, mode) VALUES (?1, ?2, ?3, ?4)";
    let (id, customer) = (message.message_id.as_str(), message.customer_id.as_str());
    session.connection.prepare_cached(sql)?.execute(params![session.project, id, customer, message.mode.as_str()])?;
    Ok(())
}
