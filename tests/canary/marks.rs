//! What must never be said: codes and addresses.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// How the codes and secrets begin that tests write down.
const BEGINNINGS: [&str; 4] = ["SPR-", "SPRING-", "SECRET", "CANARY"];

/// How many codes of a store are known by themselves: those of larger ones have one of these beginnings.
const MOST: usize = 1_000;

/// What help texts show: an address, and how a URL is written.
const EXAMPLES: [&str; 5] = [
    "Shop <news@example.com>",
    "such as ada@example.com",
    "write \"ada@example.com\"",
    "mailto:unsubscribe@example.com",
    "USER:PASSWORD@HOST",
];

/// Codes that must not be said.
#[derive(Default, Clone)]
pub(crate) struct Marks {
    /// Codes that are a word.
    words: HashSet<String>,
    /// All others.
    texts: Vec<String>,
}

impl Marks {
    /// The codes of all store files in a folder.
    pub(crate) fn in_stores(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "db") {
                // A file may be no store, or in the middle of being made.
                let _ = self.in_store(&entry.path());
            }
        }
    }

    fn in_store(&mut self, file: &Path) -> rusqlite::Result<()> {
        let store = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut codes = store.prepare(&format!("SELECT code FROM voucher LIMIT {MOST}"))?;
        for code in codes.query_map([], |row| row.get(0))? {
            self.add(code?);
        }
        Ok(())
    }

    /// What stands first in each line of a file of codes, below what may be a header: rejected codes are in no store.
    pub(crate) fn in_file(&mut self, file: &Path) {
        let Ok(text) = std::fs::read_to_string(file) else { return };
        for line in text.lines().skip(1) {
            self.add(line.split([',', ';', '\t']).next().unwrap_or_default().trim_matches('"').to_owned());
        }
    }

    /// A code that somebody asks about, which need not be in the store.
    pub(crate) fn in_argument(&mut self, argument: Option<&OsString>) {
        let code = argument.and_then(|argument| argument.to_str());
        code.filter(|code| !code.starts_with('-')).into_iter().for_each(|code| self.add(code.to_owned()));
    }

    /// A single character, a small number and a few signs are no marks: they stand in many a text.
    fn add(&mut self, code: String) {
        let (is_word, letters) = (code.chars().all(is_of_word), code.chars().count());
        let is_number = code.parse::<f64>().is_ok();
        let stands_anywhere = letters < if is_word { 2 } else { 4 } || (is_number && letters < 6);
        if !stands_anywhere && is_word {
            self.words.insert(code);
        } else if !stands_anywhere {
            self.texts.push(code);
        }
    }

    /// The first mark in what was said, and the line with it.
    pub(crate) fn find<'a>(&self, said: &'a str) -> Option<(String, &'a str)> {
        said.lines().find_map(|line| {
            // A path of a URL has it so.
            let plain = line.replace("%40", "@");
            let plain = EXAMPLES.iter().fold(plain, |plain, example| plain.replace(example, "…"));
            self.of(&plain).map(|mark| (mark.to_owned(), line))
        })
    }

    fn of<'a>(&'a self, line: &'a str) -> Option<&'a str> {
        let mut words = line.split(|c| !is_of_word(c));
        let is_marked =
            |word: &&str| self.words.contains(*word) || BEGINNINGS.iter().any(|mark| word.starts_with(mark));
        let text = || self.texts.iter().map(String::as_str).find(|text| line.contains(*text));
        words.find(is_marked).or_else(text).or_else(|| address(line))
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

/// An e-mail address, or the password in a URL: both are words around an `@`.
fn address(line: &str) -> Option<&str> {
    line.match_indices('@').find_map(|(at, _)| {
        let begin = line[..at]
            .rfind(|c| !is_of_address(c))
            .map_or(0, |before| before + line[before..].chars().next().map_or(1, char::len_utf8));
        let end = line[at + 1..].find(|c| !is_of_address(c)).map_or(line.len(), |behind| at + 1 + behind);
        (begin < at && at + 1 < end).then(|| &line[begin..end])
    })
}

fn is_of_address(c: char) -> bool {
    c.is_alphanumeric() || "._%+-".contains(c)
}

/// Holds what was said to the absence of every mark.
#[track_caller]
pub(crate) fn check(said: &str, marks: &Marks) {
    if let Some((mark, line)) = marks.find(said) {
        panic!("the program says '{mark}', a code or an address, on its standard error or in its metrics:\n{line}");
    }
}
