//! What is bound to codes. Where a binding lies is known only when the buckets of codes have said it, so this takes two questions.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::address::Hash;
use super::lookup::Entry;
use super::script::{ANCHORS, RECORDS};
use super::vouchers::View;
use super::{RedisStore, reply};
use crate::error::Result;
use crate::voucher::{Code, PoolName};

/// The codes of each pool: their places among those that were asked for, and when they end by themselves.
pub(super) type ByPool = BTreeMap<PoolName, Vec<(usize, Option<Timestamp>)>>;

/// What is bound to codes at one moment.
pub(super) struct Bound {
    pub(super) view: View,
    /// The start of the fields among which the binding of each code is; nothing where it was never assigned.
    pub(super) anchors: Vec<Vec<u8>>,
    pub(super) entries: Vec<Option<Entry>>,
}

impl RedisStore {
    /// Sorts codes by the pools that they are in; those that the project does not have are left out.
    pub(super) async fn by_pool(&self, codes: &[Code]) -> Result<ByPool> {
        let mut pools = ByPool::new();
        for (place, origin) in self.origins_of(codes).await?.into_iter().enumerate() {
            if let Some(origin) = origin {
                pools.entry(origin.pool).or_default().push((place, origin.expires_at));
            }
        }
        Ok(pools)
    }

    /// Where the bindings of codes are; `None` without such a pool.
    pub(super) async fn anchors(&self, pool: &PoolName, codes: &[&Code]) -> Result<Option<Vec<Vec<u8>>>> {
        let fields: Vec<_> = codes.iter().map(|code| (Hash::of_code(code), Hash::of_code(code).head::<8>())).collect();
        self.look_up(pool, &fields).await
    }

    /// What stands under fields in the buckets of codes; `None` without such a pool.
    pub(super) async fn look_up<const N: usize>(
        &self,
        pool: &PoolName,
        fields: &[(Hash, [u8; N])],
    ) -> Result<Option<Vec<Vec<u8>>>> {
        let found = self.call_pool(pool, &ANCHORS, false, |space, call| {
            for (code, field) in fields {
                let place = space.codes_place(call, *code);
                call.push_number(place);
                call.push(*field);
            }
        });
        found.await?.map(|found| found.into_iter().map(reply::bytes).collect()).transpose()
    }

    /// What is bound to codes of a pool; `None` without such a pool.
    pub(super) async fn bound_to(&self, pool: &PoolName, codes: &[&Code]) -> Result<Option<Bound>> {
        let Some(anchors) = self.anchors(pool, codes).await? else { return Ok(None) };
        let answer = self.call_pool(pool, &RECORDS, false, |space, call| {
            for (code, anchor) in codes.iter().zip(&anchors) {
                let place = space.binding_place(call, anchor);
                call.push_number(place);
                call.push(anchor.as_slice());
                call.push(code.as_str());
            }
        });
        let Some(answer) = answer.await? else { return Ok(None) };
        let (view, answer) = View::read(answer)?;
        let entry = |lettered| {
            let lettered = reply::bytes(lettered)?;
            lettered.split_first().map(|(letter, entry)| Entry::read(entry, *letter == b'r')).transpose()
        };
        let entries = answer.map(entry).collect::<Result<_>>()?;
        Ok(Some(Bound { view, anchors, entries }))
    }
}
