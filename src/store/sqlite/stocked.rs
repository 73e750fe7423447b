//! A voucher with what binds it, and how it goes from one state to another.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Row, params};

use super::fault::Outcome;
use super::journal::About;
use super::session::Session;
use super::tally::Counted;
use crate::voucher::{Change, Code, Mode, State};

/// A voucher of the project, in whatever state.
pub(super) struct Stocked {
    pub(super) id: i64,
    /// The pool that it came in by.
    pub(super) pool: i64,
    expires_at: Option<i64>,
    pool_expires_at: Option<i64>,
    pub(super) is_void: bool,
    pub(super) taken: Option<Taken>,
}

/// What binds a voucher.
pub(super) struct Taken {
    pub(super) id: i64,
    /// The pool that the template names.
    pub(super) named: Option<i64>,
    pub(super) is_reserved: bool,
    pub(super) is_redeemed: bool,
    pub(super) customer: Option<String>,
    pub(super) mode: String,
    pub(super) taken_at: i64,
    /// Whether it is under a key that messages of its customer share.
    pub(super) is_shared: bool,
    campaign: Option<Arc<str>>,
    expires_at: Option<i64>,
}

impl Stocked {
    /// The voucher with that code.
    pub(super) fn find(session: &Session<'_>, code: &Code) -> Outcome<Option<Stocked>> {
        let sql = "SELECT voucher.id, voucher.pool_id, voucher.expires_at, pool.expires_at, voucher.void_at IS NOT NULL,
            binding.id, binding.pool_id, binding.lease_id IS NOT NULL, binding.redeemed_at IS NOT NULL, binding.customer_id,
            binding.mode, binding.assigned_at, binding.campaign_id, binding.expires_at,
            binding.shared_in IS NOT NULL AND binding.shared_in NOT LIKE 'was:%'
            FROM voucher JOIN pool ON pool.id = voucher.pool_id
            LEFT JOIN binding ON binding.id = voucher.binding_id
            WHERE voucher.project_id = ?1 AND voucher.code = ?2";
        let row = params![session.project, code.as_str()];
        Ok(session.connection.prepare_cached(sql)?.query_row(row, Stocked::read).optional()?)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Stocked> {
        let binding: Option<i64> = row.get(5)?;
        Ok(Stocked {
            id: row.get(0)?,
            pool: row.get(1)?,
            expires_at: row.get(2)?,
            pool_expires_at: row.get(3)?,
            is_void: row.get(4)?,
            taken: binding.map(|id| Taken::read(id, row)).transpose()?,
        })
    }

    /// Whether it was used.
    pub(super) fn is_redeemed(&self) -> bool {
        self.taken.as_ref().is_some_and(|taken| taken.is_redeemed)
    }

    /// The binding by which it is a customer's.
    pub(super) fn assigned(&self) -> Option<&Taken> {
        self.taken.as_ref().filter(|taken| !taken.is_reserved)
    }

    /// Whether its time is over at `moment`.
    pub(super) fn is_over(&self, moment: i64) -> bool {
        let end = match &self.taken {
            Some(taken) => taken.expires_at,
            None => [self.expires_at, self.pool_expires_at].into_iter().flatten().min(),
        };
        end.is_some_and(|end| end <= moment)
    }

    /// Its place in the tally of its pool.
    fn tallied(&self) -> (State, Option<i64>) {
        match &self.taken {
            _ if self.is_redeemed() => (State::Redeemed, None),
            _ if self.is_void => (State::Void, None),
            None => (State::Available, self.expires_at),
            Some(taken) if taken.is_reserved => (State::Reserved, taken.expires_at),
            Some(taken) => (State::Assigned, taken.expires_at),
        }
    }

    /// Marks it used at `moment`. It must be assigned.
    pub(super) fn redeem(&self, session: &Session<'_>, moment: i64) -> Outcome<()> {
        let Some(taken) = self.assigned() else { return Ok(()) };
        self.set_redeemed_at(session, taken, Some(moment))?;
        self.retally(session, (State::Redeemed, None));
        taken.count(session, taken.expires_at, -1);
        taken.count(session, None, 1);
        Ok(())
    }

    /// Takes its use back. It must be redeemed.
    pub(super) fn roll_back(&self, session: &Session<'_>) -> Outcome<()> {
        let Some(taken) = self.assigned() else { return Ok(()) };
        self.set_redeemed_at(session, taken, None)?;
        self.retally(session, (State::Assigned, taken.expires_at));
        taken.count(session, None, -1);
        taken.count(session, taken.expires_at, 1);
        Ok(())
    }

    /// Ends it. It must be neither redeemed nor void.
    pub(super) fn void(&self, session: &Session<'_>, code: &Code) -> Outcome<()> {
        let end = "UPDATE voucher SET void_at = ?2 WHERE id = ?1";
        session.connection.prepare_cached(end)?.execute([self.id, session.now])?;
        self.retally(session, (State::Void, None));
        if let Some(taken) = &self.taken {
            taken.count(session, taken.expires_at, -1);
        }
        let customer = self.assigned().and_then(|taken| taken.customer.clone());
        let about = About { customer, ..About::default() };
        session.changes.borrow_mut().tell(self.pool, Change::Voided, about, code.as_str());
        Ok(())
    }

    fn set_redeemed_at(&self, session: &Session<'_>, taken: &Taken, moment: Option<i64>) -> Outcome<()> {
        let sql = "UPDATE binding SET redeemed_at = ?2 WHERE id = ?1";
        session.connection.prepare_cached(sql)?.execute(params![taken.id, moment])?;
        Ok(())
    }

    fn retally(&self, session: &Session<'_>, to: (State, Option<i64>)) {
        let mut changes = session.changes.borrow_mut();
        let (state, expires_at) = self.tallied();
        changes.pool(self.pool, state, expires_at, -1);
        changes.pool(self.pool, to.0, to.1, 1);
    }
}

impl Taken {
    fn read(id: i64, row: &Row<'_>) -> rusqlite::Result<Taken> {
        Ok(Taken {
            id,
            named: row.get(6)?,
            is_reserved: row.get(7)?,
            is_redeemed: row.get(8)?,
            customer: row.get(9)?,
            mode: row.get(10)?,
            taken_at: row.get(11)?,
            campaign: row.get(12)?,
            expires_at: row.get(13)?,
            is_shared: row.get(14)?,
        })
    }

    /// Counts it for limits until `expires_at`, or no more.
    fn count(&self, session: &Session<'_>, expires_at: Option<i64>, by: i64) {
        if self.mode == Mode::Live.as_str() {
            let (pool, campaign) = (self.named, self.campaign.clone());
            let counted = Counted { pool, campaign, taken_at: self.taken_at, expires_at };
            session.changes.borrow_mut().limit(counted, by);
        }
    }
}
