//! What the library logs in a test program that uses it without the program.

use std::io::{self, Write};
use std::sync::Once;

use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use super::Marks;

/// Holds all that the library logs from now on, at every level, to the absence of codes and addresses.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // What other libraries log here, the program may have silenced: it is heard where the program runs.
        let ours = filter_fn(|metadata| metadata.target().starts_with("tearoff"));
        let lines = fmt::layer().with_ansi(false).with_writer(|| Ear);
        tracing_subscriber::registry().with(LevelFilter::TRACE).with(ours).with(lines).init();
    });
}

/// Gets a line of the log at a time.
struct Ear;

impl Write for Ear {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let said = String::from_utf8_lossy(line);
        if let Some((mark, said)) = Marks::default().find(&said).or_else(|| numbered_code(&said)) {
            // A panic may end in a task that nobody waits for, and what is printed in a test that is cut off is not shown.
            let _ = writeln!(io::stderr(), "the library logs '{mark}', a code or an address:\n{said}");
            std::process::abort();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A code as these tests make them: letters, a dash and digits.
fn numbered_code(said: &str) -> Option<(String, &str)> {
    let is_code = |word: &&str| {
        word.split_once('-').is_some_and(|(name, number)| {
            let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
            is_number && !name.is_empty() && name.chars().all(char::is_alphabetic)
        })
    };
    let mut words = said.split(|c: char| !c.is_alphanumeric() && c != '-');
    words.find(is_code).map(|word| (word.to_owned(), said))
}
