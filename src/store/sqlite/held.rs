//! What a message shows, held against the bindings that there are.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, params};

use super::binding::{self, FOR_GOOD, WHOLE};
use super::fault::Outcome;
use super::session::Session;
use super::tally::Counted;
use crate::voucher::{ClaimKey, KeyOwner, Lease, MessageIdentity, Mode, Shown};

/// A binding that a message shows.
pub(super) struct Held {
    pub(super) id: i64,
    /// Whether a lease holds it.
    pub(super) is_reserved: bool,
    /// Whether the message that shows it is the one that took it.
    pub(super) is_own: bool,
    /// The pool whose voucher it is, or `None` for a fallback code, which is no voucher.
    pub(super) stock: Option<i64>,
    pub(super) expires_at: Option<i64>,
}

macro_rules! held {
    ($key:literal) => {
        concat!(
            "SELECT binding.id, binding.lease_id IS NOT NULL, binding.message_id = ?7 AND binding.customer_id = ?8,
            CASE WHEN binding.voucher_id IS NOT NULL THEN binding.from_pool_id END, binding.expires_at
            FROM binding LEFT JOIN voucher ON voucher.id = binding.voucher_id WHERE ",
            $key,
            " AND binding.pool_id = ?2 AND binding.mode = ?3 AND ifnull(voucher.code, binding.fallback_code) = ?5
            AND (binding.redeemed_at IS NOT NULL OR (voucher.void_at IS NULL AND ifnull(binding.expires_at > ?6, 1)))"
        )
    };
}

impl Held {
    /// What is bound to the shown key in the pool of that id at this moment, if it is the shown code and valid. A living lease is
    /// not asked for: what counts is that the code did not go to anybody else.
    pub(super) fn find(
        session: &Session<'_>,
        message: &MessageIdentity,
        pool: i64,
        shown: &Shown,
    ) -> Outcome<Option<Held>> {
        let prepare = |sql| session.connection.prepare_cached(sql);
        let (mode, owner) = shown.key.parts();
        let (code, by, to) = (shown.code.as_str(), message.message_id.as_str(), message.customer_id.as_str());
        let found = match owner {
            KeyOwner::Message { id, occurrence } => {
                let nth = occurrence.unwrap_or(WHOLE);
                prepare(held!("binding.message_id = ?1 AND binding.occurrence = ?4"))?
                    .query_row(params![id, pool, mode.as_str(), nth, code, session.now, by, to], Held::read)
            }
            KeyOwner::Customer { id, campaign } => {
                let campaign = campaign.unwrap_or(FOR_GOOD);
                prepare(held!("binding.customer_id = ?1 AND binding.shared_in = ?4"))?
                    .query_row(params![id, pool, mode.as_str(), campaign, code, session.now, by, to], Held::read)
            }
        };
        Ok(found.optional()?)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Held> {
        Ok(Held {
            id: row.get(0)?,
            is_reserved: row.get(1)?,
            is_own: row.get(2)?,
            stock: row.get(3)?,
            expires_at: row.get(4)?,
        })
    }

    /// Hands it to a message that shares it with the one that had reserved it. A message's own key stays its own.
    pub(super) fn take_over(&self, session: &Session<'_>, message: &MessageIdentity) -> Outcome<()> {
        let find = "SELECT pool_id, campaign_id, assigned_at FROM binding WHERE id = ?1";
        let mut find = session.connection.prepare_cached(find)?;
        let (pool, before, taken_at) = find.query_row([self.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let sql = "UPDATE binding SET campaign_id = ?4, channel = ?5,
            message_id = CASE WHEN occurrence IS NULL THEN ?2 ELSE message_id END,
            customer_id = CASE WHEN message_id = ?2 THEN ?3 ELSE customer_id END
            WHERE id = ?1";
        let campaign = binding::campaign(message);
        session.connection.prepare_cached(sql)?.execute(params![
            self.id,
            message.message_id.as_str(),
            message.customer_id.as_str(),
            campaign.as_deref(),
            message.channel.as_str(),
        ])?;
        if message.mode == Mode::Live {
            let mut changes = session.changes.borrow_mut();
            for (campaign, by) in [(before, -1), (campaign, 1)] {
                changes.limit(Counted { pool, campaign, taken_at, expires_at: self.expires_at }, by);
            }
        }
        Ok(())
    }
}

/// The valid vouchers that one lease holds, by their codes: nearly all that its messages show, read by one statement.
#[derive(Default)]
pub(super) struct Holdings(HashMap<String, Holding>);

struct Holding {
    id: i64,
    pool: i64,
    from_pool: i64,
    mode: String,
    occurrence: Option<u32>,
    shared_in: Option<String>,
    message: String,
    customer: String,
    expires_at: Option<i64>,
    /// Whether its key is that of a message of whose id the file knows nothing else.
    is_new: bool,
}

const HOLDINGS: &str =
    "SELECT voucher.code, binding.id, binding.pool_id, binding.from_pool_id, binding.mode, binding.occurrence,
        binding.shared_in, binding.message_id, binding.customer_id, binding.expires_at, binding.occurrence IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM binding AS other WHERE other.message_id = binding.message_id
            AND other.occurrence IS NOT NULL AND other.id <> binding.id AND other.lease_id IS NOT binding.lease_id)
        AND NOT EXISTS (SELECT 1 FROM message WHERE message.project_id = ?3 AND message.id = binding.message_id)
    FROM binding CROSS JOIN voucher ON voucher.id = binding.voucher_id
    WHERE binding.lease_id = ?1 AND voucher.void_at IS NULL AND ifnull(binding.expires_at > ?2, 1)";

impl Holdings {
    /// Reads what `lease` holds.
    pub(super) fn of(session: &Session<'_>, lease: &Lease) -> Outcome<Holdings> {
        let mut statement = session.connection.prepare_cached(HOLDINGS)?;
        let row = params![lease.id.get().cast_signed(), session.now, session.project];
        let holdings = statement.query_map(row, |row| Ok((row.get(0)?, Holding::read(row)?)))?;
        Ok(Holdings(holdings.collect::<rusqlite::Result<_>>()?))
    }

    /// What `message` shows under a key in the pool of that id, if it is among this. If not, it may be bound elsewhere.
    pub(super) fn get(&self, message: &MessageIdentity, pool: i64, shown: &Shown) -> Option<Held> {
        let holding = self.0.get(shown.code.as_str())?;
        (holding.pool == pool && holding.is_under(&shown.key)).then(|| holding.held(message))
    }

    /// Whether the codes that `message` shows tell that nothing was accepted under its id so far, nor retired. If not, the file
    /// has to be asked.
    pub(super) fn is_new(&self, message: &MessageIdentity, shown: &[Shown]) -> bool {
        let mut held = shown.iter().filter_map(|shown| self.0.get(shown.code.as_str()));
        held.any(|holding| holding.is_new && holding.message == message.message_id.as_str())
    }
}

impl Holding {
    fn read(row: &Row<'_>) -> rusqlite::Result<Holding> {
        Ok(Holding {
            id: row.get(1)?,
            pool: row.get(2)?,
            from_pool: row.get(3)?,
            mode: row.get(4)?,
            occurrence: row.get(5)?,
            shared_in: row.get(6)?,
            message: row.get(7)?,
            customer: row.get(8)?,
            expires_at: row.get(9)?,
            is_new: row.get(10)?,
        })
    }

    fn is_under(&self, key: &ClaimKey) -> bool {
        let (mode, owner) = key.parts();
        mode.as_str() == self.mode
            && match owner {
                KeyOwner::Message { id, occurrence } => {
                    id == self.message && self.occurrence == Some(occurrence.unwrap_or(WHOLE))
                }
                KeyOwner::Customer { id, campaign } => {
                    id == self.customer && self.shared_in.as_deref() == Some(campaign.unwrap_or(FOR_GOOD))
                }
            }
    }

    fn held(&self, message: &MessageIdentity) -> Held {
        let is_own = self.message == message.message_id.as_str() && self.customer == message.customer_id.as_str();
        Held { id: self.id, is_reserved: true, is_own, stock: Some(self.from_pool), expires_at: self.expires_at }
    }
}
