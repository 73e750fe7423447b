//! Vouchers as they are now: all of them, or those that somebody got.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::Sink;
use super::cursor::Cursor;
use super::journal::{self, PAGE};
use crate::error::Result;
use crate::voucher::{Change, Code, PoolName, State, Store, VoucherRecord};

/// How many vouchers are looked up at the same time.
const LOOKUPS: usize = 16;

/// All vouchers of a pool, or those that were given or used since.
pub(super) async fn all(store: &dyn Store, pool: &PoolName, since: Option<Timestamp>, sink: &mut Sink) -> Result<()> {
    list(store, pool, sink, |voucher| {
        since.is_none_or(|since| [voucher.assigned_at, voucher.redeemed_at].into_iter().flatten().any(|at| at >= since))
    })
    .await
}

/// The vouchers of a pool that somebody got, perhaps only those since.
pub(super) async fn assignments(
    store: &dyn Store,
    pool: &PoolName,
    since: Option<Timestamp>,
    sink: &mut Sink,
) -> Result<()> {
    list(store, pool, sink, |voucher| is_assignment(voucher, since)).await
}

/// The vouchers of a pool that somebody got since the cursor was written: all of them, if it is new.
pub(super) async fn new_assignments(
    store: &dyn Store,
    pool: &PoolName,
    since: Option<Timestamp>,
    cursor: &mut Cursor,
    sink: &mut Sink,
) -> Result<()> {
    sink.head::<VoucherRecord>()?;
    if !cursor.knows(pool) {
        // What is assigned between the two steps comes again the next time: rather twice than never.
        journal::walk(store, pool, cursor, async |_| Ok(())).await?;
        return assignments(store, pool, since, sink).await;
    }
    journal::walk(store, pool, cursor, async |entries| {
        let codes = entries.iter().filter(|entry| entry.change == Change::Assigned).flat_map(|entry| &entry.codes);
        let look_up = |code: Code| async move { store.voucher(&code).await };
        let codes: Vec<Code> = codes.cloned().collect();
        let vouchers: Vec<Option<VoucherRecord>> =
            stream::iter(codes).map(look_up).buffered(LOOKUPS).try_collect().await?;
        let got = vouchers.into_iter().flatten().filter(|voucher| is_assignment(voucher, since));
        got.into_iter().try_for_each(|voucher| sink.write(&voucher))
    })
    .await
}

/// Whether somebody has it, or had it when it ended. What is only reserved may yet go back.
fn is_assignment(voucher: &VoucherRecord, since: Option<Timestamp>) -> bool {
    let given = voucher.assigned_at.filter(|_| voucher.state != State::Reserved);
    given.is_some_and(|at| since.is_none_or(|since| at >= since))
}

async fn list(
    store: &dyn Store,
    pool: &PoolName,
    sink: &mut Sink,
    is_wanted: impl Fn(&VoucherRecord) -> bool,
) -> Result<()> {
    sink.head::<VoucherRecord>()?;
    let mut last: Option<Code> = None;
    loop {
        let page = store.vouchers(pool, last.as_ref(), PAGE).await?;
        let Some(voucher) = page.last() else { return Ok(()) };
        last = Some(voucher.code.clone());
        page.iter().filter(|voucher| is_wanted(voucher)).try_for_each(|voucher| sink.write(voucher))?;
    }
}
