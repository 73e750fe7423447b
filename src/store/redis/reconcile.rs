//! Whether the numbers that a pool keeps are what is really there.
//!
//! A pool is too large to be counted in one step. So what it keeps is read before and after, and counted again if it has changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use redis::Pipeline;

use super::RedisStore;
use super::recount::{HOURS, Recount, hour_of, pairs};
use super::reply::{self, strange};
use super::script::SHOW_POOL;
use crate::error::{Error, ErrorKind, Result};
use crate::store::refusal;
use crate::voucher::{Finding, PoolName};

/// How often a pool is counted, until it holds still meanwhile.
const ATTEMPTS: usize = 5;

/// The numbers in a pool's header.
const TALLIES: [&str; 8] = ["available", "reserved", "assigned", "redeemed", "expired", "void", "holding", "entries"];

/// What a pool keeps beside its stock and its bindings, at one moment.
#[derive(Debug, PartialEq)]
pub(super) struct Kept {
    pub(super) now: Timestamp,
    /// Into how many buckets the bindings are spread.
    pub(super) buckets: u64,
    header: BTreeMap<String, String>,
    limits: BTreeMap<String, i64>,
    groups: BTreeMap<String, i64>,
    /// When the groups come to an end, in ms.
    due: BTreeMap<String, i64>,
    /// Reservations by their fields, and what each lease holds.
    pub(super) reserved: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) leases: BTreeSet<Vec<u8>>,
}

impl RedisStore {
    /// `Desk::reconcile`.
    pub(super) async fn compare(&self, pool: &PoolName) -> Result<Vec<Finding>> {
        let mut findings = None;
        for _ in 0..ATTEMPTS {
            let before = self.kept(pool).await?;
            let counted = self.count_anew(pool, &before).await?;
            let after = self.kept(pool).await?;
            if before == (Kept { now: before.now, ..after }) {
                let found = before.against(&counted);
                if found.iter().all(|finding| finding.ok) {
                    return Ok(found);
                }
                findings = Some(found);
            }
        }
        findings.ok_or_else(|| in_use(pool))
    }

    /// What a pool keeps, once everything is tidied up that is over by now.
    async fn kept(&self, pool: &PoolName) -> Result<Kept> {
        let shown = self.call_pool(pool, &SHOW_POOL, false, |_, call| {
            call.push("0");
            call.push("number");
        });
        let shown = shown.await?.ok_or_else(|| refusal::no_such_pool(pool))?;
        let now = i64::try_from(reply::number(shown.first())?).map_err(|_| strange())?;
        let keys = self.keys.pool(pool);
        let mut commands = Pipeline::new();
        for key in [keys.pool(), keys.limits(), keys.groups(), keys.reserved()] {
            commands.cmd("HGETALL").arg(key);
        }
        for key in [keys.due(), keys.leases()] {
            commands.cmd("ZRANGE").arg(key).arg(0).arg(-1).arg("WITHSCORES");
        }
        let answers = self.link.query_all(&commands).await?;
        let [header, limits, groups, reserved, due, leases] = answers.try_into().map_err(|_| strange())?;
        let header = pairs(header)?.into_iter().map(|(name, value)| Ok((text(name)?, text(value)?)));
        let header: BTreeMap<String, String> = header.collect::<Result<_>>()?;
        let buckets = header.get("buckets").map_or(Ok(1), |buckets| buckets.parse()).map_err(|_| strange())?;
        let now = super::pool::timestamp(now)?;
        let mut limits = numbers(pairs(limits)?)?;
        // The hours before are forgotten when another one comes.
        let hour = |name: &str| name.strip_prefix('h')?.parse::<i64>().ok();
        limits.retain(|name, _| hour(name).is_none_or(|hour| hour > hour_of(now) - HOURS));
        Ok(Kept {
            now,
            buckets,
            header,
            limits,
            groups: numbers(pairs(groups)?)?,
            due: numbers(pairs(due)?)?,
            reserved: pairs(reserved)?.into_iter().collect(),
            leases: pairs(leases)?.into_iter().map(|(lease, _)| lease).collect(),
        })
    }
}

impl Kept {
    /// A finding for each number.
    fn against(&self, counted: &Recount) -> Vec<Finding> {
        let tally = |name: &str| {
            let said = self.header.get(name).and_then(|tally| tally.parse().ok()).unwrap_or_default();
            number(name, said, counted.tallies.get(name).copied().unwrap_or_default())
        };
        let mut findings: Vec<Finding> = TALLIES.into_iter().map(tally).collect();
        findings.push(sums("limits", &self.limits, &counted.limits));
        findings.push(sums("ends", &self.groups, &counted.groups));
        let ends = self.groups.keys().map(|name| (name.clone(), end_of(name))).collect();
        findings.push(sums("due", &self.due, &ends));
        findings.push(self.codes(counted));
        let [are, must_be] = &counted.pointers;
        let wrong = differences(are, must_be);
        findings.push(finding("pointers", wrong == 0, are.len(), &format!("{wrong} do not lead to a binding")));
        let wrong = format!("{} would never go back", counted.stray);
        findings.push(finding("leases", counted.stray == 0, self.leases.len(), &wrong));
        findings
    }

    fn codes(&self, counted: &Recount) -> Finding {
        let twice = counted.codes.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let wrong = differences(&counted.codes, &counted.registered);
        let detail = format!("{twice} stand twice in the pool, {wrong} are in the registry or in the pool alone");
        finding("codes", twice + wrong == 0, counted.codes.len(), &detail)
    }
}

fn finding(check: &str, ok: bool, count: usize, wrong: &str) -> Finding {
    let detail = if ok { count.to_string() } else { format!("{wrong}; were keys changed by hand?") };
    Finding { check: check.to_owned(), ok, detail }
}

fn number(check: &str, said: i64, counted: i64) -> Finding {
    let count = usize::try_from(counted).unwrap_or_default();
    finding(check, said == counted, count, &format!("the pool says {said}, and there are {counted}"))
}

/// A finding for many numbers, of which those that are 0 need not be written.
fn sums(check: &str, said: &BTreeMap<String, i64>, counted: &BTreeMap<String, i64>) -> Finding {
    let of = |sums: &BTreeMap<String, i64>, name: &String| sums.get(name).copied().unwrap_or_default();
    let names: BTreeSet<&String> = said.keys().chain(counted.keys()).collect();
    let wrong = names.iter().filter(|name| of(said, name) != of(counted, name)).count();
    finding(check, wrong == 0, names.len(), &format!("{wrong} of {} numbers are wrong", names.len()))
}

/// How many things are in one of two sorted lists alone.
fn differences<T: Ord>(one: &[T], other: &[T]) -> usize {
    let (mut at, mut differences) = (0, 0);
    for thing in one {
        while other.get(at).is_some_and(|other| other < thing) {
            (at, differences) = (at + 1, differences + 1);
        }
        match other.get(at) == Some(thing) {
            true => at += 1,
            false => differences += 1,
        }
    }
    differences + other.len() - at
}

/// When a group comes to its end.
fn end_of(group: &str) -> i64 {
    group.rsplit_once(':').and_then(|(_, ends)| ends.parse().ok()).unwrap_or_default()
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| strange())
}

fn numbers(pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Result<BTreeMap<String, i64>> {
    let number = |(name, number): (Vec<u8>, Vec<u8>)| Ok((text(name)?, text(number)?.parse().map_err(|_| strange())?));
    pairs.into_iter().map(number).collect()
}

fn in_use(pool: &PoolName) -> Error {
    let message = format!("pool '{pool}' is in use: its numbers changed each time that it was counted");
    Error::new(ErrorKind::Contended, message).with_help("pause the pool, or ask again when less is sent")
}
