//! The HTTP service as its callers use it: the real program, over a real socket.
#![allow(clippy::unwrap_used)]

#[path = "../hostile/attacks.rs"]
mod attacks;
mod audit;
mod batch;
mod budgets;
#[path = "../canary/mod.rs"]
mod canary;
mod customers;
mod data;
mod document;
mod events;
mod health;
mod imports;
mod keys;
mod layers;
mod messages;
mod metrics;
mod operation;
mod pools;
#[path = "../python/mod.rs"]
#[allow(dead_code)]
mod python;
mod raw;
mod readiness;
mod redis;
mod schedules;
mod schemas;
mod scopes;
#[path = "../servers/mod.rs"]
mod servers;
mod service;
mod shutdown;
mod tokens;
mod visitors;
mod vouchers;
