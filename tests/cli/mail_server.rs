//! A real mail server on loopback, and what Python's own library reads in e-mails.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use crate::python::script;

/// A mail server. It is stopped when this is dropped.
pub(crate) struct MailServer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) port: u16,
}

impl MailServer {
    /// Starts one; the arguments are those of `tests/python/mail_server.py`.
    pub(crate) fn start(arguments: &[&str]) -> MailServer {
        let mut child = script("mail_server.py").args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().expect("the mail server starts").unwrap().parse().unwrap();
        MailServer { child, lines, port }
    }

    /// Stops it, and gives all that it took.
    pub(crate) fn received(mut self) -> Vec<Mail> {
        self.child.kill().unwrap();
        self.lines.by_ref().map(|line| Mail(serde_json::from_str(&line.unwrap()).unwrap())).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An e-mail as Python reads it.
#[derive(Debug)]
pub(crate) struct Mail(pub(crate) Value);

impl Mail {
    /// Reads a file. Python must have nothing to complain of.
    pub(crate) fn read(path: &Path) -> Mail {
        let output = script("mail.py").arg(path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Mail(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// Every header of a name.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let headers = self.0["headers"].as_array().unwrap().iter();
        headers.filter(|header| header[0] == name).map(|header| header[1].as_str().unwrap()).collect()
    }

    /// The one header of a name.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers(name);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        found[0]
    }

    /// The text of the part of a type.
    #[track_caller]
    pub(crate) fn part(&self, kind: &str) -> &str {
        let parts = self.0["parts"].as_array().unwrap();
        parts.iter().find(|part| part[0] == kind).expect(kind)[1].as_str().unwrap()
    }

    /// Holds it to the letter of the standards.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        assert_eq!((&self.0["defects"], &self.0["header_defects"]), (&Value::Array(vec![]), &Value::Array(vec![])));
        assert_eq!(self.0["bare_ends"], 0);
        assert!(self.0["longest_line"].as_u64().unwrap() <= 998, "{}", self.0["longest_line"]);
        assert!(self.0["head"].as_str().unwrap().is_ascii());
    }
}
