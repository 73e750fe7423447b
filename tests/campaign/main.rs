//! Campaigns as a user runs them: from files to files, with the real program.
#![allow(clippy::unwrap_used)]

mod again;
mod audit;
mod bad_input;
#[path = "../canary/mod.rs"]
mod canary;
mod check;
mod crash;
mod limits;
mod run;
mod workshop;
