//! What is known of one voucher's past: from the journal, as far as it goes back, and from what the voucher is now.

use jiff::Timestamp;

use super::RedisStore;
use super::chunk::Origin;
use super::journal::PORTION;
use super::record::Record;
use crate::error::Result;
use crate::voucher::{Change, Code, JournalEntry, JournalPosition, MessageId, PoolName};

/// Whom a voucher was given to, as far as that is known.
struct Holder {
    record: Record,
    message: Option<MessageId>,
}

impl RedisStore {
    /// `Journal::history`.
    pub(super) async fn past_of(&self, code: &Code) -> Result<Vec<JournalEntry>> {
        let Some(Origin { pool, import, .. }) = self.origins_of(std::slice::from_ref(code)).await?.pop().flatten()
        else {
            return Ok(Vec::new());
        };
        let mut past = self.told_of(&pool, code).await?;
        let bound = self.bound_to(&pool, &[code]).await?;
        let entry = bound.and_then(|bound| bound.entries.into_iter().next()?).filter(|entry| !entry.is_reserved);
        let holder = match entry {
            None => None,
            Some(entry) => {
                let campaigns = self.campaigns_if(entry.record.campaign > 0, &pool).await?;
                let message = entry.record.message(campaigns.get(&entry.record.campaign))?;
                Some(Holder { record: entry.record, message })
            }
        };
        complete(&pool, code, &mut past, holder);
        if let Some(brought) = self.brought_by(&pool, &import).await? {
            past.insert(
                0,
                JournalEntry { import_id: Some(import), ..unnoted(&pool, code, Change::Imported, brought.at) },
            );
        }
        Ok(past)
    }

    /// What the journal says of a code.
    async fn told_of(&self, pool: &PoolName, code: &Code) -> Result<Vec<JournalEntry>> {
        let (mut told, mut after) = (Vec::new(), None);
        loop {
            let page = self.journal_page(pool, after.as_ref(), PORTION).await?;
            let Some(last) = page.last() else { return Ok(told) };
            after = Some(last.position.clone());
            let of_code = page.into_iter().filter(|entry| entry.codes.contains(code));
            told.extend(of_code.map(|entry| JournalEntry { count: 1, codes: vec![code.clone()], ..entry }));
        }
    }
}

/// An entry about one code alone, of what the journal does not say by itself.
fn unnoted(pool: &PoolName, code: &Code, change: Change, at: Timestamp) -> JournalEntry {
    JournalEntry {
        position: JournalPosition(format!("{}-0", at.as_millisecond())),
        at,
        pool: pool.clone(),
        change,
        count: 1,
        codes: vec![code.clone()],
        message_id: None,
        customer_id: None,
        event_id: None,
        import_id: None,
        flagged: false,
    }
}

/// Adds what the journal does not say: to whom the code was given each time, and what it does not go back to.
fn complete(pool: &PoolName, code: &Code, past: &mut Vec<JournalEntry>, holder: Option<Holder>) {
    let mut next = None;
    for entry in past.iter_mut().rev() {
        match entry.change {
            Change::Released => next = Some((entry.message_id.clone(), entry.customer_id.clone())),
            Change::Assigned => {
                let now = holder.as_ref().map(|holder| (holder.message.clone(), holder.record.customer.clone()));
                (entry.message_id, entry.customer_id) = next.take().or(now).unwrap_or_default();
            }
            _ => {}
        }
    }
    let Some(Holder { record, message }) = holder else { return };
    let last_start = past.iter().rposition(|entry| matches!(entry.change, Change::Assigned | Change::Released));
    let start = last_start.map_or(0, |last| last + 1);
    let has = |past: &[JournalEntry], change| past[start..].iter().any(|entry| entry.change == change);
    let of_now = |change, at: Timestamp| JournalEntry {
        customer_id: record.customer.clone(),
        ..unnoted(pool, code, change, at)
    };
    if let Some(redeemed_at) = record.redeemed_at.filter(|_| !has(past, Change::Redeemed)) {
        past.insert(start, of_now(Change::Redeemed, redeemed_at));
    }
    let is_told = last_start.is_some_and(|last| past[last].change == Change::Assigned);
    if !is_told {
        past.insert(start, JournalEntry { message_id: message, ..of_now(Change::Assigned, record.assigned_at) });
    }
}
