//! The program as people and scripts run it: every command on a store of its own, exit codes, and what is printed where.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod bench;
mod desk;
mod events;
mod exports;
mod globals;
mod help;
mod imports;
mod pools;
mod redemptions;
mod render;
mod shop;
mod stores;
mod vouchers;
