//! The program as people and scripts run it: every command on a store of its own, exit codes, and what is printed where.
#![allow(clippy::unwrap_used)]

mod assign;
#[path = "../hostile/attacks.rs"]
mod attacks;
mod bad_input;
mod bench;
#[path = "../canary/mod.rs"]
mod canary;
mod data;
mod delivery;
mod desk;
mod events;
mod exports;
mod generating;
mod generation;
mod globals;
mod help;
mod imports;
mod lint;
mod low_stock;
mod mail_server;
mod pools;
#[path = "../python/mod.rs"]
mod python;
mod redemptions;
mod render;
mod rules;
mod schedules;
mod shop;
mod silence;
mod stores;
#[path = "../servers/tls.rs"]
#[allow(dead_code)]
mod tls;
mod tokens;
mod vouchers;
