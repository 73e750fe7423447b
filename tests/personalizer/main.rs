//! Messages through the protocol, on a real store.
#![allow(clippy::unwrap_used)]

mod messages;
mod random;
mod refusals;
mod shop;
