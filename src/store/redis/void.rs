//! Ending vouchers by hand.

use std::collections::HashSet;

use super::RedisStore;
use super::address::Hash;
use super::by_code::Bound;
use super::pool_call::Space;
use super::reply::{self, strange};
use super::script::{Call, VOID};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Code, CustomerId, PoolName, Voided};

/// How many vouchers one call ends at most.
const PORTION: usize = 200;

/// How often a code is looked for that is neither somebody's nor in the stock: it goes from one to the other, or is being imported.
const ROUNDS: usize = 10;

impl RedisStore {
    /// `Redemptions::void`.
    pub(super) async fn void_all(&self, codes: &[Code]) -> Result<Vec<Voided>> {
        let mut results = vec![Voided::Unknown; codes.len()];
        for (pool, places) in self.by_pool(codes).await? {
            let mut open: Vec<usize> = places.into_iter().map(|(place, _)| place).collect();
            for _ in 0..ROUNDS {
                open = self.void_bound(&pool, codes, open, &mut results).await?;
                open = self.void_in_stock(&pool, codes, open, &mut results).await?;
                if open.is_empty() {
                    break;
                }
            }
            if !open.is_empty() {
                return Err(on_the_move(&pool));
            }
        }
        Ok(results)
    }

    /// Ends vouchers that somebody has; gives back the places of those that nobody has.
    async fn void_bound(
        &self,
        pool: &PoolName,
        codes: &[Code],
        places: Vec<usize>,
        results: &mut [Voided],
    ) -> Result<Vec<usize>> {
        let mut unbound = Vec::new();
        for portion in places.chunks(PORTION) {
            let meant: Vec<&Code> = portion.iter().map(|place| &codes[*place]).collect();
            for (place, letter) in portion.iter().zip(self.ask_to_void(pool, &meant).await?) {
                match result(letter)? {
                    Some(voided) => results[*place] = voided,
                    None => unbound.push(*place),
                }
            }
        }
        Ok(unbound)
    }

    /// A letter of `void.lua` for each code; none without such a pool.
    async fn ask_to_void(&self, pool: &PoolName, codes: &[&Code]) -> Result<Vec<u8>> {
        loop {
            let Some(bound) = self.bound_to(pool, codes).await? else { return Ok(Vec::new()) };
            let voided = self.call_pool(pool, &VOID, true, |space, call| fill(space, call, codes, &bound));
            let Some(voided) = voided.await? else { return Ok(Vec::new()) };
            let letters = reply::bytes(voided.into_iter().next().ok_or_else(strange)?)?;
            if letters.len() == codes.len() {
                return Ok(letters);
            }
        }
    }

    /// Ends vouchers that lie in the stock; gives back the places of those that do not.
    async fn void_in_stock(
        &self,
        pool: &PoolName,
        codes: &[Code],
        places: Vec<usize>,
        results: &mut [Voided],
    ) -> Result<Vec<usize>> {
        if places.is_empty() {
            return Ok(places);
        }
        let meant: HashSet<Code> = places.iter().map(|place| codes[*place].clone()).collect();
        let ended = self.void_unbound(pool, &meant).await?;
        let (ended_places, others): (Vec<usize>, Vec<usize>) =
            places.into_iter().partition(|place| ended.contains(&codes[*place]));
        let mut told = HashSet::new();
        for place in ended_places {
            results[place] = if told.insert(&codes[place]) { Voided::Voided } else { Voided::AlreadyVoid };
        }
        Ok(others)
    }
}

fn on_the_move(pool: &PoolName) -> Error {
    let message = format!("some of these codes are on their way into or out of the stock of pool '{pool}'");
    Error::new(ErrorKind::Contended, message).with_help("ask again; if an import was interrupted, repeat it first")
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
        call.push(customer.map(CustomerId::as_str).unwrap_or_default());
    }
}

/// What a letter of `void.lua` says; nothing where nobody has the voucher.
fn result(letter: u8) -> Result<Option<Voided>> {
    Ok(match letter {
        b'V' => Some(Voided::Voided),
        b'A' => Some(Voided::AlreadyVoid),
        b'R' => Some(Voided::Redeemed),
        b'N' => None,
        _ => return Err(strange()),
    })
}
