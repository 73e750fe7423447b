//! The program at its most talkative, in every test that starts it, and an ear for what it must never say.
//!
//! Whatever a test does, what the program writes to standard error is kept as a whole: log lines of all libraries at TRACE,
//! warnings, errors, panics. None may hold a code, or anybody's address. Data on standard output is another matter: codes are
//! what some commands are for. The test gets to see what a person would have at the level that the command asks for.
//! In test programs that use the library itself, `listen` hears what it logs.

// Each test program uses its part.
#![allow(dead_code, unused_imports)]

mod listen;
mod log;
mod marks;
mod program;

pub(crate) use listen::listen;
pub(crate) use log::as_asked;
pub(crate) use marks::{Marks, check};
pub(crate) use program::{MOST_TALKATIVE, Program, Started};
