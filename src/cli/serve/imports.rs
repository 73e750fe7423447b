//! The imports that repeat, run while the service does.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::super::import_due::records;
use crate::error::Result;
use crate::intake::{ImportRecords, ImportRun, ScheduledImport, run_due};
use crate::voucher::Store;

/// How often somebody looks whether an import is due: a schedule is by the minute.
const BETWEEN: Duration = Duration::from_secs(60);

/// Runs what is due until it is dropped. An import that is cut short is due again.
pub(super) struct Imports {
    /// How many there are.
    pub(super) count: usize,
    task: Option<JoinHandle<()>>,
}

impl Imports {
    /// Begins, if there are any.
    pub(super) fn start(store: Arc<dyn Store>, imports: &[ScheduledImport]) -> Result<Imports> {
        let records = records()?;
        let count = imports.len();
        let task = (count > 0).then(|| tokio::spawn(run(store, imports.to_vec(), records)));
        Ok(Imports { count, task })
    }
}

impl Drop for Imports {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn run(store: Arc<dyn Store>, imports: Vec<ScheduledImport>, mut records: ImportRecords) {
    let mut clock = interval(BETWEEN);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        // Another program may have run some meanwhile; where nobody can say, what was known has to do.
        match self::records() {
            Ok(read) => records = read,
            Err(error) => tracing::warn!("{error}"),
        }
        match run_due(&*store, &imports, &mut records, Timestamp::now(), &mut |_, _| {}).await {
            Ok(runs) => runs.iter().for_each(tell),
            Err(error) => tracing::error!(kind = error.kind().code(), "{error}"),
        }
    }
}

fn tell(run: &ImportRun) {
    let (import, pool) = (run.name.as_str(), run.pool.as_str());
    match (&run.report, &run.error) {
        (_, Some(error)) => tracing::warn!(import, pool, "an import failed: {error}"),
        (Some(report), None) => {
            tracing::info!(import, pool, added = report.added, rejected = report.rejected, "imported");
        }
        (None, None) => {}
    }
}
