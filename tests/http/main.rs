//! The HTTP service as its callers use it: the real program, over a real socket.
#![allow(clippy::unwrap_used)]

mod batch;
mod health;
mod layers;
mod messages;
mod metrics;
mod servers;
mod service;
#[path = "../servers/mod.rs"]
