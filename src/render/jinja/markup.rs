//! Filters that make, escape or strip HTML.

use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Error, State, Value, filters};

use super::args::{Args, Entry, invalid, items};
use super::output::html;
use super::text::{Text, markup, prints_html, safe_if};
use crate::render::entities::decoded;

pub(super) const FILTERS: &[Entry] = &[
    ("e", &["s"], escape),
    ("escape", &["s"], escape),
    ("forceescape", &["value"], |state, args| Ok(markup(state, html(args.text("value").as_str())))),
    ("striptags", &["value"], |_, args| Ok(Value::from(without_tags(args.text("value").as_str())))),
    ("xmlattr", &["d", "autospace"], xmlattr),
];

fn escape(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    match state.auto_escape() {
        AutoEscape::None | AutoEscape::Html => {
            let text = args.text("s");
            Ok(Value::from_safe_string(if text.is_safe() { text.as_str().to_owned() } else { html(text.as_str()) }))
        }
        _ => filters::escape(state, args.value("s")),
    }
}

fn xmlattr(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let attributes = args.value("d");
    if attributes.kind() != ValueKind::Map {
        return Err(invalid("xmlattr needs a mapping of attributes"));
    }
    let mut written = Vec::new();
    for key in items(attributes)? {
        let value = attributes.get_item(&key)?;
        if value.is_none() || value.is_undefined() {
            continue;
        }
        let (name, value) = (Text::of(&key), Text::of(&value));
        if name.as_str().contains(|c: char| c.is_whitespace() || "/>=".contains(c)) {
            return Err(invalid("an attribute's name cannot contain a space, `/`, `>` or `=`"));
        }
        let value = if value.is_safe() { value.as_str().to_owned() } else { html(value.as_str()) };
        written.push(format!("{}=\"{value}\"", html(name.as_str())));
    }
    let space = if args.flag("autospace", true) && !written.is_empty() { " " } else { "" };
    Ok(safe_if(prints_html(state), format!("{space}{}", written.join(" "))))
}

/// Takes tags and comments out, draws white space together, and resolves entities.
fn without_tags(text: &str) -> String {
    let (mut kept, mut rest) = (String::new(), text);
    while let Some(start) = rest.find('<') {
        let (open, close) = if rest[start..].starts_with("<!--") { (4, "-->") } else { (1, ">") };
        let Some(end) = rest[start + open..].find(close) else { break };
        kept.push_str(&rest[..start]);
        rest = &rest[start + open + end + close.len()..];
    }
    kept.push_str(rest);
    decoded(&kept.split_whitespace().collect::<Vec<_>>().join(" "))
}
