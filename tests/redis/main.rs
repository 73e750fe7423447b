//! The store on Redis as those meet it who run the servers: what it takes, whom it lets in, what it tells.
#![allow(clippy::unwrap_used)]

#[path = "../canary/mod.rs"]
mod canary;
mod doctor;
mod life;
mod naive;
mod rights;
mod secure;
#[path = "../servers/mod.rs"]
mod servers;
mod shared;
mod size;
mod tour;
#[path = "../campaign/workshop.rs"]
#[allow(dead_code)]
mod workshop;
