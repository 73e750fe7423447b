//! The HTTP service as its callers use it: the real program, over a real socket.
#![allow(clippy::unwrap_used)]

mod document;
mod health;
#[path = "../python/mod.rs"]
#[allow(dead_code)]
mod python;
mod service;
