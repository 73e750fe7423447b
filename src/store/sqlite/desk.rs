//! What support staff do by hand.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

use super::SqliteStore;
use super::binding::give_back_where;
use super::fault::Outcome;
use super::forget::forget;
use super::lease;
use super::reconcile::reconcile;
use super::session::Session;
use super::writer::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{CustomerId, Desk, Finding, Forgotten, MessageId, PoolName, ReleasedMessage};

#[async_trait]
impl Desk for SqliteStore {
    async fn release_message(&self, message: &MessageId) -> Result<ReleasedMessage> {
        let message = message.clone();
        self.write(Durability::Kept, move |session| release(session, &message)).await
    }

    async fn forget(&self, customer: &CustomerId) -> Result<Forgotten> {
        let customer = customer.clone();
        self.write(Durability::Kept, move |session| forget(session, &customer)).await
    }

    async fn reconcile(&self, pool: &PoolName) -> Result<Vec<Finding>> {
        let pool = pool.clone();
        self.read(move |session| reconcile(session, &pool)).await
    }

    async fn reclaim_tests(&self) -> Result<u64> {
        self.write(Durability::Kept, reclaim).await
    }
}

/// A binding that is neither redeemed nor ended by time or by hand.
const ALIVE: &str = "binding.redeemed_at IS NULL AND voucher.void_at IS NULL AND ifnull(binding.expires_at > ?1, 1)";

/// Whether a binding's key is one of a single message alone.
const OWN: &str = "binding.occurrence IS NOT NULL AND binding.shared_in IS NULL";

/// The bindings that a message took: found by its customer, or among the few that are only reserved.
const TAKEN: &str = "binding.id IN (
    SELECT id FROM binding WHERE customer_id = ?4 AND message_id = ?3
    UNION SELECT id FROM binding WHERE lease_id IS NOT NULL AND message_id = ?3)
    AND binding.from_pool_id IN (SELECT id FROM pool WHERE project_id = ?2)";

fn release(session: &Session<'_>, message: &MessageId) -> Outcome<ReleasedMessage> {
    lease::sweep(session)?;
    session.flush()?;
    let id = message.as_str();
    let (customer, mode) = holder(session, id)?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "the store knows no such message").with_help("check the message id")
    })?;
    let retire = "INSERT INTO message (project_id, id, customer_id, mode, retired_at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET retired_at = ifnull(retired_at, excluded.retired_at)";
    session.connection.execute(retire, params![session.project, id, customer, mode, session.now])?;
    let row = params![session.now, session.project, id, customer];
    let released = give_back_where(session, &format!("{TAKEN} AND {OWN} AND {ALIVE}"), row)?;
    let count = format!(
        "SELECT count(*) FROM binding JOIN voucher ON voucher.id = binding.voucher_id
         WHERE {TAKEN} AND (binding.redeemed_at IS NOT NULL OR (NOT ({OWN}) AND {ALIVE}))"
    );
    let kept: i64 = session.connection.query_row(&count, row, |row| row.get(0))?;
    Ok(ReleasedMessage { released, kept: kept.unsigned_abs() })
}

/// The customer and mode of a message that was accepted or that reserves something.
fn holder(session: &Session<'_>, message: &str) -> Outcome<Option<(String, String)>> {
    let sql = "SELECT customer_id, mode FROM message WHERE project_id = ?1 AND id = ?2
        UNION ALL
        SELECT binding.customer_id, binding.mode FROM binding CROSS JOIN pool ON pool.id = binding.pool_id
        WHERE binding.message_id = ?2 AND binding.occurrence IS NOT NULL AND binding.lease_id IS NULL
            AND pool.project_id = ?1
        UNION ALL
        SELECT binding.customer_id, binding.mode FROM binding CROSS JOIN pool ON pool.id = binding.pool_id
        LEFT JOIN voucher ON voucher.id = binding.voucher_id
        WHERE binding.lease_id IS NOT NULL AND binding.message_id = ?2 AND pool.project_id = ?1
            AND voucher.void_at IS NULL
        LIMIT 1";
    let found =
        session.connection.query_row(sql, params![session.project, message], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?)
}

fn reclaim(session: &Session<'_>) -> Outcome<u64> {
    let tests = format!(
        "binding.mode = 'test' AND binding.lease_id IS NULL AND {ALIVE}
         AND binding.from_pool_id IN (SELECT id FROM pool WHERE project_id = ?2)"
    );
    give_back_where(session, &tests, params![session.now, session.project])
}
