//! Whether the numbers that a pool keeps are those that a count gives.

use std::collections::HashMap;
use std::hash::Hash;

use rusqlite::Row;

use super::fault::Outcome;
use super::pool;
use super::session::Session;
use crate::store::refusal;
use crate::voucher::{Finding, PoolName, State};

/// A number of vouchers or bindings for each part of a tally, without those that are none.
type Numbers<K> = HashMap<K, i64>;

/// Counts everything of a pool anew, and compares.
pub(super) fn reconcile(session: &Session<'_>, name: &PoolName) -> Outcome<Vec<Finding>> {
    let pool = pool::id(session, name)?.ok_or_else(|| refusal::no_such_pool(name))?;
    let mut findings = states(session, pool)?;
    findings.push(limits(session, pool)?);
    findings.push(periods(session, pool)?);
    findings.push(none(session, pool, "vouchers", "vouchers point to bindings that are not theirs", VOUCHERS)?);
    findings.push(none(session, pool, "bindings", "bindings hold vouchers that are not theirs", BINDINGS)?);
    findings.push(none(session, pool, "leases", "reservations have no lease that would end them", LEASES)?);
    Ok(findings)
}

const VOUCHERS: &str = "SELECT count(*) FROM voucher LEFT JOIN binding ON binding.id = voucher.binding_id
    WHERE voucher.pool_id = ?1 AND voucher.binding_id IS NOT NULL AND binding.voucher_id IS NOT voucher.id";
const BINDINGS: &str = "SELECT count(*) FROM binding LEFT JOIN voucher ON voucher.id = binding.voucher_id
    WHERE binding.from_pool_id = ?1 AND binding.voucher_id IS NOT NULL AND voucher.binding_id IS NOT binding.id";
const LEASES: &str = "SELECT count(*) FROM binding WHERE from_pool_id = ?1 AND lease_id IS NOT NULL
    AND lease_id NOT IN (SELECT id FROM lease)";

fn states(session: &Session<'_>, pool: i64) -> Outcome<Vec<Finding>> {
    let counted = "SELECT CASE WHEN binding.redeemed_at IS NOT NULL THEN 'redeemed' WHEN voucher.void_at IS NOT NULL THEN 'void'
            WHEN binding.id IS NULL THEN 'available' WHEN binding.lease_id IS NOT NULL THEN 'reserved' ELSE 'assigned' END AS state,
        CASE WHEN binding.redeemed_at IS NOT NULL OR voucher.void_at IS NOT NULL THEN 9223372036854775807
            ELSE ifnull(CASE WHEN binding.id IS NULL THEN voucher.expires_at ELSE binding.expires_at END, 9223372036854775807)
            END AS ends_at,
        count(*)
        FROM voucher LEFT JOIN binding ON binding.id = voucher.binding_id WHERE voucher.pool_id = ?1 GROUP BY 1, 2";
    let kept = "SELECT state, expires_at, vouchers FROM pool_tally WHERE pool_id = ?1";
    let read = |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
    let counted: Numbers<(String, i64)> = numbers(session, pool, counted, read)?;
    let kept: Numbers<(String, i64)> = numbers(session, pool, kept, read)?;
    let all = [State::Available, State::Reserved, State::Assigned, State::Redeemed, State::Void];
    let of = |state: State, numbers: &Numbers<(String, i64)>| -> Numbers<i64> {
        let of_state = numbers.iter().filter(|((name, _), _)| name == state.as_str());
        of_state.map(|((_, ends_at), number)| (*ends_at, *number)).collect()
    };
    Ok(all.map(|state| compared(state.as_str(), &of(state, &kept), &of(state, &counted))).into())
}

/// What counts for limits under the pool's name.
const COUNTED: &str = "FROM binding LEFT JOIN voucher ON voucher.id = binding.voucher_id
    WHERE binding.pool_id = ?1 AND binding.mode = 'live' AND voucher.void_at IS NULL GROUP BY 1, 2";
const COUNTS_UNTIL: &str = "CASE WHEN binding.redeemed_at IS NULL THEN ifnull(binding.expires_at, 9223372036854775807)
    ELSE 9223372036854775807 END";

fn limits(session: &Session<'_>, pool: i64) -> Outcome<Finding> {
    let counted = format!("SELECT ifnull(binding.campaign_id, ''), {COUNTS_UNTIL}, count(*) {COUNTED}");
    let kept = "SELECT campaign_id, expires_at, bindings FROM limit_tally WHERE pool_id = ?1";
    let read = |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
    let counted: Numbers<(String, i64)> = numbers(session, pool, &counted, read)?;
    Ok(compared("limits", &numbers(session, pool, kept, read)?, &counted))
}

fn periods(session: &Session<'_>, pool: i64) -> Outcome<Finding> {
    let counted = format!("SELECT binding.assigned_at / 3600000, {COUNTS_UNTIL}, count(*) {COUNTED}");
    let kept = "SELECT hour, expires_at, bindings FROM period_tally WHERE pool_id = ?1";
    let read = |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
    let counted: Numbers<(i64, i64)> = numbers(session, pool, &counted, read)?;
    Ok(compared("limits of periods", &numbers(session, pool, kept, read)?, &counted))
}

fn numbers<K: Eq + Hash>(
    session: &Session<'_>,
    pool: i64,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<(K, i64)>,
) -> Outcome<Numbers<K>> {
    let mut statement = session.connection.prepare(sql)?;
    let rows = statement.query_map([pool], read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(rows.into_iter().filter(|(_, number)| *number != 0).collect())
}

/// What to do about numbers that are wrong.
const REMEDY: &str = "was the file changed by hand? restore it from a backup";

fn compared<K: Eq + Hash>(check: &str, kept: &Numbers<K>, counted: &Numbers<K>) -> Finding {
    let sum = |numbers: &Numbers<K>| numbers.values().sum::<i64>();
    let ok = kept == counted;
    let detail = match (sum(kept), sum(counted)) {
        (_, counted) if ok => counted.to_string(),
        (kept, counted) if kept == counted => format!("{counted} as counted, but under other times; {REMEDY}"),
        (kept, counted) => format!("{kept} kept, but {counted} counted; {REMEDY}"),
    };
    Finding { check: check.into(), ok, detail }
}

fn none(session: &Session<'_>, pool: i64, check: &str, problem: &str, sql: &str) -> Outcome<Finding> {
    let wrong: i64 = session.connection.query_row(sql, [pool], |row| row.get(0))?;
    let ok = wrong == 0;
    let detail = if ok { "as they should be".to_owned() } else { format!("{wrong} {problem}; {REMEDY}") };
    Ok(Finding { check: check.into(), ok, detail })
}
