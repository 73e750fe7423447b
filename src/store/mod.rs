//! Where pools, vouchers and bindings are kept.
//!
//! A store implements the ports of [`voucher`](crate::voucher) and is held to the contract suite in `tests/contract`. There
//! are two: [`RedisStore`], on a server that many machines share, and [`SqliteStore`], a file of its own for the processes of one machine, without a server. `docs/STORAGE.md`
//! shows the file to people who want to query it.

mod redis;
mod refusal;
mod sqlite;

pub use redis::{RedisOptions, RedisStore, RedisUrl};
pub use sqlite::{Clock, Options, SqliteStore};
