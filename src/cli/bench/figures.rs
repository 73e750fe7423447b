//! Every figure that is told: its place in the JSON, what it says, and the limit that it is held against.

use super::record::{Record, Samples};

/// A figure.
#[derive(Debug)]
pub(super) struct Figure {
    /// Its place in the JSON, names apart by dots.
    pub(super) path: &'static str,
    /// What it says, for people.
    pub(super) what: &'static str,
    pub(super) unit: Unit,
    pub(super) limit: Option<Limit>,
    origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Ratio,
    PerSecond,
    Microseconds,
    Bytes,
}

/// What a figure is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

#[derive(Debug)]
enum Origin {
    Measured,
    /// One figure over another, within each run.
    Ratio(&'static str, &'static str),
}

impl Figure {
    const fn measured(path: &'static str, what: &'static str, unit: Unit) -> Figure {
        Figure { path, what, unit, limit: None, origin: Origin::Measured }
    }

    const fn ratio(path: &'static str, what: &'static str, of: &'static str, to: &'static str) -> Figure {
        Figure { path, what, unit: Unit::Ratio, limit: None, origin: Origin::Ratio(of, to) }
    }

    const fn at_least(self, limit: f64) -> Figure {
        Figure { limit: Some(Limit::AtLeast(limit)), ..self }
    }

    const fn at_most(self, limit: f64) -> Figure {
        Figure { limit: Some(Limit::AtMost(limit)), ..self }
    }

    /// Its value in each run, if it was measured.
    pub(super) fn samples(&self, record: &Record) -> Option<Samples> {
        match self.origin {
            Origin::Measured => record.get(self.path).cloned(),
            Origin::Ratio(of, to) => Some(record.get(of)?.over(record.get(to)?)),
        }
    }
}

impl Limit {
    pub(super) fn is_met(self, value: f64) -> bool {
        match self {
            Limit::AtLeast(limit) => value >= limit,
            Limit::AtMost(limit) => value <= limit,
        }
    }
}

/// All figures: ratios first, then what they are made of.
pub(super) const FIGURES: [Figure; 67] = [
    Figure::ratio(
        "email.redis.of_pure",
        "e-mail campaign on Redis / pure render",
        "email.redis.per_second",
        "email.pure_per_second",
    )
    .at_least(0.85),
    Figure::ratio(
        "email.sqlite.of_pure",
        "e-mail campaign on SQLite / pure render",
        "email.sqlite.per_second",
        "email.pure_per_second",
    )
    .at_least(0.80),
    Figure::ratio(
        "email.files.redis.of_without_claims",
        "e-mail files, Redis / without claims",
        "email.files.redis.per_second",
        "email.files.without_claims_per_second",
    )
    .at_least(0.90),
    Figure::ratio(
        "email.files.sqlite.of_without_claims",
        "e-mail files, SQLite / without claims",
        "email.files.sqlite.per_second",
        "email.files.without_claims_per_second",
    ),
    Figure::ratio(
        "email.files.redis.of_one_thread",
        "e-mail files, Redis, all threads / one",
        "email.files.redis.all_threads_per_second",
        "email.files.redis.per_second",
    ),
    Figure::ratio(
        "email.redis.of_naive",
        "e-mail campaign on Redis / naive loop",
        "email.redis.per_second",
        "email.naive_per_second",
    )
    .at_least(8.0),
    Figure::ratio(
        "email.redis.of_tasks256",
        "e-mail campaign on Redis / 256 tasks",
        "email.redis.per_second",
        "email.tasks256_per_second",
    )
    .at_least(1.4),
    Figure::ratio(
        "sms.redis.of_pure",
        "SMS campaign on Redis / pure render",
        "sms.redis.per_second",
        "sms.pure_per_second",
    )
    .at_least(0.12),
    Figure::ratio(
        "sms.sqlite.of_pure",
        "SMS campaign on SQLite / pure render",
        "sms.sqlite.per_second",
        "sms.pure_per_second",
    ),
    Figure::ratio(
        "sms.files.redis.of_without_claims",
        "SMS files, Redis / without claims",
        "sms.files.redis.per_second",
        "sms.files.without_claims_per_second",
    ),
    Figure::ratio(
        "sms.files.sqlite.of_without_claims",
        "SMS files, SQLite / without claims",
        "sms.files.sqlite.per_second",
        "sms.files.without_claims_per_second",
    ),
    Figure::ratio(
        "sms.files.redis.of_one_thread",
        "SMS files, Redis, all threads / one",
        "sms.files.redis.all_threads_per_second",
        "sms.files.redis.per_second",
    ),
    Figure::ratio(
        "sms.redis.of_naive",
        "SMS campaign on Redis / naive loop",
        "sms.redis.per_second",
        "sms.naive_per_second",
    )
    .at_least(30.0),
    Figure::ratio(
        "sms.redis.of_tasks256",
        "SMS campaign on Redis / 256 tasks",
        "sms.redis.per_second",
        "sms.tasks256_per_second",
    ),
    Figure::ratio(
        "claims.redis.of_one_message",
        "Redis CPU of a claim / of a script call for one",
        "claims.redis.server_us",
        "claims.redis.one_message_server_us",
    )
    .at_most(0.7),
    Figure::ratio(
        "claims.redis.single_of_one_message",
        "the same, claims one by one",
        "claims.redis.single_server_us",
        "claims.redis.one_message_server_us",
    ),
    Figure::ratio(
        "email.isolated_of_pure",
        "e-mail render in a child process / pure render",
        "email.isolated_per_second",
        "email.pure_per_second",
    )
    .at_least(0.5),
    Figure::ratio(
        "sms.isolated_of_pure",
        "SMS render in a child process / pure render",
        "sms.isolated_per_second",
        "sms.pure_per_second",
    ),
    Figure::ratio("import.of_naive", "import / naive import, empty", "import.per_second", "import.naive_per_second")
        .at_least(3.0),
    Figure::ratio(
        "import.at_4m_of_naive",
        "import / naive import, full",
        "import.at_4m_per_second",
        "import.naive_at_4m_per_second",
    )
    .at_least(2.0),
    Figure::measured("email.pure_per_second", "e-mail, pure render", Unit::PerSecond),
    Figure::measured("email.isolated_per_second", "e-mail, render in a child process", Unit::PerSecond),
    Figure::measured("email.redis.per_second", "e-mail campaign on Redis", Unit::PerSecond),
    Figure::measured("email.sqlite.per_second", "e-mail campaign on SQLite", Unit::PerSecond),
    Figure::measured("email.files.without_claims_per_second", "e-mail files without claims", Unit::PerSecond),
    Figure::measured("email.files.redis.per_second", "e-mail files, Redis", Unit::PerSecond),
    Figure::measured("email.files.sqlite.per_second", "e-mail files, SQLite", Unit::PerSecond),
    Figure::measured("email.files.redis.all_threads_per_second", "e-mail files, Redis, all threads", Unit::PerSecond),
    Figure::measured("email.naive_per_second", "e-mail, naive loop", Unit::PerSecond),
    Figure::measured("email.tasks256_per_second", "e-mail, 256 tasks of it", Unit::PerSecond),
    Figure::measured("sms.pure_per_second", "SMS, pure render", Unit::PerSecond),
    Figure::measured("sms.isolated_per_second", "SMS, render in a child process", Unit::PerSecond),
    Figure::measured("sms.redis.per_second", "SMS campaign on Redis", Unit::PerSecond),
    Figure::measured("sms.sqlite.per_second", "SMS campaign on SQLite", Unit::PerSecond),
    Figure::measured("sms.files.without_claims_per_second", "SMS files without claims", Unit::PerSecond),
    Figure::measured("sms.files.redis.per_second", "SMS files, Redis", Unit::PerSecond),
    Figure::measured("sms.files.sqlite.per_second", "SMS files, SQLite", Unit::PerSecond),
    Figure::measured("sms.files.redis.all_threads_per_second", "SMS files, Redis, all threads", Unit::PerSecond),
    Figure::measured("sms.naive_per_second", "SMS, naive loop", Unit::PerSecond),
    Figure::measured("sms.tasks256_per_second", "SMS, 256 tasks of it", Unit::PerSecond),
    Figure::measured("claims.redis.per_second", "claims on Redis", Unit::PerSecond),
    Figure::measured("claims.redis.server_us", "Redis CPU of a claim", Unit::Microseconds),
    Figure::measured("claims.redis.one_message_per_second", "script calls for one message", Unit::PerSecond),
    Figure::measured("claims.redis.one_message_server_us", "Redis CPU of such a call", Unit::Microseconds),
    Figure::measured("claims.redis.single_per_second", "claims on Redis one by one", Unit::PerSecond),
    Figure::measured("claims.redis.single_server_us", "Redis CPU of such a claim", Unit::Microseconds),
    Figure::measured("claims.sqlite.per_second", "claims on SQLite", Unit::PerSecond).at_least(100_000.0),
    Figure::measured("import.per_second", "import, empty", Unit::PerSecond),
    Figure::measured("import.naive_per_second", "naive import, empty", Unit::PerSecond),
    Figure::measured("import.at_4m_per_second", "import, full", Unit::PerSecond),
    Figure::measured("import.naive_at_4m_per_second", "naive import, full", Unit::PerSecond),
    Figure::measured("memory.available_bytes", "an available code", Unit::Bytes).at_most(35.0),
    Figure::measured("memory.assigned_bytes", "an assigned code", Unit::Bytes).at_most(100.0),
    Figure::measured("memory.naive_available_bytes", "an available code, naive", Unit::Bytes),
    Figure::measured("memory.naive_assigned_bytes", "an assigned code, naive", Unit::Bytes),
    Figure::measured("display.redis.one_at_a_time.per_second", "layers on Redis, one at a time", Unit::PerSecond),
    Figure::measured("display.redis.one_at_a_time.p50_us", "half of them within", Unit::Microseconds),
    Figure::measured("display.redis.one_at_a_time.p99_us", "99 of 100 within", Unit::Microseconds),
    Figure::measured("display.redis.concurrent64.per_second", "layers on Redis, 64 at a time", Unit::PerSecond),
    Figure::measured("display.redis.concurrent64.p50_us", "half of them within", Unit::Microseconds),
    Figure::measured("display.redis.concurrent64.p99_us", "99 of 100 within", Unit::Microseconds),
    Figure::measured("display.sqlite.one_at_a_time.per_second", "layers on SQLite, one at a time", Unit::PerSecond),
    Figure::measured("display.sqlite.one_at_a_time.p50_us", "half of them within", Unit::Microseconds),
    Figure::measured("display.sqlite.one_at_a_time.p99_us", "99 of 100 within", Unit::Microseconds),
    Figure::measured("display.sqlite.concurrent64.per_second", "layers on SQLite, 64 at a time", Unit::PerSecond),
    Figure::measured("display.sqlite.concurrent64.p50_us", "half of them within", Unit::Microseconds),
    Figure::measured("display.sqlite.concurrent64.p99_us", "99 of 100 within", Unit::Microseconds),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_figure_has_a_place_and_ratios_are_of_what_is_measured() {
        let paths: BTreeSet<&str> = FIGURES.iter().map(|figure| figure.path).collect();
        assert_eq!(paths.len(), FIGURES.len());
        for figure in &FIGURES {
            if let Origin::Ratio(of, to) = figure.origin {
                assert!(paths.contains(of) && paths.contains(to), "{}", figure.path);
            }
        }
    }

    #[test]
    fn a_limit_holds_from_its_own_value_on() {
        assert!(Limit::AtLeast(0.85).is_met(0.85) && !Limit::AtLeast(0.85).is_met(0.84));
        assert!(Limit::AtMost(0.7).is_met(0.7) && !Limit::AtMost(0.7).is_met(0.71));
    }
}
