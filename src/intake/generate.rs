//! Random codes into a pool.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::import::ensure_pool;
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Code, Generator, ImportId, Pattern, PoolName, Stock};

/// Which codes are wanted.
#[derive(Debug, Clone)]
pub struct Generation {
    /// How many.
    pub count: u64,
    /// What they look like.
    pub pattern: Pattern,
    /// When they stop being valid.
    pub expires_at: Option<Timestamp>,
}

/// What was generated. Its JSON is that of `pool generate`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GenerationReport {
    /// The pool.
    pub pool: PoolName,
    /// The import as a part of which they came, by which they can be taken back.
    pub import: ImportId,
    /// Codes that are available now.
    pub generated: u64,
    /// What they look like.
    #[serde(serialize_with = "as_text")]
    pub pattern: Pattern,
    /// How many codes the pattern has, in bits.
    pub possibilities_bits: f64,
}

fn as_text<S: Serializer>(pattern: &Pattern, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(pattern)
}

impl Generation {
    /// Whether the pattern has enough codes: at least two for each that is wanted. Beyond that, ever more tries would hit a
    /// code that is there already, and every second guess a valid one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it has not; the help says how many random characters it needs.
    pub fn check(&self) -> Result<()> {
        let least = u128::from(self.count) * 2;
        match self.pattern.possibilities() {
            Some(possible) if possible < least => {
                let size = self.pattern.charset().size() as u128;
                let length = (1..).find(|length| size.checked_pow(*length).is_none_or(|possible| possible >= least));
                let message = format!(
                    "the pattern '{}' has {possible} codes, too few for {}: at most half of them can be used",
                    self.pattern, self.count
                );
                let help = format!("write at least {} '#', or use more characters", length.unwrap_or_default());
                Err(Error::new(ErrorKind::InvalidInput, message).with_help(help))
            }
            _ => Ok(()),
        }
    }
}

/// Adds so many random codes, unique over the project, to a pool, which is made if there is none. Doing it again adds as many
/// more. `told` hears after each portion how many there are so far, and which codes the portion added.
///
/// If the program dies, what was added before is in the pool, whole codes only.
///
/// # Errors
/// Those of [`Generation::check`], before anything is changed; [`ErrorKind::Refused`] where most codes of the pattern are
/// taken already; those of the store and of `told`.
pub async fn generate(
    stock: &dyn Stock,
    pool: &PoolName,
    wanted: &Generation,
    told: &mut (dyn FnMut(u64, &[Code]) -> Result<()> + Send),
) -> Result<GenerationReport> {
    wanted.check()?;
    ensure_pool(stock, pool).await?;
    let Generation { count, pattern, expires_at } = wanted;
    let import = ImportId::generate();
    let generator = Generator { pool, pattern, expires_at: *expires_at, import: &import };
    let mut generated = 0;
    while generated < *count {
        let portion = usize::try_from(count - generated).map_or(stock.portion(), |left| left.min(stock.portion()));
        let codes = generator.add(stock, portion).await?;
        generated += codes.len() as u64;
        told(generated, &codes)?;
        if codes.len() < portion {
            return Err(used_up(pool, wanted, generated));
        }
    }
    let possibilities_bits = (pattern.bits() * 100.0).round() / 100.0;
    Ok(GenerationReport { pool: pool.clone(), import, generated, pattern: pattern.clone(), possibilities_bits })
}

fn used_up(pool: &PoolName, Generation { count, pattern, .. }: &Generation, generated: u64) -> Error {
    let message = format!(
        "pool '{pool}' got {generated} of {count} codes: the project has most codes of the pattern '{pattern}' already"
    );
    Error::new(ErrorKind::Refused, message).with_help("use a longer pattern, or another fixed part")
}
