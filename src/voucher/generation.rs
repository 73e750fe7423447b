//! New codes of a pattern into a pool.

use jiff::Timestamp;

use super::{Code, Imported, Metadata, NewVoucher, Pattern, PoolName, Stock};
use crate::error::Result;

/// How many codes are tried for one that the project does not have yet, before the pattern counts as used up. While half of
/// its codes are free, that many tries never fail: 1 in 2⁶⁴ for a single code, and less for more.
const TRIES: usize = 4;

/// So many more, which matters where few codes are wanted.
const FURTHER_TRIES: usize = 60;

/// Adds vouchers with new codes of `pattern`, unique over the project, to a pool, and gives their codes: `count` of them, or
/// fewer where most of the pattern's codes are taken. They are drawn by a generator that the system seeds.
///
/// # Errors
/// Those of [`Stock::import`]. What was added before stays.
pub async fn generate(
    stock: &(impl Stock + ?Sized),
    pool: &PoolName,
    pattern: &Pattern,
    expires_at: Option<Timestamp>,
    count: usize,
) -> Result<Vec<Code>> {
    let mut added = Vec::with_capacity(count);
    let mut tries = count.saturating_mul(TRIES).saturating_add(FURTHER_TRIES);
    while added.len() < count && tries > 0 {
        let vouchers = draw(pattern, expires_at, tries.min(count - added.len()));
        let answers = stock.import(pool, &vouchers).await?;
        tries -= vouchers.len();
        let new = vouchers.into_iter().zip(answers).filter(|(_, answer)| *answer == Imported::Added);
        added.extend(new.map(|(voucher, _)| voucher.code));
    }
    Ok(added)
}

fn draw(pattern: &Pattern, expires_at: Option<Timestamp>, count: usize) -> Vec<NewVoucher> {
    let mut random = rand::rng();
    let mut voucher = || NewVoucher { code: pattern.code(&mut random), expires_at, metadata: Metadata::new() };
    (0..count).map(|_| voucher()).collect()
}
