//! Codes into a store that checks that each is unique, and into what a program without Tearoff keeps.

use super::record::{Record, rate};
use super::stage::{Kind, Stage, import};
use super::workload::{pipelines, portions};
use super::{Extent, announce};
use crate::cli::output::Output;
use crate::error::Result;
use crate::store::NaiveRedis;
use crate::voucher::Store;

/// Measures both on servers of their own, first while they are empty, then while they have many codes.
pub(super) async fn measure(stage: &Stage, extent: Extent, output: &Output, record: &mut Record) -> Result<()> {
    let (ours, theirs) = (stage.server().await?, stage.server().await?);
    let (emptied, naive) = (ours.plain("all").await?, theirs.plain("naive").await?);
    for run in 0..extent.runs {
        announce(output, "import", run, extent);
        emptied.remove_everything().await?;
        naive.remove_everything().await?;
        let store = stage.empty_store(Kind::Redis, &ours).await?;
        let names = ["import.per_second", "import.naive_per_second"];
        measure_both(record, names, &*store, &naive, 0..extent.portion()).await?;
    }
    emptied.remove_everything().await?;
    naive.remove_everything().await?;
    output.remark("import: filling both");
    let store = stage.store(Kind::Redis, &ours, extent.codes).await?;
    import_naively(&naive, pipelines(0..extent.codes)).await?;
    for run in 0..extent.runs {
        announce(output, "import into a full store", run, extent);
        let first = extent.codes + run * extent.portion();
        let names = ["import.at_4m_per_second", "import.naive_at_4m_per_second"];
        measure_both(record, names, &*store, &naive, first..first + extent.portion()).await?;
    }
    Ok(())
}

async fn measure_both(
    record: &mut Record,
    names: [&str; 2],
    store: &dyn Store,
    naive: &NaiveRedis,
    numbers: std::ops::Range<usize>,
) -> Result<()> {
    let (vouchers, codes) = (
        portions(numbers.clone(), store.portion()).collect::<Vec<_>>(),
        pipelines(numbers.clone()).collect::<Vec<_>>(),
    );
    record.add(names[0], rate(numbers.len(), import(store, vouchers.into_iter())).await?);
    record.add(names[1], rate(numbers.len(), import_naively(naive, codes.into_iter())).await?);
    Ok(())
}

/// Imports codes pipeline by pipeline.
pub(super) async fn import_naively(redis: &NaiveRedis, pipelines: impl Iterator<Item = Vec<String>>) -> Result<()> {
    for codes in pipelines {
        redis.import(&codes).await?;
    }
    Ok(())
}
