//! New codes of a pattern into a pool.

use jiff::Timestamp;

use super::{Code, ImportId, Imported, Metadata, NewVoucher, Pattern, PoolName, Stock};
use crate::error::Result;

/// How many codes are tried for one that the project does not have yet, before the pattern counts as used up. While half of
/// its codes are free, that many tries never fail: 1 in 2⁶⁴ for a single code, and less for more.
const TRIES: usize = 4;

/// So many more, which matters where few codes are wanted.
const FURTHER_TRIES: usize = 60;

/// Draws new codes into a pool.
#[derive(Debug, Clone, Copy)]
pub struct Generator<'a> {
    /// The pool.
    pub pool: &'a PoolName,
    /// What the codes look like.
    pub pattern: &'a Pattern,
    /// When they stop being valid.
    pub expires_at: Option<Timestamp>,
    /// The import as a part of which they come.
    pub import: &'a ImportId,
}

impl Generator<'_> {
    /// Adds vouchers with new codes, unique over the project, and gives the codes: `count` of them, or fewer where most of the
    /// pattern's codes are taken. They are drawn by a generator that the system seeds.
    ///
    /// # Errors
    /// Those of [`Stock::import_as`]. What was added before stays.
    pub async fn add(&self, stock: &(impl Stock + ?Sized), count: usize) -> Result<Vec<Code>> {
        let mut added = Vec::with_capacity(count);
        let mut tries = count.saturating_mul(TRIES).saturating_add(FURTHER_TRIES);
        while added.len() < count && tries > 0 {
            let vouchers = self.draw(tries.min(count - added.len()));
            let answers = stock.import_as(self.pool, self.import, &vouchers).await?;
            tries -= vouchers.len();
            let new = vouchers.into_iter().zip(answers).filter(|(_, answer)| *answer == Imported::Added);
            added.extend(new.map(|(voucher, _)| voucher.code));
        }
        Ok(added)
    }

    fn draw(&self, count: usize) -> Vec<NewVoucher> {
        let Generator { pattern, expires_at, .. } = *self;
        let mut random = rand::rng();
        let mut voucher = || NewVoucher { code: pattern.code(&mut random), expires_at, metadata: Metadata::new() };
        (0..count).map(|_| voucher()).collect()
    }
}
