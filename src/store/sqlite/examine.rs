//! What an operator should know of a store file.

use async_trait::async_trait;

use super::SqliteStore;
use super::fault::Outcome;
use super::schema::VERSION;
use super::session::Session;
use crate::error::Result;
use crate::voucher::{Finding, Store};

#[async_trait]
impl Store for SqliteStore {
    async fn examine(&self) -> Result<Vec<Finding>> {
        self.read(|session| Ok(vec![version(), integrity(session)?, tallies(session)?, leases(session)?])).await
    }

    async fn readiness(&self) -> Result<Vec<Finding>> {
        self.read(|session| Ok(vec![readable(session)?])).await
    }
}

fn finding(check: &str, ok: bool, detail: impl Into<String>) -> Finding {
    Finding { check: check.into(), ok, detail: detail.into() }
}

/// Opening the store has refused every other version.
fn version() -> Finding {
    finding("schema", true, format!("version {VERSION}"))
}

fn readable(session: &Session<'_>) -> Outcome<Finding> {
    let pools: i64 = session.connection.query_row("SELECT count(*) FROM pool", [], |row| row.get(0))?;
    Ok(finding("store", true, format!("pools: {pools}")))
}

fn integrity(session: &Session<'_>) -> Outcome<Finding> {
    let result: String = session.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    let ok = result == "ok";
    let remedy = "the file is damaged: restore it from a backup, or save what 'sqlite3 FILE .recover' finds";
    Ok(finding("integrity", ok, if ok { "the file is sound" } else { remedy }))
}

fn tallies(session: &Session<'_>) -> Outcome<Finding> {
    let sql = "WITH counted AS (
            SELECT voucher.pool_id,
                CASE WHEN binding.redeemed_at IS NOT NULL THEN 'redeemed' WHEN voucher.void_at IS NOT NULL THEN 'void'
                    WHEN binding.id IS NULL THEN 'available' WHEN binding.lease_id IS NOT NULL THEN 'reserved'
                    ELSE 'assigned' END AS state,
                count(*) AS vouchers
            FROM voucher LEFT JOIN binding ON binding.id = voucher.binding_id GROUP BY 1, 2),
        kept AS (SELECT pool_id, state, sum(vouchers) AS vouchers FROM pool_tally GROUP BY 1, 2 HAVING sum(vouchers) <> 0)
        SELECT count(*) FROM (SELECT * FROM (SELECT * FROM counted EXCEPT SELECT * FROM kept)
            UNION ALL SELECT * FROM (SELECT * FROM kept EXCEPT SELECT * FROM counted))";
    let differences: i64 = session.connection.query_row(sql, [], |row| row.get(0))?;
    let ok = differences == 0;
    let remedy = "the kept counts differ from the vouchers: was the file changed by hand? restore it from a backup";
    Ok(finding("counts", ok, if ok { "the kept counts are those of the vouchers" } else { remedy }))
}

fn leases(session: &Session<'_>) -> Outcome<Finding> {
    let sql = "SELECT count(*) FROM binding WHERE lease_id IS NOT NULL
        AND lease_id NOT IN (SELECT id FROM lease)";
    let orphans: i64 = session.connection.query_row(sql, [], |row| row.get(0))?;
    let ok = orphans == 0;
    let remedy =
        "reservations without a lease would never go back: was the file changed by hand? restore it from a backup";
    Ok(finding("leases", ok, if ok { "every reservation has its lease" } else { remedy }))
}
