//! Renders Jinja templates for campaigns and web layers, and tears single-use voucher codes off shared pools exactly once.
#![forbid(unsafe_code)]

pub mod campaign;
pub mod cli;
mod error;
pub mod intake;
pub mod render;
pub mod store;
pub mod voucher;

pub use error::{Error, ErrorKind, Result};
