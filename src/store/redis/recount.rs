//! What is really in a pool's keys.

use std::collections::BTreeMap;

use jiff::Timestamp;
use redis::{Pipeline, Value};

use super::RedisStore;
use super::address::{Field, Hash, pointer};
use super::reconcile::Kept;
use super::record::{Kind, Record};
use super::reply::{self, strange};
use super::vouchers::is_void;
use crate::error::Result;
use crate::voucher::{Code, Mode, PoolName};

/// How many members of the stock, or buckets of bindings, are read at once.
const PORTION: u64 = 32;

/// How many codes of the registry are read at once.
const CODES: usize = 20_000;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Recount {
    /// Vouchers by state, and everything else that the pool's header counts.
    pub(super) tallies: BTreeMap<String, i64>,
    /// What counts for limits: all of it under 0, and by campaign.
    pub(super) limits: BTreeMap<String, i64>,
    /// What ends together: by what it counts as and its end.
    pub(super) groups: BTreeMap<String, i64>,
    /// The hash of every code that the stock and the bindings have.
    pub(super) codes: Vec<u64>,
    /// The hash of every code that the registry has for the pool.
    pub(super) registered: Vec<u64>,
    /// Pointers to bindings that lie elsewhere than their customer's, as they are and as they must be.
    pub(super) pointers: [Vec<[u8; 12]>; 2],
    /// Reservations that no lease would give back.
    pub(super) stray: usize,
}

fn add(sums: &mut BTreeMap<String, i64>, name: impl Into<String>) {
    *sums.entry(name.into()).or_default() += 1;
}

fn code_hash(code: &str) -> u64 {
    u64::from_be_bytes(Hash::of(code).head())
}

impl Recount {
    fn voucher(&mut self, now: Timestamp, state: &str, ends: Option<Timestamp>, code: &str) {
        self.codes.push(code_hash(code));
        match ends {
            Some(ends) if ends <= now => add(&mut self.tallies, "expired"),
            Some(ends) => {
                add(&mut self.tallies, state);
                add(&mut self.groups, format!("{state}:{}", ends.as_millisecond()));
            }
            None => add(&mut self.tallies, state),
        }
    }

    /// A member of the stock: codes behind some characters that place it.
    fn stock(&mut self, now: Timestamp, start: usize, member: &[u8], score: &[u8]) -> Result<()> {
        let text = member.get(start..).and_then(|codes| std::str::from_utf8(codes).ok()).ok_or_else(strange)?;
        let score: f64 = std::str::from_utf8(score).ok().and_then(|score| score.parse().ok()).ok_or_else(strange)?;
        let ends = score.is_finite().then(|| Timestamp::from_millisecond(score as i64)).transpose();
        let ends = ends.map_err(|_| strange())?;
        text.split('\n').for_each(|code| self.voucher(now, "available", ends, code));
        Ok(())
    }

    fn binding(&mut self, now: Timestamp, is_reserved: bool, record: &Record) {
        if record.kind == Kind::Voucher {
            match (record.is_void, record.redeemed_at) {
                (true, _) => self.voucher(now, "void", None, &record.code),
                (_, Some(_)) => self.voucher(now, "redeemed", None, &record.code),
                _ => self.voucher(now, if is_reserved { "reserved" } else { "assigned" }, record.ends, &record.code),
            }
            if is_reserved {
                add(&mut self.tallies, "holding");
            }
        }
        if record.mode == Mode::Live && !record.is_via && !record.is_over(now) {
            self.limited(record);
        }
    }

    fn limited(&mut self, record: &Record) {
        add(&mut self.limits, "0");
        if record.campaign > 0 {
            add(&mut self.limits, record.campaign.to_string());
        }
        if let Some(ends) = record.ends.filter(|_| record.redeemed_at.is_none()) {
            add(&mut self.groups, format!("limit{}:{}", record.campaign, ends.as_millisecond()));
        }
    }

    /// What a bucket of codes says of a code: mostly where its binding is.
    fn unbound(&mut self, hash: &[u8], anchor: &[u8]) -> Result<()> {
        if is_void(anchor) {
            self.codes.push(u64::from_be_bytes(hash.try_into().map_err(|_| strange())?));
            add(&mut self.tallies, "void");
        }
        Ok(())
    }

    fn assigned(&mut self, now: Timestamp, field: Field, packed: &[u8]) -> Result<()> {
        add(&mut self.tallies, "entries");
        if Record::is_pointer(packed) {
            self.pointers[0].push(field.0);
            return Ok(());
        }
        let record = Record::read(packed)?;
        let customer = record.customer.as_ref().map(Hash::of_customer);
        self.pointers[1].extend(customer.and_then(|customer| pointer(field, customer)).map(|field| field.0));
        self.binding(now, false, &record);
        Ok(())
    }
}

impl RedisStore {
    /// Counts everything of a pool that was found as `kept` tells.
    pub(super) async fn count_anew(&self, pool: &PoolName, kept: &Kept) -> Result<Recount> {
        let mut recount = Recount::default();
        self.count_stock(pool, kept.now, &mut recount).await?;
        self.count_reserved(kept, &mut recount)?;
        self.count_assigned(pool, kept, &mut recount).await?;
        let mut after: Option<Code> = None;
        loop {
            let page = self.codes_behind(pool, after.as_ref(), CODES).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            recount.registered.extend(page.iter().map(|(code, _)| code_hash(code.as_str())));
        }
        recount.codes.sort_unstable();
        recount.registered.sort_unstable();
        recount.pointers.iter_mut().for_each(|pointers| pointers.sort_unstable());
        Ok(recount)
    }

    async fn count_stock(&self, pool: &PoolName, now: Timestamp, recount: &mut Recount) -> Result<()> {
        let keys = self.keys.pool(pool);
        for (key, start, portion) in [(keys.tray(), 2, 100 * PORTION), (keys.shelf(), 9, PORTION)] {
            let mut first = 0;
            loop {
                let mut query = redis::cmd("ZRANGE");
                query.arg(&key).arg(first).arg(first + portion - 1).arg("WITHSCORES");
                let members = reply::list(self.link.query(&query).await?)?;
                if members.is_empty() {
                    break;
                }
                for pair in members.chunks_exact(2) {
                    recount.stock(now, start, &reply::bytes(pair[0].clone())?, &reply::bytes(pair[1].clone())?)?;
                }
                first += portion;
            }
        }
        Ok(())
    }

    fn count_reserved(&self, kept: &Kept, recount: &mut Recount) -> Result<()> {
        for (field, reservation) in kept.reserved.iter().filter(|(field, _)| field.len() == 12) {
            let (lease, rest) = reservation.split_at_checked(8).ok_or_else(strange)?;
            let held = kept.reserved.get(lease).filter(|_| kept.leases.contains(lease));
            let is_held = held.is_some_and(|held| held.chunks_exact(12).any(|held| held == field));
            recount.stray += usize::from(!is_held);
            recount.binding(kept.now, true, &Record::read(rest.get(6..).ok_or_else(strange)?)?);
        }
        Ok(())
    }

    async fn count_assigned(&self, pool: &PoolName, kept: &Kept, recount: &mut Recount) -> Result<()> {
        let keys = self.keys.pool(pool);
        let buckets: Vec<u64> = (0..kept.buckets).collect();
        for portion in buckets.chunks(PORTION as usize) {
            let mut commands = Pipeline::new();
            for bucket in portion {
                commands.cmd("HGETALL").arg(keys.keys(*bucket));
                commands.cmd("HGETALL").arg(keys.codes(*bucket));
            }
            for both in self.link.query_all(&commands).await?.chunks_exact(2) {
                for (field, packed) in pairs(both[0].clone())? {
                    let field = field.try_into().map_err(|_| strange())?;
                    recount.assigned(kept.now, Field(field), &packed)?;
                }
                for (hash, anchor) in pairs(both[1].clone())? {
                    recount.unbound(&hash, &anchor)?;
                }
            }
        }
        Ok(())
    }
}

/// The fields and values of a hash.
pub(super) fn pairs(hash: Value) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut parts = reply::list(hash)?.into_iter().map(reply::bytes);
    let mut pairs = Vec::new();
    while let (Some(field), Some(value)) = (parts.next(), parts.next()) {
        pairs.push((field?, value?));
    }
    Ok(pairs)
}
