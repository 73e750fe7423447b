//! Ports that nobody uses.

use std::net::{Ipv4Addr, TcpListener};

use rand::RngExt;

/// A port that is free at this moment. It lies below those that the system gives to outgoing connections, so that no
/// connection takes it before the server does, or while the server is down.
pub(crate) fn free_port() -> u16 {
    loop {
        let port = rand::rng().random_range(10_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
