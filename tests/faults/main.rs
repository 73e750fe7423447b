//! Real servers, real faults, and a checker that knows every imported code and every delivered message.
//!
//! Each test says of which broken build it is known to fail: a test of faults that cannot fail is worth nothing.
#![allow(clippy::unwrap_used)]

#[path = "../canary/mod.rs"]
mod canary;
mod checker;
mod claim;
mod clock;
mod crash;
mod crowd;
mod drowsy;
mod failover;
mod foreign;
mod full;
mod import;
mod line;
mod load;
mod open;
mod overtaken;
mod program;
mod reclaim;
mod redeem;
mod refused;
#[path = "../servers/mod.rs"]
mod servers;
mod sink;
mod stuffed;
mod tallies;
mod tools;
#[path = "../campaign/workshop.rs"]
#[allow(dead_code)]
mod workshop;
