//! Tearoff.
#![forbid(unsafe_code)]
