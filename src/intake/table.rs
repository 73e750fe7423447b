//! Delimited text with a header.

use super::columns::check_names;
use super::{Lines, Record};
use crate::error::Result;

/// The delimiters that are told apart, the most usual first.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// Records under a header.
pub(crate) struct Table {
    lines: Lines,
    delimiter: char,
    names: Vec<String>,
    record: Record,
}

impl Table {
    /// Reads the header. The delimiter, unless it is given, is the tab in a `.tsv`, else the one that stands there most often.
    pub(crate) fn open(mut lines: Lines, delimiter: Option<char>) -> Result<Table> {
        let delimiter = match delimiter {
            Some(delimiter @ ('"' | '\r' | '\n')) => {
                let error = lines.error(format!("{delimiter:?} cannot stand between two fields"));
                return Err(error.with_help("the usual delimiters are , ; | and tab"));
            }
            Some(delimiter) => delimiter,
            None => {
                let name = lines.name().to_lowercase();
                let is_tsv = name.strip_suffix(".gz").unwrap_or(&name).ends_with(".tsv");
                let header = lines.peek()?.unwrap_or_default();
                if is_tsv && header.contains('\t') { '\t' } else { detect(header) }
            }
        };
        let mut record = Record::default();
        if !record.read(&mut lines, delimiter)? {
            return Err(lines.error("the file is empty").with_help("its first line has to name the columns"));
        }
        if record.fields().any(|name| name.replace("\r\n", "").contains('\r')) {
            let error = lines.error_at(record.line(), "the lines end in carriage returns only, as on an old Mac");
            return Err(error.with_help("save the file as CSV UTF-8, with the line ends of Windows or Unix"));
        }
        let names = record.fields().map(|name| name.trim().to_owned()).collect();
        Ok(Table { lines, delimiter, names, record })
    }

    /// Takes the first line for a record like all others.
    pub(crate) fn without_header(lines: Lines, delimiter: Option<char>) -> Table {
        Table { lines, delimiter: delimiter.unwrap_or(DELIMITERS[0]), names: Vec::new(), record: Record::default() }
    }

    /// Refuses a header that names two columns alike. Columns without a name are no columns.
    pub(crate) fn check_names(&self) -> Result<()> {
        check_names(self.lines.name(), &self.names)
    }

    /// The character between two fields.
    pub(crate) fn delimiter(&self) -> char {
        self.delimiter
    }

    /// The names of the columns, without white space around them.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Where the text stands.
    pub(crate) fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The next record, however many fields it has.
    pub(crate) fn next(&mut self) -> Result<Option<&Record>> {
        let found = self.record.read(&mut self.lines, self.delimiter)?;
        Ok(found.then_some(&self.record))
    }
}

/// The name of a column without what people write differently: case, spaces, underscores.
pub(crate) fn normalized(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a line has more than one field.
pub(crate) fn is_delimited(line: &str, delimiter: Option<char>) -> bool {
    let line = outside_quotes(line);
    delimiter.map_or_else(|| line.contains(DELIMITERS), |delimiter| line.contains(delimiter))
}

fn outside_quotes(line: &str) -> String {
    line.split('"').step_by(2).collect()
}

fn detect(header: &str) -> char {
    let header = outside_quotes(header);
    let count = |delimiter: char| header.matches(delimiter).count();
    DELIMITERS.into_iter().rev().max_by_key(|&delimiter| count(delimiter)).unwrap_or(',')
}

#[cfg(test)]
mod tests {
    use super::super::lines::lines_of;
    use super::*;

    fn names(text: &str) -> Vec<String> {
        Table::open(lines_of(text.as_bytes()), None).unwrap().names().to_vec()
    }

    #[test]
    fn finds_the_delimiter_in_the_header() {
        for text in ["code,a b", "code;a b", "code\ta b", "code|a b", "\n\u{a0}code ; a b\r\nx,y"] {
            assert_eq!(names(text), ["code", "a b"], "{text}");
        }
        assert_eq!(names("code"), ["code"]);
        assert_eq!(names("\"a;b;c\",d"), ["a;b;c", "d"]);
        assert_eq!(names("\u{feff}\"code\",a"), ["code", "a"]);
        assert_eq!(names("a,b;c"), ["a", "b;c"]);
    }

    #[test]
    fn refuses_two_columns_of_one_name() {
        let check = |text: &str| Table::open(lines_of(text.as_bytes()), None).unwrap().check_names();
        assert!(check("a,b,,,").is_ok());
        assert_eq!(check("a,b, a").unwrap_err().to_string(), "test.csv: two columns are called 'a'");
    }

    #[test]
    fn refuses_what_is_not_read_as_meant() {
        let error =
            |text: &str, delimiter| Table::open(lines_of(text.as_bytes()), delimiter).err().unwrap().to_string();
        assert_eq!(error("code\rA\rB", None), "test.csv:1: the lines end in carriage returns only, as on an old Mac");
        assert_eq!(error("code\nA", Some('"')), "test.csv: '\"' cannot stand between two fields");
        assert_eq!(names("\"a\r\nb\"\r\n"), ["a\r\nb"]);
    }

    #[test]
    fn refuses_an_empty_file() {
        for text in ["", "\n\n", "\u{feff}", " \r\n"] {
            let error = Table::open(lines_of(text.as_bytes()), None).err().unwrap();
            assert_eq!(error.to_string(), "test.csv: the file is empty");
        }
    }
}
