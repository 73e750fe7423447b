//! What happened, one row for each voucher.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use super::Sink;
use super::cursor::{Cursor, Place};
use super::rows::{Row, time};
use crate::error::Result;
use crate::voucher::{
    Change, Code, CustomerId, EventId, ImportId, JournalEntry, JournalPosition, MessageId, PoolName, Store,
};

/// How many vouchers or entries are read at once.
pub(super) const PAGE: usize = 1_000;

/// What happened to one voucher, or how many an import brought.
#[derive(Serialize)]
struct JournalRow<'a> {
    at: Timestamp,
    pool: &'a PoolName,
    change: Change,
    count: u64,
    code: Option<&'a Code>,
    customer_id: Option<&'a CustomerId>,
    message_id: Option<&'a MessageId>,
    event_id: Option<&'a EventId>,
    import_id: Option<&'a ImportId>,
    flagged: bool,
}

/// The entries of a pool behind the cursor, if there is one.
pub(super) async fn entries(
    store: &dyn Store,
    pool: &PoolName,
    since: Option<Timestamp>,
    cursor: Option<&mut Cursor>,
    sink: &mut Sink,
) -> Result<()> {
    sink.head::<JournalRow<'_>>()?;
    let mut begun = Cursor::none();
    walk(store, pool, cursor.unwrap_or(&mut begun), async |entries| {
        let wanted = entries.iter().filter(|entry| since.is_none_or(|since| entry.at >= since));
        wanted.flat_map(rows).try_for_each(|row| sink.write(&row))
    })
    .await
}

/// Goes through the entries of a pool behind the cursor, page by page, and moves it along.
pub(super) async fn walk(
    store: &dyn Store,
    pool: &PoolName,
    cursor: &mut Cursor,
    mut each: impl AsyncFnMut(&[JournalEntry]) -> Result<()>,
) -> Result<()> {
    let mut after: Option<JournalPosition> = cursor.position(pool).cloned();
    loop {
        let page = store.journal(pool, after.as_ref(), PAGE).await?;
        let place = page.last().map(|last| Place { position: last.position.clone(), at: last.at });
        after = place.as_ref().map(|place| place.position.clone());
        each(&page).await?;
        cursor.move_to(pool, place);
        if page.is_empty() {
            return Ok(());
        }
    }
}

fn rows(entry: &JournalEntry) -> Vec<JournalRow<'_>> {
    let row = |code, count| JournalRow {
        at: entry.at,
        pool: &entry.pool,
        change: entry.change,
        count,
        code,
        customer_id: entry.customer_id.as_ref(),
        message_id: entry.message_id.as_ref(),
        event_id: entry.event_id.as_ref(),
        import_id: entry.import_id.as_ref(),
        flagged: entry.flagged,
    };
    if entry.codes.is_empty() {
        return vec![row(None, entry.count)];
    }
    entry.codes.iter().map(|code| row(Some(code), 1)).collect()
}

impl Row for JournalRow<'_> {
    const HEADER: &'static [&'static str] =
        &["at", "pool", "change", "count", "code", "customer_id", "message_id", "event_id", "import_id", "flagged"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            time(Some(self.at)),
            self.pool.as_str().into(),
            self.change.as_str().into(),
            self.count.to_string().into(),
            self.code.map(Code::as_str).unwrap_or_default().into(),
            self.customer_id.map(CustomerId::as_str).unwrap_or_default().into(),
            self.message_id.map(MessageId::as_str).unwrap_or_default().into(),
            self.event_id.map(EventId::as_str).unwrap_or_default().into(),
            self.import_id.map(ImportId::as_str).unwrap_or_default().into(),
            self.flagged.to_string().into(),
        ]
    }
}
