//! The files that a template is made of, as its author wrote them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Finding, Rule};
use crate::render::mentions::{self, included_by};
use crate::render::scan::{Segment, Token, segments, tokens};
use crate::render::source::Source;
use crate::render::sources::Sources;

/// A part or a partial.
pub(super) struct File {
    /// The engine's name for it.
    path: String,
    /// The author's name for it.
    pub(super) part: String,
    pub(super) source: Arc<Source>,
    pub(super) segments: Vec<Segment>,
}

/// A place where the engine evaluates.
pub(super) struct Evaluated<'s> {
    /// The first word of a statement; `None` in an expression.
    pub(super) statement: Option<&'s str>,
    /// What follows the marks of white-space control, the word of the statement included.
    pub(super) tokens: Vec<(usize, Token<'s>)>,
}

impl File {
    fn new(path: String, part: String, source: Arc<Source>) -> File {
        let segments = segments(&source.original);
        File { path, part, source, segments }
    }

    pub(super) fn text(&self) -> &str {
        &self.source.original
    }

    pub(super) fn is_html(&self) -> bool {
        self.part.ends_with(".html")
    }

    /// Whether the part is nothing but an address.
    pub(super) fn is_url(&self) -> bool {
        matches!(self.part.as_str(), "link.txt" | "media.txt")
    }

    pub(super) fn evaluated(&self) -> impl Iterator<Item = Evaluated<'_>> {
        self.segments.iter().filter_map(|segment| evaluated(self.text(), segment))
    }

    pub(super) fn finding(
        &self,
        rule: Rule,
        offset: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Finding {
        let (line, column) = self.source.position(offset);
        Finding { rule, part: self.part.clone(), line, column, message: message.into(), help: help.into() }
    }
}

/// A segment's tokens, if it is evaluated.
pub(super) fn evaluated<'s>(source: &'s str, segment: &Segment) -> Option<Evaluated<'s>> {
    let (range, is_statement) = match segment {
        Segment::Expression(range) => (range.clone(), false),
        Segment::Statement(range) => (range.clone(), true),
        Segment::Text(_) | Segment::Raw(_) => return None,
    };
    let mut tokens = tokens(source, range);
    if matches!(tokens.first(), Some((_, Token::Mark('-' | '+')))) {
        tokens.remove(0);
    }
    if matches!(tokens.last(), Some((_, Token::Mark('-' | '+')))) {
        tokens.pop();
    }
    let word = if let Some((_, Token::Name(word))) = tokens.first() { word } else { "" };
    Some(Evaluated { statement: is_statement.then_some(word), tokens })
}

/// A template's parts, and then what they include by a literal path.
pub(super) struct Files {
    pub(super) all: Vec<File>,
    parts: usize,
}

impl Files {
    /// What cannot be read, or exhausts the engine, is left to the compiler, which says so.
    pub(super) fn read(
        template: &str,
        parts: &[(&'static str, String)],
        folder: Option<PathBuf>,
        limit: usize,
    ) -> Files {
        let mut sources = Sources::new(folder, limit);
        let mut all = Vec::new();
        for (part, text) in parts {
            let path = format!("{template}/{part}");
            if let Ok(source) = sources.add(&path, text) {
                all.push(File::new(path, (*part).to_owned(), source));
            }
        }
        let (parts, mut next) = (all.len(), 0);
        while next < all.len() {
            for inclusion in mentions::included(all[next].text()) {
                let path = inclusion.path.name;
                if all.iter().any(|file| file.path == path) {
                    continue;
                }
                if let Ok(Some(source)) = sources.load(&path) {
                    all.push(File::new(path.clone(), path, source));
                }
            }
            next += 1;
        }
        Files { all, parts }
    }

    pub(super) fn parts(&self) -> &[File] {
        &self.all[..self.parts]
    }

    pub(super) fn at(&self, path: &str) -> Option<&File> {
        self.all.iter().find(|file| file.path == path)
    }

    /// Whether a path is made when a message renders, so that nobody knows which file it leads to.
    pub(super) fn include_unknown(&self) -> bool {
        let is_unknown = |found: &Evaluated<'_>| {
            let is_inclusion = matches!(found.statement, Some("include" | "import" | "from" | "extends"));
            is_inclusion && included_by(&found.tokens).is_none()
        };
        self.all.iter().any(|file| file.evaluated().any(|found| is_unknown(&found)))
    }

    /// The files that share variables with this one: every part that includes it, and whatever such a part includes.
    pub(super) fn around<'f>(&'f self, file: &'f File) -> Vec<&'f File> {
        let reached: Vec<BTreeSet<&str>> = self.parts().iter().map(|part| self.reached_from(part)).collect();
        let around: BTreeSet<&str> =
            reached.into_iter().filter(|paths| paths.contains(file.path.as_str())).flatten().collect();
        self.all.iter().filter(|file| around.contains(file.path.as_str())).collect()
    }

    fn reached_from<'f>(&'f self, part: &'f File) -> BTreeSet<&'f str> {
        let (mut reached, mut open) = (BTreeSet::from([part.path.as_str()]), vec![part]);
        while let Some(file) = open.pop() {
            for inclusion in mentions::included(file.text()) {
                if let Some(file) = self.at(&inclusion.path.name)
                    && reached.insert(&file.path)
                {
                    open.push(file);
                }
            }
        }
        reached
    }
}
