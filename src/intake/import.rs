//! Vouchers into a pool.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver};

use super::{Options, Reading, Row, Seen, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Code, ImportId, Imported, Lookup, Metadata, NewVoucher, PoolName, PoolSettings, Stock};

/// How many vouchers are looked up at once.
const CHUNK: usize = 10_000;

/// How much memory the rows of a chunk take, in bytes, roughly: no row beyond that is added to them.
const CHUNK_BYTES: usize = 36 << 20;

/// How many rejected rows a report lists.
const REJECTED_LIMIT: usize = 1_000;

/// What became of the rows of a file. Its JSON is that of `pool import`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// The pool.
    pub pool: PoolName,
    /// What names this import, to take it back.
    pub import: ImportId,
    /// Rows under the header.
    pub read: u64,
    /// Codes that are available now.
    pub added: u64,
    /// Rows whose code stands further up in the file.
    pub duplicates_in_source: u64,
    /// Codes that the pool had before.
    pub already_in_pool: u64,
    /// Codes that another pool of the project has.
    pub in_other_pool: u64,
    /// Rows that make no voucher: the first 1,000 of them. [`ImportReport::rejected_count`] says how many there are.
    pub rejected: Vec<Rejected>,
}

/// A row that makes no voucher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// The line it begins on.
    pub line: u64,
    /// Why.
    pub reason: String,
}

impl ImportReport {
    fn new(pool: PoolName) -> ImportReport {
        ImportReport {
            pool,
            import: ImportId::generate(),
            read: 0,
            added: 0,
            duplicates_in_source: 0,
            already_in_pool: 0,
            in_other_pool: 0,
            rejected: Vec::new(),
        }
    }

    /// How many rows make no voucher, those included that are not listed.
    pub fn rejected_count(&self) -> u64 {
        self.read - self.added - self.duplicates_in_source - self.already_in_pool - self.in_other_pool
    }

    fn reject(&mut self, rejected: Rejected) {
        self.read += 1;
        if self.rejected.len() < REJECTED_LIMIT {
            self.rejected.push(rejected);
        }
    }

    /// Counts the answer to one voucher. What the store adds is no duplicate, even if its hash was seen before.
    fn count(&mut self, answer: &Imported, first_seen: bool) {
        self.read += 1;
        let count = match answer {
            Imported::Added => &mut self.added,
            _ if !first_seen => &mut self.duplicates_in_source,
            Imported::AlreadyInPool => &mut self.already_in_pool,
            Imported::InOtherPool(_) => &mut self.in_other_pool,
        };
        *count += 1;
    }
}

/// Adds the vouchers of a file to a pool, which is made if there is none. Doing it again adds nothing twice.
///
/// A file is read to its end before anything is added, so that a broken one changes nothing. Standard input can be read only
/// once: what stood before the break is in the pool, and the repaired input can be imported again. `progress` is told after
/// each call of the store.
///
/// # Errors
/// Those of [`Source::open`], [`ErrorKind::InvalidInput`] where the file is broken, and those of the store.
pub async fn import(
    stock: &dyn Stock,
    pool: &PoolName,
    source: &Source,
    options: &Options,
    progress: &mut (dyn FnMut(&ImportReport) + Send),
) -> Result<ImportReport> {
    if source.is_repeatable() {
        source.open(options)?.check()?;
    }
    let rows = source.open(options)?;
    ensure_pool(stock, pool).await?;
    let mut report = ImportReport::new(pool.clone());
    let mut seen = Seen::default();
    let mut chunks = read_ahead(Chunks::new(rows, stock.portion()));
    while let Some(Chunk { vouchers, rejected }) = chunks.recv().await.transpose()? {
        rejected.into_iter().for_each(|rejected| report.reject(rejected));
        let answers = stock.import_as(pool, &report.import, &vouchers).await?;
        for (voucher, answer) in vouchers.iter().zip(&answers) {
            report.count(answer, seen.insert(&voucher.code));
        }
        progress(&report);
    }
    Ok(report)
}

/// Reads a chunk on a thread of its own while the store takes the one before it.
fn read_ahead(mut chunks: Chunks) -> Receiver<Result<Chunk>> {
    let (sender, receiver) = mpsc::channel(1);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        // A chunk is read only when the one before it was taken, so that there are two at most.
        while let Ok(permit) = runtime.block_on(sender.reserve()) {
            let Some(chunk) = chunks.next() else { return };
            permit.send(chunk);
        }
    });
    receiver
}

pub(super) async fn ensure_pool(stock: &dyn Stock, pool: &PoolName) -> Result<()> {
    match stock.create_pool(pool, &PoolSettings::default()).await {
        Err(error) if error.kind() == ErrorKind::Refused => Ok(()),
        created => created,
    }
}

/// How many vouchers an import of this file would make available: codes that no pool of the project has, and that are valid
/// still. Nothing is added. `seen` holds the codes of imports that come before it, and then also its own.
///
/// # Errors
/// As for [`import`].
pub async fn new_codes(lookup: &dyn Lookup, source: &Source, options: &Options, seen: &mut Seen) -> Result<u64> {
    let now = Timestamp::now();
    let mut new = 0;
    for chunk in Chunks::new(source.open(options)?, CHUNK) {
        let mut vouchers = chunk?.vouchers;
        // The first row of a code counts, so one that expired hides a later one, as it does in an import.
        vouchers.retain(|voucher| seen.insert(&voucher.code) && voucher.expires_at.is_none_or(|end| end > now));
        let codes: Vec<Code> = vouchers.into_iter().map(|voucher| voucher.code).collect();
        new += lookup.pools_of(&codes).await?.iter().filter(|pool| pool.is_none()).count() as u64;
    }
    Ok(new)
}

/// Rows that are read together.
#[derive(Default)]
struct Chunk {
    vouchers: Vec<NewVoucher>,
    rejected: Vec<Rejected>,
}

/// Rows, at most `size` at a time.
struct Chunks {
    rows: Reading,
    size: usize,
    /// What comes after the rows before it.
    error: Option<Error>,
}

impl Chunks {
    fn new(rows: Reading, size: usize) -> Chunks {
        Chunks { rows, size, error: None }
    }
}

impl Iterator for Chunks {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Result<Chunk>> {
        let (mut chunk, mut bytes) = (Chunk::default(), 0);
        // Growing would take up to twice as much.
        chunk.vouchers.reserve_exact(self.size);
        while self.error.is_none() && chunk.vouchers.len() < self.size && bytes < CHUNK_BYTES {
            match self.rows.next() {
                Some(Ok(Row { content: Ok(voucher), .. })) => {
                    bytes += weight(&voucher);
                    chunk.vouchers.push(voucher);
                }
                Some(Ok(Row { content: Err(reason), line })) => {
                    bytes += size_of::<Rejected>() + reason.len();
                    chunk.rejected.push(Rejected { line, reason });
                }
                Some(Err(error)) => {
                    self.error = Some(error);
                    break;
                }
                None => break,
            }
        }
        if bytes > 0 { Some(Ok(chunk)) } else { self.error.take().map(Err) }
    }
}

/// How much memory a voucher takes, in bytes, roughly.
fn weight(voucher: &NewVoucher) -> usize {
    size_of::<NewVoucher>() + 16 + voucher.code.as_str().len() + columns_weight(&voucher.metadata)
}

fn columns_weight(columns: &Metadata) -> usize {
    const COLUMN: usize = 160;
    columns.iter().map(|(name, value)| COLUMN + name.len() + value_weight(value)).sum()
}

fn value_weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| size_of::<Value>() + value_weight(value)).sum(),
        Value::Object(values) => columns_weight(values),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::voucher::{
        Binding, CampaignId, Catalogue, Claim, CustomerId, ImportId, LimitUse, LowStock, PoolStatus, Undone,
        VoucherRecord,
    };

    /// Pools that only know which codes are in them.
    #[derive(Default)]
    struct Shelf {
        pools: Mutex<Vec<PoolName>>,
        codes: Mutex<BTreeMap<String, PoolName>>,
        chunks: Mutex<Vec<usize>>,
    }

    impl Shelf {
        fn with(pool: &str, codes: &[&str]) -> Shelf {
            let shelf = Shelf::default();
            shelf.pools.lock().unwrap().push(name(pool));
            shelf.codes.lock().unwrap().extend(codes.iter().map(|code| (code.to_string(), name(pool))));
            shelf
        }
    }

    #[async_trait]
    impl Stock for Shelf {
        async fn create_pool(&self, name: &PoolName, _: &PoolSettings) -> Result<()> {
            let mut pools = self.pools.lock().unwrap();
            if pools.contains(name) {
                return Err(Error::new(ErrorKind::Refused, "it is there"));
            }
            pools.push(name.clone());
            Ok(())
        }

        async fn import_as(&self, pool: &PoolName, _: &ImportId, vouchers: &[NewVoucher]) -> Result<Vec<Imported>> {
            assert!(self.pools.lock().unwrap().contains(pool));
            self.chunks.lock().unwrap().push(vouchers.len());
            let mut codes = self.codes.lock().unwrap();
            let mut add = |code: &str| match codes.get(code) {
                Some(other) if other == pool => Imported::AlreadyInPool,
                Some(other) => Imported::InOtherPool(other.clone()),
                None => {
                    codes.insert(code.to_owned(), pool.clone());
                    Imported::Added
                }
            };
            Ok(vouchers.iter().map(|voucher| add(voucher.code.as_str())).collect())
        }

        async fn set_pool(&self, _: &PoolName, _: &PoolSettings) -> Result<()> {
            unreachable!("an import leaves settings alone")
        }

        async fn delete_pool(&self, _: &PoolName, _: bool) -> Result<()> {
            unreachable!("an import deletes nothing")
        }

        async fn undo_import(&self, _: &PoolName, _: &ImportId) -> Result<Undone> {
            unreachable!("an import undoes nothing")
        }

        async fn low_stock(&self, _: &[PoolName]) -> Result<Vec<LowStock>> {
            unreachable!("an import makes nothing scarce")
        }
    }

    #[async_trait]
    impl Lookup for Shelf {
        async fn pools_of(&self, codes: &[Code]) -> Result<Vec<Option<PoolName>>> {
            let known = self.codes.lock().unwrap();
            Ok(codes.iter().map(|code| known.get(code.as_str()).cloned()).collect())
        }

        async fn bindings(&self, _: &[Claim]) -> Result<Vec<Option<Binding>>> {
            unreachable!("only codes are looked up")
        }

        async fn voucher(&self, _: &Code) -> Result<Option<VoucherRecord>> {
            unreachable!("codes are looked up in batches")
        }

        async fn customers(&self, _: &[CustomerId]) -> Result<Vec<Vec<VoucherRecord>>> {
            unreachable!("only codes are looked up")
        }

        async fn vouchers(&self, _: &PoolName, _: Option<&Code>, _: usize) -> Result<Vec<VoucherRecord>> {
            unreachable!("only codes are looked up")
        }

        async fn pools(&self) -> Result<Vec<PoolStatus>> {
            unreachable!("only codes are looked up")
        }

        async fn pool(&self, _: &PoolName) -> Result<Option<PoolStatus>> {
            unreachable!("only codes are looked up")
        }

        async fn limit_use(&self, _: &PoolName, _: Option<&CampaignId>, _: &[CustomerId]) -> Result<Option<LimitUse>> {
            unreachable!("only codes are looked up")
        }

        async fn catalogue(&self) -> Result<Catalogue> {
            unreachable!("only codes are looked up")
        }
    }

    fn name(pool: &str) -> PoolName {
        PoolName::new(pool).unwrap()
    }

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Folder {
            Folder(tempfile::tempdir().unwrap())
        }

        fn file(&self, text: &str) -> Source {
            let path: PathBuf = self.0.path().join("codes.csv");
            std::fs::write(&path, text).unwrap();
            Source::of_file(&path).unwrap()
        }
    }

    async fn import_into(shelf: &Shelf, input: &Source) -> Result<ImportReport> {
        import(shelf, &name("spring"), input, &Options::default(), &mut |_| ()).await
    }

    #[tokio::test]
    async fn every_row_is_counted_once() {
        let folder = Folder::new();
        let shelf = Shelf::with("summer", &["S1"]);
        let input = folder.file("code\nA\nB\nA\nS1\nS1\n\"\"\n\u{200b}\nC\n");
        let report = import_into(&shelf, &input).await.unwrap();
        assert_eq!(
            serde_json::to_value(&report).unwrap(),
            serde_json::json!({
                "pool": "spring", "import": report.import, "read": 8, "added": 3, "duplicates_in_source": 2, "already_in_pool": 0,
                "in_other_pool": 1, "rejected": [
                    {"line": 7, "reason": "the code is empty"},
                    {"line": 8, "reason": "the code holds a control or invisible character"},
                ]
            })
        );
        let again = import_into(&shelf, &input).await.unwrap();
        assert_eq!((again.added, again.already_in_pool, again.duplicates_in_source), (0, 3, 2));
        assert_eq!(again.rejected_count(), 2);
    }

    #[tokio::test]
    async fn goes_in_chunks_and_tells_progress() {
        let folder = Folder::new();
        let rows: String = (0..25_000).map(|number| format!("C{number}\n\"\"\n")).collect();
        let shelf = Shelf::default();
        let mut told = Vec::new();
        let report = import(
            &shelf,
            &name("spring"),
            &folder.file(&format!("code\n{rows}")),
            &Options::default(),
            &mut |report| told.push(report.added),
        )
        .await
        .unwrap();
        assert_eq!(*shelf.chunks.lock().unwrap(), [10_000, 10_000, 5_000]);
        assert_eq!(told, [10_000, 20_000, 25_000]);
        assert_eq!((report.rejected.len(), report.rejected_count()), (1_000, 25_000));
    }

    #[tokio::test]
    async fn a_broken_file_changes_nothing() {
        let folder = Folder::new();
        let rows: String = (0..1_500).map(|number| format!("C{number}\n")).collect();
        for text in ["", "no header\n", &format!("code\n{rows}\"open\n")] {
            let shelf = Shelf::default();
            let error = import_into(&shelf, &folder.file(text)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(shelf.pools.lock().unwrap().is_empty() && shelf.codes.lock().unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn a_header_alone_makes_the_pool() {
        let shelf = Shelf::default();
        let folder = Folder::new();
        assert_eq!(import_into(&shelf, &folder.file("code\n")).await.unwrap().read, 0);
        assert_eq!(*shelf.pools.lock().unwrap(), [name("spring")]);
    }

    #[tokio::test]
    async fn new_codes_are_those_an_import_would_make_available() {
        let folder = Folder::new();
        let shelf = Shelf::with("summer", &["S1"]);
        let text = "code,expires_at\nA,\nA,\nS1,\nOLD,2020-01-01\nNEW,2999-01-01\n\u{200b},\n";
        let new = new_codes(&shelf, &folder.file(text), &Options::default(), &mut Seen::default()).await.unwrap();
        assert_eq!(new, 2);
    }
}
