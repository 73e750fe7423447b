//! Ending vouchers by hand.

use super::RedisStore;
use super::address::Hash;
use super::by_code::Bound;
use super::pool_call::Space;
use super::reply::{self, strange};
use super::script::{Call, VOID};
use crate::error::Result;
use crate::voucher::{Code, PoolName, Voided};

/// How many vouchers one call ends at most.
const PORTION: usize = 200;

impl RedisStore {
    /// `Redemptions::void`.
    pub(super) async fn void_all(&self, codes: &[Code]) -> Result<Vec<Voided>> {
        let mut results = vec![Voided::Unknown; codes.len()];
        for (pool, places) in self.by_pool(codes).await? {
            for portion in places.chunks(PORTION) {
                let meant: Vec<&Code> = portion.iter().map(|(place, _)| &codes[*place]).collect();
                let voided = self.void_in(&pool, &meant).await?;
                portion.iter().zip(voided).for_each(|((place, _), voided)| results[*place] = voided);
            }
        }
        Ok(results)
    }

    async fn void_in(&self, pool: &PoolName, codes: &[&Code]) -> Result<Vec<Voided>> {
        loop {
            let Some(bound) = self.bound_to(pool, codes).await? else { return Ok(vec![Voided::Unknown; codes.len()]) };
            let voided = self.call_pool(pool, &VOID, true, |space, call| fill(space, call, codes, &bound));
            let Some(voided) = voided.await? else { return Ok(vec![Voided::Unknown; codes.len()]) };
            let letters = reply::bytes(voided.into_iter().next().ok_or_else(strange)?)?;
            if letters.len() == codes.len() {
                return letters.into_iter().map(result).collect();
            }
        }
    }
}

/// Adds the keys and arguments of `void.lua`.
fn fill(space: &Space, call: &mut Call, codes: &[&Code], bound: &Bound) {
    call.keys.push(space.keys.names());
    for ((code, anchor), entry) in codes.iter().zip(&bound.anchors).zip(&bound.entries) {
        let hash = Hash::of_code(code);
        let assigned = entry.as_ref().filter(|entry| !entry.is_reserved);
        let customer = assigned.and_then(|entry| entry.record.customer.as_ref());
        let places =
            [space.codes_place(call, hash), space.binding_place(call, anchor), space.customer_place(call, customer)];
        places.iter().for_each(|place| call.push_number(place));
        call.push(hash.head::<8>());
        call.push(anchor.as_slice());
        call.push(code.as_str());
        call.push(customer.map(|customer| customer.as_str()).unwrap_or_default());
    }
}

fn result(letter: u8) -> Result<Voided> {
    Ok(match letter {
        b'V' => Voided::Voided,
        b'A' => Voided::AlreadyVoid,
        b'R' => Voided::Redeemed,
        _ => return Err(strange()),
    })
}
