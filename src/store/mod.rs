//! Where pools, vouchers and bindings are kept.
//!
//! A store implements the ports of [`voucher`](crate::voucher) and is held to the contract suite in `tests/contract`. There is
//! one so far: [`SqliteStore`], a file of its own for the processes of one machine, without a server. `docs/STORAGE.md`
//! shows the file to people who want to query it.

mod sqlite;

pub use sqlite::{Clock, Options, SqliteStore};
