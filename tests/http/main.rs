//! The HTTP service as its callers use it: the real program, over a real socket.
#![allow(clippy::unwrap_used)]

mod batch;
mod health;
mod messages;
#[path = "../servers/mod.rs"]
mod servers;
mod service;
