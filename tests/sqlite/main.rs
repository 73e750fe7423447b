//! What only a store in a SQLite file can get wrong: its file, its locks, its process, and the SQL that people write.

#![allow(clippy::unwrap_used)]

mod bad_files;
#[path = "../canary/mod.rs"]
mod canary;
mod crash;
mod questions;
mod shared;
mod support;
