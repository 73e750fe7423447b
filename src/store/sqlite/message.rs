//! Messages: whom an id belongs to, and whether it is retired.

use std::collections::HashSet;

use rusqlite::params;
use sha2::{Digest, Sha256};

use super::fault::{Outcome, stored};
use super::session::Session;
use crate::voucher::{Claim, MessageIdentity};

/// What the file knows of a message's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing.
    Unknown,
    /// It was not accepted yet, but something is reserved under it.
    Reserving,
    /// It was accepted, for this customer and mode.
    Accepted,
    /// It belongs to another customer or mode.
    Foreign,
    /// It was released by hand, or its customer is forgotten.
    Retired,
}

/// What the file knows of the id of `message`. What is assigned under it says the same as a row of its own.
pub(super) fn standing(session: &Session<'_>, message: &MessageIdentity) -> Outcome<Standing> {
    let sql = "SELECT max(standing) FROM (
        SELECT CASE WHEN retired_at IS NOT NULL THEN 3 WHEN customer_id = ?3 AND mode = ?4 THEN 1 ELSE 2 END AS standing
        FROM message WHERE project_id = ?1 AND id = ?2
        UNION ALL
        SELECT CASE WHEN lease_id IS NOT NULL THEN 0 WHEN customer_id = ?3 AND mode = ?4 THEN 1 ELSE 2 END
        FROM binding WHERE message_id = ?2 AND occurrence IS NOT NULL
            AND (SELECT project_id FROM pool WHERE pool.id = binding.pool_id) = ?1)";
    let (id, customer) = (message.message_id.as_str(), message.customer_id.as_str());
    if is_forgotten(session, id)? {
        return Ok(Standing::Retired);
    }
    let row = params![session.project, id, customer, message.mode.as_str()];
    let found: Option<i64> = session.connection.prepare_cached(sql)?.query_row(row, |row| row.get(0))?;
    Ok(match found {
        None => Standing::Unknown,
        Some(0) => Standing::Reserving,
        Some(1) => Standing::Accepted,
        Some(2) => Standing::Foreign,
        Some(_) => Standing::Retired,
    })
}

/// Which messages of `claims` the file knows anything of, by their ids: the others need no look-up of their own.
pub(super) fn known<'k>(session: &Session<'_>, claims: &'k [Claim]) -> Outcome<HashSet<&'k str>> {
    let sql = "SELECT asked.key FROM json_each(?1) AS asked
        WHERE EXISTS (SELECT 1 FROM binding WHERE message_id = asked.value AND occurrence IS NOT NULL)
            OR EXISTS (SELECT 1 FROM message WHERE project_id = ?2 AND id = asked.value)";
    let ids: Vec<_> = claims.iter().map(|claim| claim.message.message_id.as_str()).collect();
    let mut statement = session.connection.prepare_cached(sql)?;
    let row = params![stored(serde_json::to_string(&ids))?, session.project];
    let places = statement.query_map(row, |row| row.get::<_, u32>(0))?;
    let mut known: HashSet<_> = places.map(|place| Ok(ids[place? as usize])).collect::<rusqlite::Result<_>>()?;
    if knows_forgotten(session)? {
        for id in ids {
            if is_forgotten(session, id)? {
                known.insert(id);
            }
        }
    }
    Ok(known)
}

/// Whether anybody was forgotten.
fn knows_forgotten(session: &Session<'_>) -> Outcome<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM forgotten WHERE project_id = ?1)";
    Ok(session.connection.prepare_cached(sql)?.query_row([session.project], |row| row.get(0))?)
}

/// Whether an id is that of a message whose customer is forgotten.
fn is_forgotten(session: &Session<'_>, id: &str) -> Outcome<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM forgotten WHERE project_id = ?1 AND digest = ?2)";
    Ok(session.connection.prepare_cached(sql)?.query_row(params![session.project, digest(id)], |row| row.get(0))?)
}

/// Retires the id of a message whose customer is forgotten.
pub(super) fn retire_digest(session: &Session<'_>, id: &str) -> Outcome<()> {
    let sql = "INSERT INTO forgotten (project_id, digest) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    session.connection.prepare_cached(sql)?.execute(params![session.project, digest(id)])?;
    Ok(())
}

/// What is kept of an id that holds a customer's.
fn digest(id: &str) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&Sha256::digest(id)[..16]);
    digest
}

/// Binds the id of `message` to its customer and mode, where nothing that is assigned under it does.
pub(super) fn remember(session: &Session<'_>, message: &MessageIdentity) -> Outcome<()> {
    let sql = "INSERT INTO message (project_id, id, customer_id, mode) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let (id, customer) = (message.message_id.as_str(), message.customer_id.as_str());
    session.connection.prepare_cached(sql)?.execute(params![session.project, id, customer, message.mode.as_str()])?;
    Ok(())
}

/// The same for the messages under whose ids something is assigned that is about to leave them: the bindings that fulfil
/// `condition`, which speaks of `?2`.
pub(super) fn remember_those_of(session: &Session<'_>, condition: &str, id: i64) -> Outcome<()> {
    let sql = format!(
        "INSERT INTO message (project_id, id, customer_id, mode) SELECT ?1, message_id, customer_id, mode FROM binding
         WHERE ({condition}) AND occurrence IS NOT NULL AND lease_id IS NULL ON CONFLICT DO NOTHING"
    );
    session.connection.prepare_cached(&sql)?.execute([session.project, id])?;
    Ok(())
}
