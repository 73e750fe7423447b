//! The `tearoff` program.
fn main() {}
