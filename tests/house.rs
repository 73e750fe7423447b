//! The rooms of the house and who may import whom: imports run downward only.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each room with the rooms that it may import.
const ROOMS: [(&str, &[&str]); 10] = [
    ("cli", &["campaign", "delivery", "error", "http", "intake", "redemption", "render", "store", "voucher"]),
    ("http", &["campaign", "delivery", "error", "intake", "redemption", "render", "voucher"]),
    ("delivery", &["campaign", "error", "render", "voucher"]),
    ("campaign", &["error", "intake", "render", "voucher"]),
    ("intake", &["error", "render", "voucher"]),
    ("redemption", &["error", "render", "voucher"]),
    ("render", &["error", "voucher"]),
    ("store", &["error", "voucher"]),
    ("voucher", &["error"]),
    ("error", &[]),
];

/// Crates that only one room may name.
const CONFINED: [(&str, &str); 19] = [
    ("minijinja", "render"),
    ("minijinja_contrib", "render"),
    ("rmp_serde", "render"),
    ("rustix", "render"),
    ("redis", "store"),
    ("rusqlite", "store"),
    ("calamine", "intake"),
    ("chardetng", "intake"),
    ("croner", "intake"),
    ("encoding_rs", "intake"),
    ("flate2", "intake"),
    ("zip", "intake"),
    ("axum", "http"),
    ("governor", "http"),
    ("lettre", "delivery"),
    ("prometheus_client", "http"),
    ("utoipa", "http"),
    ("clap", "cli"),
    ("indicatif", "cli"),
];

fn sources() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.insert(path.clone(), std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// The room of a file; `lib.rs` and `main.rs` stand outside.
fn room(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = inside.components().next()?.as_os_str().to_str()?.trim_end_matches(".rs").to_owned();
    (!matches!(first.as_str(), "lib" | "main")).then_some(first)
}

/// The code without its comments: documentation may speak of every room.
fn code(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// Every room that a source names in a path: `crate::room`, also within `use crate::{…}`.
fn imported(source: &str) -> Vec<String> {
    let joined = code(source).collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for (at, _) in joined.match_indices("crate::") {
        let rest = &joined[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or_default(),
            None => rest.split([':', ';', ',', ' ', ')', '>', '(']).next().unwrap_or_default(),
        };
        found.extend(names.split(',').map(|name| name.trim().split("::").next().unwrap_or_default().to_owned()));
    }
    found
}

#[test]
fn imports_run_downward_only() {
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.into_iter().collect();
    let mut wrong = Vec::new();
    for (path, source) in sources() {
        let Some(room) = room(&path) else { continue };
        let Some(may) = allowed.get(room.as_str()) else {
            wrong.push(format!("{}: there is no room '{room}' in the table", path.display()));
            continue;
        };
        for name in imported(&source) {
            if allowed.contains_key(name.as_str()) && name != room && !may.contains(&name.as_str()) {
                wrong.push(format!("{}: {room} may not import {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_library_of_a_room_stays_in_it() {
    let mut wrong = Vec::new();
    for (path, source) in sources() {
        // The program's shim parses its arguments.
        let Some(room) = room(&path) else { continue };
        for (library, home) in CONFINED {
            let named = code(&source).any(|line| {
                line.match_indices(library).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    let after = line[at + library.len()..].chars().next();
                    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                    !word(before) && !word(after) && line[at + library.len()..].starts_with("::")
                })
            });
            if named && room != home {
                wrong.push(format!("{}: only {home} names {library}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_them() {
    let source =
        "use crate::store::Sqlite;\nuse crate::{render::X, cli};\n// crate::http\nfn f(x: crate::campaign::Y) {}";
    assert_eq!(imported(source), ["store", "render", "cli", "campaign"]);
}
