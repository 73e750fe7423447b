//! Calling the scripts of a pool.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rand::RngExt;
use redis::Value;

use super::RedisStore;
use super::address::{Hash, bucket};
use super::keys::PoolKeys;
use super::reply;
use super::script::{Call, Script, Section};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{CustomerId, PoolName};

/// In how many buckets each pool was seen to keep its bindings. Only a guess: a script tells when it is wrong.
#[derive(Debug, Default)]
pub(super) struct Buckets(Mutex<HashMap<PoolName, u64>>);

impl Buckets {
    pub(super) fn of(&self, pool: &PoolName) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(pool).copied().unwrap_or(1)
    }

    pub(super) fn note(&self, pool: &PoolName, buckets: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pool.clone(), buckets);
    }
}

/// A pool's keys, and in how many buckets its bindings are believed to be.
pub(super) struct Space {
    pub(super) pool: PoolName,
    pub(super) keys: PoolKeys,
    pub(super) buckets: u64,
}

impl Space {
    /// The place among a call's keys of the bucket of bindings for what hashes to `head`.
    pub(super) fn keys_place(&self, call: &mut Call, head: [u8; 4]) -> usize {
        let bucket = bucket(head, self.buckets);
        call.place(Section::Keys, bucket, || self.keys.keys(bucket))
    }

    /// The place of the bucket in which a code's binding is, as the buckets of codes say; 0 where it was never assigned.
    pub(super) fn binding_place(&self, call: &mut Call, anchor: &[u8]) -> usize {
        anchor.try_into().map_or(0, |anchor| self.keys_place(call, anchor))
    }

    /// The place of a customer's bucket; 0 for nobody.
    pub(super) fn customer_place(&self, call: &mut Call, customer: Option<&CustomerId>) -> usize {
        customer.map_or(0, |customer| self.keys_place(call, Hash::of_customer(customer).head()))
    }

    /// The place among a call's keys of the bucket of codes for a code's hash.
    pub(super) fn codes_place(&self, call: &mut Call, hash: Hash) -> usize {
        let bucket = hash.bucket(self.buckets);
        call.place(Section::Codes, bucket, || self.keys.codes(bucket))
    }
}

impl RedisStore {
    /// Calls a script of a pool, with the keys and arguments that `fill` adds to the common ones; `None` without such a pool.
    ///
    /// `fill` is asked again when the pool has grown meanwhile.
    pub(super) async fn call_pool(
        &self,
        pool: &PoolName,
        script: &'static Script,
        kept: bool,
        fill: impl Fn(&Space, &mut Call) + Send + Sync,
    ) -> Result<Option<Vec<Value>>> {
        loop {
            let space = Space { pool: pool.clone(), keys: self.keys.pool(pool), buckets: self.buckets.of(pool) };
            let mut call = Call::new(script, space.keys.fixed());
            call.kept = kept;
            call.push_number(self.ahead());
            call.push_number(space.buckets);
            call.push_number(rand::rng().random_range(0..i32::MAX));
            fill(&space, &mut call);
            let (status, rest) = reply::status(self.link.run(&call).await?)?;
            match status.as_str() {
                "OK" => return Ok(Some(rest)),
                // Only a script that settles says so, and has done nothing then.
                "CHOICES" => return Ok(Some(Vec::new())),
                "UNKNOWN" => return Ok(None),
                "RESIZED" => self.buckets.note(pool, reply::number(rest.first())?),
                "AGAIN" => {}
                "CAMPAIGNS" => return Err(too_many_campaigns(pool)),
                _ => return Err(reply::strange()),
            }
        }
    }
}

fn too_many_campaigns(pool: &PoolName) -> Error {
    let message = format!("pool '{pool}' has given codes to 16,777,215 campaigns and can tell no more of them apart");
    Error::new(ErrorKind::Refused, message).with_help("make a new pool")
}
