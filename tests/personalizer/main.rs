//! Messages and whole campaigns through the protocol, on a real store.
#![allow(clippy::unwrap_used)]

mod campaigns;
#[path = "../canary/mod.rs"]
mod canary;
mod eligibility;
mod foresight;
mod gatherer;
mod isolation;
mod messages;
mod pipeline;
mod random;
mod refusals;
mod shop;
