//! Real servers, real faults, and a checker that knows every code and every delivered message.
#![allow(clippy::unwrap_used)]

#[path = "../servers/mod.rs"]
mod servers;
mod tools;
