//! Where pools, vouchers and bindings are kept.
//!
//! A store implements the ports of [`voucher`](crate::voucher) and is held to the contract suite in `tests/contract`. There
//! are two: [`RedisStore`], on servers that many machines share, and [`SqliteStore`], a file for the processes of one machine,
//! without a server. [`GeneratingStore`] stands over either of them and makes codes where a pool with a pattern has none left. [`NaiveRedis`] is no store, but what
//! `tearoff bench` compares with. `docs/REDIS.md` and `docs/STORAGE.md` show their insides to people who run them.

mod generating;
mod redis;
mod refusal;
mod sqlite;

pub use generating::GeneratingStore;
pub use redis::{NaiveRedis, RedisOptions, RedisStore, RedisUrl};
pub use sqlite::{Clock, Options, SqliteStore};
