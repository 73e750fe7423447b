//! The HTTP service as its callers use it: the real program, over a real socket.
#![allow(clippy::unwrap_used)]

mod health;
mod imports;
mod keys;
mod metrics;
mod operation;
mod raw;
mod readiness;
#[path = "../servers/mod.rs"]
mod servers;
mod service;
mod shutdown;
