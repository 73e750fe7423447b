//! Templates from a folder.

use std::path::Path;
use std::sync::Arc;

use tearoff::render::{Attributes, Known, Limits, Message, Purpose, Renderer, Rendering, Template};
use tearoff::voucher::{Channel, MessageId};
use tearoff::{Error, ErrorKind};

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn load(folder: &Path, name: &str) -> Result<Template, Error> {
    Renderer::new(Limits::default()).in_folder(folder).load(name, Channel::Sms)
}

fn told(folder: &Path, name: &str) -> (ErrorKind, String) {
    let error = load(folder, name).unwrap_err();
    let help = error.help().map(|help| format!("; {help}")).unwrap_or_default();
    (error.kind(), format!("{error}{help}").replace(folder.to_str().unwrap(), "FOLDER"))
}

#[test]
fn what_is_missing_is_named_with_a_remedy() {
    let folder = folder(&[("welcome/body.txt", b"x"), ("half/subject.txt", b"x"), ("_partials/a.txt", b"x")]);
    assert_eq!(
        told(folder.path(), "welcom"),
        (
            ErrorKind::InvalidInput,
            "there is no template 'welcom' in FOLDER; did you mean 'welcome'?; make the folder FOLDER/welcom with the parts of the message".into()
        )
    );
    assert_eq!(
        told(folder.path(), "half").1,
        "template 'half' has no body.txt, which sms requires; add half/body.txt, or choose another channel; there is no part of sms"
    );
    assert!(told(folder.path(), "../welcome").1.starts_with("template name '../welcome' is not a valid name"));
}

#[test]
fn files_that_are_not_utf_8_are_named_with_the_line() {
    let folder = folder(&[
        ("part/body.txt", b"one\ntwo \xff"),
        ("whole/body.txt", b"{% include '_partials/a.txt' %}"),
        ("_partials/a.txt", b"\xfe"),
    ]);
    let (kind, message) = told(folder.path(), "part");
    assert_eq!(
        (kind, message.as_str()),
        (ErrorKind::InvalidInput, "FOLDER/part/body.txt is not UTF-8 (line 2); save the file as UTF-8")
    );
    assert!(
        told(folder.path(), "whole").1.contains("_partials/a.txt is not UTF-8 (line 1)"),
        "{:?}",
        told(folder.path(), "whole")
    );
}

#[test]
fn a_byte_order_mark_is_not_printed() {
    let folder = folder(&[
        ("hello/body.txt", "\u{feff}Hi {% include '_partials/a.txt' %}".as_bytes()),
        ("_partials/a.txt", "\u{feff}there".as_bytes()),
    ]);
    let message = Message::new(
        Some(MessageId::new("m1").unwrap()),
        (Channel::Sms, Purpose::Live),
        Attributes::default(),
        Attributes::default(),
        Attributes::default(),
    );
    let rendering = load(folder.path(), "hello").unwrap().render(&Arc::new(message.unwrap()), &Arc::default());
    let Rendering::Complete(rendered) = rendering else { panic!("{rendering:?}") };
    assert_eq!(rendered.parts, [("body.txt", "Hi there".to_owned())]);
}

#[test]
fn pools_are_named_with_their_places_partials_included() {
    let folder = folder(&[
        ("hello/body.txt", b"{{ vouchers.spring.assign() }}\n{% include '_partials/a.txt' %}"),
        ("_partials/a.txt", b"x $cst.vip.coupon$"),
    ]);
    let template = load(folder.path(), "hello").unwrap();
    let mentions: Vec<String> =
        template.pool_mentions().iter().map(|mention| format!("{} in {}", mention.name, mention.place)).collect();
    assert_eq!(mentions, ["vip in _partials/a.txt, line 1, column 3", "spring in hello/body.txt, line 1, column 13"]);
}

#[test]
fn a_fingerprint_follows_the_sources_and_nothing_else() {
    let body = b"{% include '_partials/a.txt' ignore missing %}{% include '_partials/' ~ 'b.txt' %}";
    let folder = folder(&[("hello/body.txt", body), ("_partials/a.txt", b"a"), ("_partials/b.txt", b"b")]);
    let template = load(folder.path(), "hello").unwrap();
    let before = template.fingerprint();
    let id = Some(MessageId::new("m1").unwrap());
    let none = Attributes::default;
    let message = Message::new(id, (Channel::Sms, Purpose::Live), none(), none(), none()).unwrap();
    let Rendering::Complete(rendered) = template.render(&Arc::new(message), &Arc::new(Known::default())) else {
        panic!()
    };
    assert_eq!(rendered.parts, [("body.txt", "ab".to_owned())]);
    assert_eq!(template.fingerprint(), before);
    assert_eq!(load(folder.path(), "hello").unwrap().fingerprint(), before);
    std::fs::write(folder.path().join("_partials/a.txt"), "other").unwrap();
    assert_ne!(load(folder.path(), "hello").unwrap().fingerprint(), before);
}

#[test]
fn endless_expressions_are_refused_before_they_exhaust_the_stack() {
    let many = |text: &str| text.repeat(20_000);
    for (before, repeated, after) in [
        ("{{ ", "not ", "1 }}"),
        ("{{ ", "-", "1 }}"),
        ("{{ ", "(", "1"),
        ("{{ a", ".b", " }}"),
        ("{{ a", "[0]", " }}"),
        ("{{ 'a'", "|upper", " }}"),
        ("{{ 1", "+1", " }}"),
        ("{{ 1", " and 1", " }}"),
        ("{{ ", "1 if 0 else ", "1 }}"),
        ("{% if 0 %}", "{% elif 0 %}", "{% endif %}"),
        ("", "{% if 1 %}", ""),
        ("{% set a = ", "[", " %}"),
    ] {
        let source = format!("{before}{}{after}", many(repeated));
        let folder =
            folder(&[("part/body.txt", source.as_bytes()), ("whole/body.txt", b"{% include 'part/body.txt' %}")]);
        for name in ["part", "whole"] {
            assert_eq!(load(folder.path(), name).unwrap_err().kind(), ErrorKind::Template, "{before}{repeated}");
        }
    }
}

#[test]
fn long_literals_are_no_long_expressions() {
    let list = format!(
        "{{% set l = [{}] %}}{{{{ l|length }}}}",
        "{'name': 'Teapot', 'price': 3.20, 'x': [1, 2]}, ".repeat(300)
    );
    let folder = folder(&[("list/body.txt", list.as_bytes())]);
    load(folder.path(), "list").unwrap();
}
