//! The HTTP service as its callers use it: the real program, over a real socket.
#![allow(clippy::unwrap_used)]

mod customers;
mod events;
mod health;
mod imports;
mod pools;
mod schemas;
mod scopes;
mod service;
mod vouchers;
