//! What the imports that repeat did.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::whole_file::write_whole;
use super::{ImportReport, ScheduledImport};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::PoolName;

/// How many runs of each import are kept.
const KEPT: usize = 20;

/// What one run of an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImportRun {
    /// What the import is called.
    pub name: String,
    /// The pool.
    pub pool: PoolName,
    /// The source, without what is secret in it.
    pub source: String,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What became of the rows; `None` where it failed.
    pub report: Option<Counts>,
    /// Why it failed.
    pub error: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// What kind of failure it was.
    #[serde(skip)]
    pub kind: Option<ErrorKind>,
}

/// What became of the rows of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "they are those of an import's report")]
pub struct Counts {
    pub read: u64,
    pub added: u64,
    pub duplicates_in_source: u64,
    pub already_in_pool: u64,
    pub in_other_pool: u64,
    pub rejected: u64,
}

impl From<&ImportReport> for Counts {
    fn from(report: &ImportReport) -> Counts {
        Counts {
            read: report.read,
            added: report.added,
            duplicates_in_source: report.duplicates_in_source,
            already_in_pool: report.already_in_pool,
            in_other_pool: report.in_other_pool,
            rejected: report.rejected_count(),
        }
    }
}

impl ImportRun {
    pub(super) fn new(import: &ScheduledImport, began: Timestamp, result: &Result<ImportReport>) -> ImportRun {
        let error = result.as_ref().err();
        ImportRun {
            name: import.name.clone(),
            pool: import.pool.clone(),
            source: import.source.to_string(),
            began,
            ended: Timestamp::now(),
            report: result.as_ref().ok().map(Counts::from),
            error: error.map(ToString::to_string),
            help: error.and_then(Error::help).map(str::to_owned),
            kind: error.map(Error::kind),
        }
    }

    /// Whether it failed.
    pub fn failed(&self) -> bool {
        self.error.is_some()
    }
}

/// The file that says what the imports did, the last 20 times each. It is of one machine: others that run the same imports
/// have records of their own, and what they import twice does no harm.
#[derive(Debug)]
pub struct ImportRecords {
    path: PathBuf,
    imports: Runs,
}

/// The runs of each import, the latest last.
type Runs = BTreeMap<String, Vec<ImportRun>>;

impl ImportRecords {
    /// Reads the file; without one, nothing ran yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it cannot be read, or is another file.
    pub fn read(path: &Path) -> Result<ImportRecords> {
        Ok(ImportRecords { path: path.to_owned(), imports: read(path)? })
    }

    /// What an import did last.
    pub fn last(&self, import: &ScheduledImport) -> Option<&ImportRun> {
        self.imports.get(&import.name)?.last()
    }

    /// When an import is due: at once where it never ran, failed last, or ran in the future, which is what a clock that was set
    /// back looks like.
    pub fn due(&self, import: &ScheduledImport, now: Timestamp) -> Option<Timestamp> {
        match self.last(import) {
            Some(last) if !last.failed() && last.began <= now => import.schedule.after(last.began, &import.zone),
            _ => Some(now),
        }
    }

    /// Whether an import is due.
    pub fn is_due(&self, import: &ScheduledImport, now: Timestamp) -> bool {
        self.due(import, now).is_some_and(|due| due <= now)
    }

    /// Adds what an import did, and writes the file so that a crash leaves either the old or the new one, whole.
    pub(super) fn add(&mut self, run: ImportRun) -> Result<()> {
        // Another process may have written meanwhile.
        self.imports = read(&self.path)?;
        let runs = self.imports.entry(run.name.clone()).or_default();
        runs.push(run);
        runs.drain(..runs.len().saturating_sub(KEPT));
        let write = || write_whole(&self.path, serde_json::to_string_pretty(&self.imports)?.as_bytes());
        write().map_err(|error: std::io::Error| {
            Error::new(ErrorKind::Io, format!("cannot write {}: {error}", self.path.display()))
                .with_help("check the permissions of the file and its folder")
                .with_source(error)
        })
    }
}

fn read(path: &Path) -> Result<Runs> {
    let wrong = |problem: String| {
        Error::new(ErrorKind::InvalidInput, format!("{}: {problem}", path.display()))
            .with_help("remove the file; every import is due then, and importing again does no harm")
    };
    match std::fs::read_to_string(path) {
        Ok(text) => {
            serde_json::from_str(&text).map_err(|error| wrong(format!("this is no record of imports: {error}")))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Runs::new()),
        Err(error) => Err(wrong(format!("cannot be read: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(cron: &str) -> ScheduledImport {
        toml::from_str(&format!("source = 'a.csv'\npool = 'spring'\ncron = '{cron}'")).unwrap()
    }

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Records where an import of this kind ran last, and how.
    fn records(began: &str, error: Option<&str>) -> (tempfile::TempDir, ImportRecords) {
        let folder = tempfile::tempdir().unwrap();
        let mut records = ImportRecords::read(&folder.path().join("records.json")).unwrap();
        let result = Err(Error::new(ErrorKind::Io, "no"));
        let mut run = ImportRun::new(&import("0 6 * * *"), moment(began), &result);
        run.error = error.map(str::to_owned);
        records.add(run).unwrap();
        (folder, records)
    }

    #[test]
    fn is_due_since_its_last_run() {
        let (_folder, records) = records("2027-06-30T06:00:05Z", None);
        let import = import("0 6 * * *");
        assert!(!records.is_due(&import, moment("2027-07-01T05:59:59Z")));
        assert!(records.is_due(&import, moment("2027-07-01T06:00:00Z")));
        assert_eq!(records.due(&import, moment("2027-07-01T05:00:00Z")), Some(moment("2027-07-01T06:00:00Z")));
    }

    #[test]
    fn is_due_at_once_where_it_never_ran_or_failed_or_the_clock_was_set_back() {
        let now = moment("2027-06-30T07:00:00Z");
        let never = ImportRecords { path: "none".into(), imports: Runs::new() };
        assert!(never.is_due(&import("0 6 * * *"), now));
        assert!(records("2027-06-30T06:59:00Z", Some("no")).1.is_due(&import("0 6 * * *"), now));
        assert!(records("2037-06-30T06:59:00Z", None).1.is_due(&import("0 6 * * *"), now));
        assert!(!records("2027-06-30T06:59:00Z", None).1.is_due(&import("0 6 * * *"), now));
    }

    #[test]
    fn keeps_the_last_runs_of_both_processes() {
        let (folder, mut records) = records("2027-06-30T06:00:05Z", None);
        let path = folder.path().join("records.json");
        let mut other = ImportRecords::read(&path).unwrap();
        let run = records.last(&import("0 6 * * *")).unwrap().clone();
        other.add(ImportRun { name: "other".to_owned(), ..run.clone() }).unwrap();
        for _ in 0..30 {
            records.add(run.clone()).unwrap();
        }
        let read = ImportRecords::read(&path).unwrap();
        assert_eq!(
            read.imports.iter().map(|(name, runs)| (name.as_str(), runs.len())).collect::<Vec<_>>(),
            [("other", 1), ("spring", KEPT)]
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        std::fs::write(&path, "{").unwrap();
        assert!(ImportRecords::read(&path).unwrap_err().help().unwrap().contains("remove the file"));
    }
}
