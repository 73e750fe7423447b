//! The HTTP service as its callers use it: the real program, over a real socket.
#![allow(clippy::unwrap_used)]

mod budgets;
mod health;
mod layers;
#[path = "../servers/mod.rs"]
mod servers;
mod service;
mod tokens;
mod visitors;
