//! Templates that mean harm. Each fails, or ends, alone: within a time and a memory, and the messages before and after it render.
#![allow(clippy::unwrap_used)]

mod attacks;
mod corpus;
mod data;
mod harness;
