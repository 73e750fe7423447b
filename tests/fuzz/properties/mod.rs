//! What holds for every input, whoever makes it up: the tests do in `tests/fuzz/main.rs`, a fuzzer in `fuzz/`.
//!
//! Each property panics where it does not hold.

// A fuzz target uses one of them.
#![allow(dead_code, unused_imports)]

mod files;
mod service;
mod templates;

pub(crate) use files::{csv, json_lines, workbook};
pub(crate) use service::{message, token};
pub(crate) use templates::{placeholders, template};
