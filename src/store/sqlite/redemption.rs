//! Using vouchers, and ending them by hand.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::SqliteStore;
use super::fault::{Fault, Outcome, stored};
use super::journal::About;
use super::session::Session;
use super::stocked::Stocked;
use super::writer::Durability;
use crate::error::Result;
use crate::voucher::{
    Change, Code, CustomerId, EventId, Redemption, RedemptionResult, Redemptions, RolledBack, Voided,
};

#[async_trait]
impl Redemptions for SqliteStore {
    async fn redeem(&self, redemptions: &[Redemption]) -> Result<Vec<RedemptionResult>> {
        let redemptions = redemptions.to_vec();
        self.write(Durability::Kept, move |session| redemptions.iter().map(|wish| redeem(session, wish)).collect())
            .await
    }

    async fn redemptions(&self, asked: &[(Code, EventId)]) -> Result<Vec<Option<RedemptionResult>>> {
        let asked = asked.to_vec();
        self.read(move |session| {
            let answer = |(code, event): &(Code, EventId)| match Stocked::find(session, code)? {
                Some(voucher) => Ok(Remembered::find(session, &voucher, event)?.map(|told| told.answer())),
                None => Ok(None),
            };
            asked.iter().map(answer).collect()
        })
        .await
    }

    async fn roll_back(&self, code: &Code, event: &EventId) -> Result<RolledBack> {
        let (code, event) = (code.clone(), event.clone());
        self.write(Durability::Kept, move |session| roll_back(session, &code, &event)).await
    }

    async fn void(&self, codes: &[Code]) -> Result<Vec<Voided>> {
        let codes = codes.to_vec();
        self.write(Durability::Kept, move |session| codes.iter().map(|code| void(session, code)).collect()).await
    }
}

fn redeem(session: &Session<'_>, wish: &Redemption) -> Outcome<RedemptionResult> {
    let Some(voucher) = Stocked::find(session, &wish.code)? else { return Ok(RedemptionResult::Unknown) };
    if let Some(told) = Remembered::find(session, &voucher, &wish.event_id)? {
        return Ok(told.answer());
    }
    let moment = wish.at.map_or(session.now, Timestamp::as_millisecond);
    let answer = judge(&voucher, wish, moment);
    if answer != RedemptionResult::Moved {
        remember(session, &voucher, wish, answer)?;
    }
    if answer == RedemptionResult::Redeemed {
        voucher.redeem(session, moment)?;
        let customer = user(&voucher, wish);
        let event = Some(wish.event_id.as_str().to_owned());
        let about = About { customer, event, flagged: wish.flagged, ..About::default() };
        session.changes.borrow_mut().tell(voucher.pool, Change::Redeemed, about, wish.code.as_str());
    }
    Ok(answer)
}

fn judge(voucher: &Stocked, wish: &Redemption, moment: i64) -> RedemptionResult {
    match voucher.assigned() {
        _ if voucher.is_redeemed() => RedemptionResult::AlreadyRedeemed,
        _ if voucher.is_void => RedemptionResult::Void,
        _ if voucher.is_over(moment) => RedemptionResult::Expired,
        None => RedemptionResult::NotAssigned,
        Some(taken) if taken.customer.as_deref() != wish.holder.as_ref().map(CustomerId::as_str) => {
            RedemptionResult::Moved
        }
        Some(_) if !wish.passes => RedemptionResult::RuleFailed,
        Some(_) => RedemptionResult::Redeemed,
    }
}

/// Who uses a voucher: whom the wish names, or else the one who holds it.
fn user(voucher: &Stocked, wish: &Redemption) -> Option<String> {
    let named = wish.customer_id.as_ref().map(|id| id.as_str().to_owned());
    named.or_else(|| voucher.assigned().and_then(|taken| taken.customer.clone()))
}

fn remember(session: &Session<'_>, voucher: &Stocked, wish: &Redemption, answer: RedemptionResult) -> Outcome<()> {
    let sql =
        "INSERT INTO redemption (voucher_id, event_id, result, customer_id, asked_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let customer = (answer == RedemptionResult::Redeemed).then(|| user(voucher, wish)).flatten();
    session.connection.prepare_cached(sql)?.execute(params![
        voucher.id,
        wish.event_id.as_str(),
        answer.as_str(),
        customer,
        session.now
    ])?;
    Ok(())
}

/// What an event was told.
struct Remembered {
    result: RedemptionResult,
    is_rolled_back: bool,
    customer: Option<String>,
}

impl Remembered {
    fn find(session: &Session<'_>, voucher: &Stocked, event: &EventId) -> Outcome<Option<Remembered>> {
        let sql = "SELECT result, rolled_back_at IS NOT NULL, customer_id FROM redemption
            WHERE voucher_id = ?1 AND event_id = ?2";
        let mut statement = session.connection.prepare_cached(sql)?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
        let found = statement.query_row(params![voucher.id, event.as_str()], read).optional()?;
        let remembered = |(result, is_rolled_back, customer): (String, bool, Option<String>)| {
            Ok::<_, Fault>(Remembered { result: stored(known(&result))?, is_rolled_back, customer })
        };
        found.map(remembered).transpose()
    }

    /// What it is told when it asks again.
    fn answer(&self) -> RedemptionResult {
        if self.is_rolled_back { RedemptionResult::AlreadyRedeemed } else { self.result }
    }
}

fn known(name: &str) -> Result<RedemptionResult, ()> {
    use RedemptionResult::{AlreadyRedeemed, Expired, NotAssigned, Redeemed, RuleFailed, Void};
    let all = [Redeemed, AlreadyRedeemed, Expired, Void, NotAssigned, RuleFailed];
    all.into_iter().find(|result| result.as_str() == name).ok_or(())
}

fn roll_back(session: &Session<'_>, code: &Code, event: &EventId) -> Outcome<RolledBack> {
    let Some(voucher) = Stocked::find(session, code)? else { return Ok(RolledBack::Unknown) };
    let customer = match Remembered::find(session, &voucher, event)? {
        Some(told) if told.is_rolled_back => return Ok(RolledBack::AlreadyRolledBack),
        Some(told) if told.result == RedemptionResult::Redeemed => told.customer,
        _ => return Ok(RolledBack::NotRedeemed),
    };
    let sql = "UPDATE redemption SET rolled_back_at = ?3 WHERE voucher_id = ?1 AND event_id = ?2";
    session.connection.prepare_cached(sql)?.execute(params![voucher.id, event.as_str(), session.now])?;
    voucher.roll_back(session)?;
    let about = About { customer, event: Some(event.as_str().to_owned()), ..About::default() };
    session.changes.borrow_mut().tell(voucher.pool, Change::RolledBack, about, code.as_str());
    Ok(RolledBack::RolledBack)
}

fn void(session: &Session<'_>, code: &Code) -> Outcome<Voided> {
    Ok(match Stocked::find(session, code)? {
        None => Voided::Unknown,
        Some(voucher) if voucher.is_redeemed() => Voided::Redeemed,
        Some(voucher) if voucher.is_void => Voided::AlreadyVoid,
        Some(voucher) => {
            voucher.void(session, code)?;
            Voided::Voided
        }
    })
}
