//! One record of delimited text, as RFC 4180 has it.
//!
//! Read by hand because a reader that is lenient with quotes takes a quote that is never closed for one long field, and the
//! rest of the file is gone without a word.

use super::lines::{LINE_LIMIT, Lines, without_end};
use crate::error::Result;

const QUOTE_HELP: &str = "write a quote inside a quoted field twice, as in \"3\"\" nails\"";

/// The fields of one record, in one buffer that every record uses again.
#[derive(Default)]
pub(crate) struct Record {
    text: String,
    ends: Vec<usize>,
    line: u64,
}

impl Record {
    /// The line it begins on.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// How many fields it has.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The field at a place, from 0.
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..end])
    }

    /// All fields.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Reads the next record, past blank lines; says whether there was one.
    pub(crate) fn read(&mut self, lines: &mut Lines, delimiter: char) -> Result<bool> {
        self.text.clear();
        self.ends.clear();
        if lines.peek()?.is_none() {
            return Ok(false);
        }
        self.line = lines.line() + 1;
        let mut quote = None;
        while self.text.len() <= LINE_LIMIT {
            let Some(line) = lines.next()? else { break };
            let content = without_end(line);
            match self.take(content, delimiter, quote.is_some()) {
                Ok(LineEnd::OfRecord) => return Ok(true),
                Ok(LineEnd::InField { opened }) => {
                    self.text.push_str(&line[content.len()..]);
                    quote = quote.filter(|_| !opened).or(Some(lines.line()));
                }
                Err(StrayText) => {
                    let problem = "text follows the quote that closes its field";
                    return Err(lines.error_at(lines.line(), problem).with_help(QUOTE_HELP));
                }
            }
        }
        let line = quote.unwrap_or(self.line);
        Err(lines.error_at(line, "the quote that opens here is never closed").with_help(QUOTE_HELP))
    }

    /// Takes the fields of one line, which may begin inside a quoted one.
    fn take(&mut self, line: &str, delimiter: char, mut quoted: bool) -> Result<LineEnd, StrayText> {
        let mut rest = line;
        let mut opened = false;
        loop {
            if !quoted && let Some(inside) = rest.strip_prefix('"') {
                (rest, quoted, opened) = (inside, true, true);
            }
            let after = if quoted { self.take_quoted(rest) } else { Some(self.take_plain(rest, delimiter)) };
            let Some(after) = after else { return Ok(LineEnd::InField { opened }) };
            quoted = false;
            self.ends.push(self.text.len());
            match after.strip_prefix(delimiter) {
                Some(next) => rest = next,
                None if after.is_empty() => return Ok(LineEnd::OfRecord),
                None => return Err(StrayText),
            }
        }
    }

    /// Takes a field up to the delimiter; gives what is left, from the delimiter on.
    fn take_plain<'a>(&mut self, text: &'a str, delimiter: char) -> &'a str {
        let (field, after) = text.split_at(text.find(delimiter).unwrap_or(text.len()));
        self.text.push_str(field);
        after
    }

    /// Takes a field up to its closing quote; gives what is left behind it, or `None` where the quote is not on this line.
    fn take_quoted<'a>(&mut self, mut text: &'a str) -> Option<&'a str> {
        while let Some((field, after)) = text.split_once('"') {
            self.text.push_str(field);
            let Some(rest) = after.strip_prefix('"') else { return Some(after) };
            self.text.push('"');
            text = rest;
        }
        self.text.push_str(text);
        None
    }
}

/// Where in its record a line ends.
enum LineEnd {
    OfRecord,
    /// In a quoted field, which perhaps opened on this line.
    InField {
        opened: bool,
    },
}

/// There is text behind a closing quote.
struct StrayText;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lines::lines_of;
    use super::*;

    fn records(text: &str) -> Result<Vec<(u64, Vec<String>)>> {
        let (mut lines, mut record, mut all) = (lines_of(text.as_bytes()), Record::default(), Vec::new());
        while record.read(&mut lines, ',')? {
            all.push((record.line(), record.fields().map(str::to_owned).collect()));
        }
        Ok(all)
    }

    fn fields(fields: &[&str]) -> Vec<String> {
        fields.iter().map(|&field| field.to_owned()).collect()
    }

    #[test]
    fn quotes_blank_lines_and_both_line_ends() {
        let text = "a,\"b,\"\"c\"\"\",\r\n\n \n\"1\r\n2\",\"\n\",x\"y\n\"\"";
        let expected =
            vec![(1, fields(&["a", "b,\"c\"", ""])), (4, fields(&["1\r\n2", "\n", "x\"y"])), (7, fields(&[""]))];
        assert_eq!(records(text).unwrap(), expected);
    }

    #[test]
    fn a_broken_quote_names_its_line() {
        let error = |text: &str| records(text).unwrap_err().to_string();
        assert_eq!(error("a,b\n\"c\",\"d\ne\n"), "test.csv:2: the quote that opens here is never closed");
        assert_eq!(error("\"a\n\",\"d\ne\n"), "test.csv:2: the quote that opens here is never closed");
        assert_eq!(error("a\n\"b\"c,d\n"), "test.csv:2: text follows the quote that closes its field");
    }

    proptest! {
        #[test]
        fn reads_what_is_written(
            rows in prop::collection::vec(prop::collection::vec("[a\",;\r\n\té 人🎟]{0,8}", 3), 0..20)
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let read: Vec<_> = records(&text).unwrap().into_iter().map(|(_, fields)| fields).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
