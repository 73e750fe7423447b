//! Bindings as rows: finding, making and ending them.

use std::sync::Arc;

use rusqlite::{CachedStatement, OptionalExtension, Params, Row, params};

use super::fault::{Outcome, stored};
use super::journal::About;
use super::message;
use super::pool::Pool;
use super::session::{Session, optional_timestamp, timestamp};
use super::shelf::Available;
use super::tally::Counted;
use crate::voucher::{
    Binding, CampaignId, Change, ClaimKey, Code, KeyOwner, Lease, MessageIdentity, Metadata, Mode, PoolName, Source,
    State, Voucher,
};

/// A binding found under its key.
pub(super) struct Bound {
    pub(super) id: i64,
    /// The lease that holds it while it is reserved.
    pub(super) lease: Option<i64>,
    lease_expires_at: Option<i64>,
    pool_id: i64,
    from_pool_id: i64,
    from: String,
    code: String,
    metadata: Option<String>,
    is_fallback: bool,
    assigned_at: i64,
    expires_at: Option<i64>,
    is_redeemed: bool,
    is_void: bool,
}

/// Finds a binding by the given condition.
macro_rules! find {
    ($condition:literal) => {
        concat!(
            "SELECT binding.id, binding.lease_id, lease.expires_at, binding.pool_id, binding.from_pool_id, pool.name,
            ifnull(voucher.code, binding.fallback_code), voucher.metadata, binding.voucher_id IS NULL,
            binding.assigned_at, binding.expires_at, binding.redeemed_at IS NOT NULL,
            voucher.void_at IS NOT NULL
            FROM binding
            JOIN pool ON pool.id = binding.from_pool_id
            LEFT JOIN voucher ON voucher.id = binding.voucher_id
            LEFT JOIN lease ON lease.id = binding.lease_id
            WHERE ",
            $condition,
            " AND binding.pool_id = ?2 AND binding.mode = ?3"
        )
    };
}

/// What is bound under `key` in the pool of that id, valid or not.
pub(super) fn find(session: &Session<'_>, pool: i64, key: &ClaimKey) -> Outcome<Option<Bound>> {
    let prepare = |sql| session.connection.prepare_cached(sql);
    let (mode, owner) = key.parts();
    let found = match owner {
        KeyOwner::Message { id, occurrence } => prepare(find!("binding.message_id = ?1 AND binding.occurrence = ?4"))?
            .query_row(params![id, pool, mode.as_str(), occurrence.unwrap_or(WHOLE)], Bound::read),
        KeyOwner::Customer { id, campaign } => prepare(find!("binding.customer_id = ?1 AND binding.shared_in = ?4"))?
            .query_row(params![id, pool, mode.as_str(), campaign.unwrap_or(FOR_GOOD)], Bound::read),
    };
    Ok(found.optional()?)
}

/// What stands for the occurrence of a code that a whole message shares.
pub(super) const WHOLE: u32 = 0;
/// What stands for the campaign of a code that a customer has for good.
pub(super) const FOR_GOOD: &str = "";

impl Bound {
    fn read(row: &Row<'_>) -> rusqlite::Result<Bound> {
        Ok(Bound {
            id: row.get(0)?,
            lease: row.get(1)?,
            lease_expires_at: row.get(2)?,
            pool_id: row.get(3)?,
            from_pool_id: row.get(4)?,
            from: row.get(5)?,
            code: row.get(6)?,
            metadata: row.get(7)?,
            is_fallback: row.get(8)?,
            assigned_at: row.get(9)?,
            expires_at: row.get(10)?,
            is_redeemed: row.get(11)?,
            is_void: row.get(12)?,
        })
    }

    /// Whether it still serves its claim at `now`: what is expired or void is replaced, what is redeemed stays.
    pub(super) fn is_valid(&self, now: i64) -> bool {
        self.is_redeemed || (!self.is_void && self.expires_at.is_none_or(|end| end > now))
    }

    /// Whether it is held by a lease that ran out, so that it goes back as soon as anybody comes.
    pub(super) fn is_abandoned(&self, now: i64) -> bool {
        self.lease.is_some() && self.lease_expires_at.is_none_or(|end| end <= now)
    }

    /// The binding as the rest of the program sees it.
    pub(super) fn binding(self) -> Outcome<Binding> {
        let source = match self.is_fallback {
            true => Source::Fallback,
            false if self.from_pool_id == self.pool_id => Source::Pool,
            false => Source::Overflow,
        };
        let voucher = Voucher {
            code: stored(Code::new(self.code))?,
            expires_at: optional_timestamp(self.expires_at)?,
            metadata: Arc::new(metadata(self.metadata.as_deref())?),
        };
        Ok(Binding {
            voucher,
            source,
            from: stored(PoolName::new(self.from))?,
            assigned_at: timestamp(self.assigned_at)?,
            reserved: self.lease.is_some(),
        })
    }
}

/// The further columns of an import, as they stand in the file.
pub(super) fn metadata(json: Option<&str>) -> Outcome<Metadata> {
    json.map_or_else(|| Ok(Metadata::new()), |json| stored(serde_json::from_str(json)))
}

/// What a claim gets: a voucher of a pool's stock, or a pool's fallback code.
pub(super) enum Choice {
    Voucher(Available),
    Fallback(Code),
}

/// The statement with which [`reserve`] writes a binding.
pub(super) fn insert<'c>(session: &Session<'c>) -> Outcome<CachedStatement<'c>> {
    let sql = "INSERT INTO binding (pool_id, occurrence, shared_in, voucher_id, fallback_code, from_pool_id, lease_id,
        message_id, customer_id, campaign_id, channel, mode, assigned_at, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    Ok(session.connection.prepare_cached(sql)?)
}

/// Reserves `choice`, given by the pool `from`, for `claim` under `key` in the pool `named`.
pub(super) fn reserve(
    session: &Session<'_>,
    insert: &mut CachedStatement<'_>,
    lease: &Lease,
    claim: (&Pool, &ClaimKey, &MessageIdentity),
    from: &Pool,
    choice: Choice,
) -> Outcome<Binding> {
    let (named, key, message) = claim;
    let (voucher_id, fallback, expires_at) = match &choice {
        Choice::Voucher(voucher) => (Some(voucher.id), None, from.validity(session, voucher.expires_at)),
        Choice::Fallback(code) => (None, Some(code.as_str()), None),
    };
    let (occurrence, shared_in) = match key.parts().1 {
        KeyOwner::Message { occurrence, .. } => (Some(occurrence.unwrap_or(WHOLE)), None),
        KeyOwner::Customer { campaign, .. } => (None, Some(campaign.unwrap_or(FOR_GOOD))),
    };
    insert.execute(params![
        named.id,
        occurrence,
        shared_in,
        voucher_id,
        fallback,
        from.id,
        lease.id.get().cast_signed(),
        message.message_id.as_str(),
        message.customer_id.as_str(),
        message.campaign_id.as_ref().map(CampaignId::as_str),
        message.channel.as_str(),
        message.mode.as_str(),
        session.now,
        expires_at,
    ])?;
    let id = session.connection.last_insert_rowid();
    let mut changes = session.changes.borrow_mut();
    if message.mode == Mode::Live {
        let (pool, campaign) = (Some(named.id), campaign(message));
        changes.limit(Counted { pool, campaign, taken_at: session.now, expires_at }, 1);
    }
    if let Choice::Voucher(voucher) = &choice {
        changes.take(voucher.id, id);
        changes.pool(from.id, State::Available, voucher.expires_at, -1);
        changes.pool(from.id, State::Reserved, expires_at, 1);
    }
    reserved(session, named, from, choice, expires_at)
}

fn reserved(
    session: &Session<'_>,
    named: &Pool,
    from: &Pool,
    choice: Choice,
    expires_at: Option<i64>,
) -> Outcome<Binding> {
    let (code, metadata, source) = match choice {
        Choice::Voucher(voucher) if from.id == named.id => (voucher.code, voucher.metadata, Source::Pool),
        Choice::Voucher(voucher) => (voucher.code, voucher.metadata, Source::Overflow),
        Choice::Fallback(code) => (code, Arc::default(), Source::Fallback),
    };
    Ok(Binding {
        voucher: Voucher { code, expires_at: optional_timestamp(expires_at)?, metadata },
        source,
        from: from.name.clone(),
        assigned_at: timestamp(session.now)?,
        reserved: true,
    })
}

/// The campaign of a message, as the tallies have it.
pub(super) fn campaign(message: &MessageIdentity) -> Option<Arc<str>> {
    message.campaign_id.as_ref().map(|id| Arc::from(id.as_str()))
}

/// Ends a binding that no longer serves its claim. Given to a customer, it stays as history; only reserved, it goes back.
pub(super) fn replace(session: &Session<'_>, bound: &Bound) -> Outcome<()> {
    if bound.lease.is_some() {
        give_back_where(session, "binding.id = ?1", [bound.id])?;
    } else {
        message::remember_those_of(session, "id = ?2", bound.id)?;
        let forget = "UPDATE binding SET occurrence = NULL, shared_in = NULL WHERE id = ?1";
        session.connection.prepare_cached(forget)?.execute([bound.id])?;
    }
    Ok(())
}

/// Ends all bindings that fulfil `condition`. Their vouchers go back to their pools; says how many.
pub(super) fn give_back_where(session: &Session<'_>, condition: &str, parameters: impl Params) -> Outcome<u64> {
    session.flush()?;
    let sql = format!(
        "SELECT binding.id, binding.voucher_id, binding.pool_id, binding.from_pool_id, binding.campaign_id, binding.mode,
            binding.lease_id IS NOT NULL, binding.expires_at, voucher.expires_at, binding.assigned_at,
            voucher.void_at IS NOT NULL, CASE WHEN binding.lease_id IS NULL THEN voucher.code END,
            CASE WHEN binding.lease_id IS NULL THEN binding.message_id END,
            CASE WHEN binding.lease_id IS NULL THEN binding.customer_id END
         FROM binding LEFT JOIN voucher ON voucher.id = binding.voucher_id WHERE {condition}"
    );
    let mut statement = session.connection.prepare_cached(&sql)?;
    let ending = statement.query_map(parameters, Ending::read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    ending.iter().map(|binding| binding.give_back(session)).sum()
}

/// A binding that ends.
struct Ending {
    id: i64,
    voucher: Option<i64>,
    pool: Option<i64>,
    from_pool: i64,
    campaign: Option<Arc<str>>,
    mode: String,
    is_reserved: bool,
    expires_at: Option<i64>,
    voucher_expires_at: Option<i64>,
    taken_at: i64,
    /// Whether its voucher was ended by hand: then it counts nowhere any more, and does not go back.
    is_void: bool,
    /// The code of a voucher that was assigned.
    code: Option<String>,
    about: About,
}

impl Ending {
    fn read(row: &Row<'_>) -> rusqlite::Result<Ending> {
        Ok(Ending {
            id: row.get(0)?,
            voucher: row.get(1)?,
            pool: row.get(2)?,
            from_pool: row.get(3)?,
            campaign: row.get(4)?,
            mode: row.get(5)?,
            is_reserved: row.get(6)?,
            expires_at: row.get(7)?,
            voucher_expires_at: row.get(8)?,
            taken_at: row.get(9)?,
            is_void: row.get(10)?,
            code: row.get(11)?,
            about: About { message: row.get(12)?, customer: row.get(13)?, ..About::default() },
        })
    }

    /// Says how many vouchers went back: one, or none for a fallback code.
    fn give_back(&self, session: &Session<'_>) -> Outcome<u64> {
        if !self.is_reserved {
            message::remember_those_of(session, "id = ?2", self.id)?;
        }
        session.connection.prepare_cached("DELETE FROM binding WHERE id = ?1")?.execute([self.id])?;
        if let Some(voucher) = self.voucher {
            let free = "UPDATE voucher SET binding_id = NULL WHERE id = ?1";
            session.connection.prepare_cached(free)?.execute([voucher])?;
        }
        if self.is_void {
            return Ok(0);
        }
        let mut changes = session.changes.borrow_mut();
        if self.mode == Mode::Live.as_str() {
            changes.limit(self.counted(), -1);
        }
        if self.voucher.is_none() {
            return Ok(0);
        }
        let state = if self.is_reserved { State::Reserved } else { State::Assigned };
        changes.pool(self.from_pool, state, self.expires_at, -1);
        changes.pool(self.from_pool, State::Available, self.voucher_expires_at, 1);
        if let Some(code) = &self.code {
            changes.tell(self.from_pool, Change::Released, self.about.clone(), code);
        }
        Ok(1)
    }

    fn counted(&self) -> Counted {
        Counted {
            pool: self.pool,
            campaign: self.campaign.clone(),
            taken_at: self.taken_at,
            expires_at: self.expires_at,
        }
    }
}
