//! What customers have for good: see the aliases of `record.rs`.

use super::RedisStore;
use super::address::{Field, Hash};
use super::reply::{self, strange};
use super::script::MAKE_CURRENT;
use crate::error::Result;
use crate::voucher::{Code, CustomerId, PoolName};

/// How many vouchers one call makes current at most.
const PORTION: usize = 200;

impl RedisStore {
    /// `Assignments::make_current`.
    pub(super) async fn make_all_current(&self, pool: &PoolName, holders: &[(CustomerId, Code)]) -> Result<()> {
        for portion in holders.chunks(PORTION) {
            let mut open: Vec<_> = portion.iter().collect();
            while !open.is_empty() {
                open = self.make_some_current(pool, open).await?;
            }
        }
        Ok(())
    }

    /// Gives those back whose bindings have moved meanwhile.
    async fn make_some_current<'a>(
        &self,
        pool: &PoolName,
        holders: Vec<&'a (CustomerId, Code)>,
    ) -> Result<Vec<&'a (CustomerId, Code)>> {
        let codes: Vec<&Code> = holders.iter().map(|(_, code)| code).collect();
        let Some(anchors) = self.anchors(pool, &codes).await? else { return Ok(Vec::new()) };
        let anchored = |(holder, anchor): (_, Vec<u8>)| Some((holder, <[u8; 4]>::try_from(anchor).ok()?));
        let bound: Vec<(&(CustomerId, Code), [u8; 4])> =
            holders.into_iter().zip(anchors).filter_map(anchored).collect();
        let answer = self.call_pool(pool, &MAKE_CURRENT, true, |space, call| {
            for ((customer, code), anchor) in &bound {
                let (hash, own) = (Hash::of_code(code), Field::of_customer(customer));
                let places = [
                    space.keys_place(call, own.anchor()),
                    space.keys_place(call, *anchor),
                    space.codes_place(call, hash),
                ];
                places.iter().for_each(|place| call.push_number(place));
                call.push(hash.head::<8>());
                call.push(*anchor);
                call.push(own.0);
                call.push(code.as_str());
                call.push(customer.as_str());
            }
        });
        let Some(answer) = answer.await? else { return Ok(Vec::new()) };
        let letters = reply::bytes(answer.into_iter().next().ok_or_else(strange)?)?;
        let moved = bound.into_iter().zip(letters).filter(|(_, letter)| *letter == b'0');
        Ok(moved.map(|((holder, _), _)| holder).collect())
    }
}
