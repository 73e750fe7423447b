//! The report's counts against those of the files.

use std::collections::{BTreeMap, BTreeSet};

use super::discrepancy::{Discrepancy, Kind};
use crate::campaign::report::Tally;
use crate::campaign::written::REPORT;
use crate::voucher::PoolName;

/// Names each count of the report that is not that of the files.
pub(super) fn compare(report: &Tally, files: &Tally, found: &mut Vec<Discrepancy>) {
    let numbers = |tally: &Tally| [tally.recipients, tally.rendered, tally.enqueue_failed, tally.suppressed];
    let names = ["recipients", "rendered", "enqueue_failed", "suppressed"];
    for (name, (told, counted)) in names.into_iter().zip(numbers(report).into_iter().zip(numbers(files))) {
        found.extend(difference(name, told, counted));
    }
    for (reason, told, counted) in pairs(&report.reasons, &files.reasons) {
        found.extend(difference(&format!("reason {reason}"), told, counted));
    }
    for (pool, told, counted) in pairs::<PoolName>(&report.vouchers, &files.vouchers) {
        found.extend(difference("vouchers", told, counted).map(|difference| difference.of_pool(pool)));
    }
}

fn difference(name: &str, told: u64, counted: u64) -> Option<Discrepancy> {
    let problem = || format!("{name}: the report says {told}, the files hold {counted}");
    (told != counted).then(|| Discrepancy::new(Kind::Count).in_file(REPORT).because(problem()))
}

fn pairs<'a, K: Ord>(
    one: &'a BTreeMap<K, u64>,
    other: &'a BTreeMap<K, u64>,
) -> impl Iterator<Item = (&'a K, u64, u64)> {
    let keys: BTreeSet<&K> = one.keys().chain(other.keys()).collect();
    let count = |counts: &BTreeMap<K, u64>, key: &K| counts.get(key).copied().unwrap_or_default();
    keys.into_iter().map(move |key| (key, count(one, key), count(other, key)))
}
