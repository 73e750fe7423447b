//! Real Redis servers for tests: one, a Cluster, servers under Sentinel; and what can befall them.
//!
//! Everything listens on 127.0.0.1 only, lives in a folder of its own, and ends with the test, also with one that panics or
//! is killed.

// Each test program uses its part.
#![allow(dead_code, unused_imports)]

mod cluster;
mod old;
mod port;
mod power;
mod process;
mod proxy;
mod sentinel;
mod server;
mod settings;
mod tls;
mod wait;

pub(crate) use cluster::Cluster;
pub(crate) use old::redis_5;
pub(crate) use port::free_port;
pub(crate) use proxy::Proxy;
pub(crate) use sentinel::Sentinel;
pub(crate) use server::Server;
pub(crate) use settings::Settings;
pub(crate) use tls::Certificates;
pub(crate) use wait::until;
