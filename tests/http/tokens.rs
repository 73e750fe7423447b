//! The lines of `docs/LAYERS.md` that make tokens, run as they stand there.

use std::process::Command;

use serde_json::json;

use crate::layers::{SECRET, assigned, code, display, shop};

/// The block of that language in the documentation.
fn lines(language: &str) -> String {
    let text = include_str!("../../docs/LAYERS.md");
    let block = text.split_once(&format!("```{language}\n")).unwrap().1;
    block.split_once("```").unwrap().0.to_owned()
}

fn holds(language: &str, program: &str, arguments: &[&str], around: (&str, &str)) {
    let service = shop("", 10).serve();
    let script = format!("{}{}{}", around.0, lines(language), around.1);
    let output =
        Command::new(program).args(arguments).arg(script).env("TEAROFF_VISITOR_SECRET", SECRET).output().unwrap();
    let token = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !token.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    code(&display(&service, &json!({"token": token.trim()})));
    assert_eq!(assigned(&service.shop), 1);
    assert!(service.shop.tearoff(&["customer", "show", "c42", "--json"]).contains("SPR-"));
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn five_lines_of_javascript_make_a_token() {
    holds("javascript", "node", &["-e"], ("", "console.log(token)"));
}

#[test]
fn five_lines_of_python_make_a_token() {
    holds("python", "python3", &["-c"], ("", "print(token)"));
}

/// The other tests need no PHP, so this one does not ask for it where there is none.
#[test]
fn five_lines_of_php_make_a_token() {
    if is_there("php") {
        holds("php", "php", &["-r"], ("", "echo $token;"));
    }
}
