//! Renders every `tests/render/inputs/*.txt` as a sender would, and compares with its snapshot.
//!
//! An input is a JSON object (the message, and what its store has), then cases, each after a line `---`. A case is the files of
//! a template, each after a line `=== <part or path>`; without such a line it is the part `body.txt`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod render {
    mod examination;
    mod expressions;
    mod lint;
    mod loading;
    mod messages;
    mod privacy;
    mod repository;
    mod scanner;
    pub(crate) mod sender;
}

use std::fmt::Write as _;
use std::path::Path;

use render::sender::{Case, Head, Sent};

const NOTHING: &str = "(nothing)";

#[test]
fn inputs_render_as_in_their_snapshots() {
    insta::with_settings!({ snapshot_path => "render/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::glob!("render/inputs/*.txt", |path| insta::assert_snapshot!(report(path)));
    });
}

fn report(path: &Path) -> String {
    let input = std::fs::read_to_string(path).unwrap();
    let (head, cases) = input.split_once("---\n").expect("a head and a case");
    let head: Head = serde_json::from_str(head).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let fails = path.file_name().unwrap().to_str().unwrap().starts_with("err_");
    let mut report = String::new();
    for source in cases.split("\n---\n") {
        let case = Case::read(source);
        let sent = head.send(&case);
        assert_eq!(
            sent.is_err(),
            fails,
            "{}: {source}
{sent:?}",
            path.display()
        );
        write(&mut report, source, sent);
    }
    report
}

fn write(report: &mut String, source: &str, sent: Result<Sent, String>) {
    let _ = writeln!(report, "--- {}", source.trim_end().replace('\n', "\n    "));
    match sent {
        Err(failure) => {
            let _ = writeln!(report, "{failure}\n");
        }
        Ok(Sent { passes, asked, shown, parts }) => {
            let or_nothing = |list: Vec<String>| if list.is_empty() { NOTHING.to_owned() } else { list.join(", ") };
            let _ = writeln!(report, "passes: {passes}; asked: {}; shows: {}", or_nothing(asked), or_nothing(shown));
            for (part, text) in parts {
                let _ = writeln!(report, "[{part}]\n{text}");
            }
            report.push('\n');
        }
    }
}
