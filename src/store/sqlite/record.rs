//! Vouchers as rows, with everything that happened to them.

use rusqlite::{Params, Row};

use super::binding::metadata;
use super::fault::{Fault, Outcome, stored};
use super::session::{Session, optional_timestamp};
use crate::voucher::{CampaignId, Code, CustomerId, MessageId, Mode, PoolName, State, VoucherRecord};

/// A binding whose lease ran out is left out by the join: its voucher stands as if it had gone back already.
const SELECT: &str = "SELECT voucher.code, pool.name, voucher.metadata, voucher.void_at IS NOT NULL,
    ifnull(binding.expires_at, CASE WHEN binding.id IS NULL
        THEN coalesce(min(voucher.expires_at, pool.expires_at), voucher.expires_at, pool.expires_at) END),
    binding.id IS NOT NULL, binding.lease_id IS NOT NULL, binding.customer_id, binding.campaign_id, binding.message_id,
    binding.channel, binding.mode, binding.assigned_at, binding.redeemed_at";
const FROM_VOUCHER: &str = "FROM voucher
    JOIN pool ON pool.id = voucher.pool_id
    LEFT JOIN binding ON binding.id = voucher.binding_id AND (binding.lease_id IS NULL
        OR EXISTS (SELECT 1 FROM lease WHERE lease.id = binding.lease_id AND lease.expires_at > ?1))";
const FROM_BINDING: &str = "FROM binding
    JOIN voucher ON voucher.id = binding.voucher_id
    JOIN pool ON pool.id = voucher.pool_id";

/// The vouchers that fulfil `rest`, a condition with its order; its parameters begin with the session's moment.
pub(super) fn vouchers(session: &Session<'_>, rest: &str, parameters: impl Params) -> Outcome<Vec<VoucherRecord>> {
    select(session, &format!("{SELECT} {FROM_VOUCHER} WHERE {rest}"), parameters)
}

/// The vouchers of those bindings that fulfil `rest`.
pub(super) fn of_bindings(session: &Session<'_>, rest: &str, parameters: impl Params) -> Outcome<Vec<VoucherRecord>> {
    select(session, &format!("{SELECT} {FROM_BINDING} WHERE {rest}"), parameters)
}

fn select(session: &Session<'_>, sql: &str, parameters: impl Params) -> Outcome<Vec<VoucherRecord>> {
    let mut statement = session.connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(read(session, row)?);
    }
    Ok(records)
}

fn read(session: &Session<'_>, row: &Row<'_>) -> Outcome<VoucherRecord> {
    let json: Option<String> = row.get(2)?;
    Ok(VoucherRecord {
        code: text(row, 0, Code::new)?.ok_or_else(broken)?,
        pool: text(row, 1, PoolName::new)?.ok_or_else(broken)?,
        state: state(session, row)?,
        customer_id: text(row, 7, CustomerId::new)?,
        campaign_id: text(row, 8, CampaignId::new)?,
        message_id: text(row, 9, MessageId::new)?,
        channel: text(row, 10, |name: String| name.parse())?,
        mode: text(row, 11, |name| mode(&name))?,
        assigned_at: optional_timestamp(row.get(12)?)?,
        expires_at: optional_timestamp(row.get(4)?)?,
        redeemed_at: optional_timestamp(row.get(13)?)?,
        metadata: metadata(json.as_deref())?,
    })
}

fn state(session: &Session<'_>, row: &Row<'_>) -> Outcome<State> {
    let (is_void, expires_at): (bool, Option<i64>) = (row.get(3)?, row.get(4)?);
    let (is_bound, is_reserved): (bool, bool) = (row.get(5)?, row.get(6)?);
    let redeemed_at: Option<i64> = row.get(13)?;
    Ok(match () {
        () if redeemed_at.is_some() => State::Redeemed,
        () if is_void => State::Void,
        () if expires_at.is_some_and(|end| end <= session.now) => State::Expired,
        () if is_reserved => State::Reserved,
        () if is_bound => State::Assigned,
        () => State::Available,
    })
}

fn text<T, E>(row: &Row<'_>, column: usize, read: impl FnOnce(String) -> Result<T, E>) -> Outcome<Option<T>> {
    row.get::<_, Option<String>>(column)?.map(|text| stored(read(text))).transpose()
}

fn mode(name: &str) -> Result<Mode, ()> {
    [Mode::Live, Mode::Test].into_iter().find(|mode| mode.as_str() == name).ok_or(())
}

fn broken() -> Fault {
    rusqlite::Error::QueryReturnedNoRows.into()
}
