//! The filter `urlize`: addresses in a text become links.

use minijinja::{Error, State, Value};

use super::args::{Args, Entry, invalid, items};
use super::output::html;
use super::text::{Text, prints_html, safe_if};

pub(super) const FILTERS: &[Entry] =
    &[("urlize", &["value", "trim_url_limit", "nofollow", "target", "rel", "extra_schemes"], urlize)];

/// How links are written.
struct Links {
    limit: Option<usize>,
    attributes: String,
    schemes: Vec<String>,
}

fn urlize(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let text = args.text("value");
    let escaped = if text.is_safe() { text.as_str().to_owned() } else { html(text.as_str()) };
    let links = Links {
        limit: args.integer("trim_url_limit")?.map(|limit| usize::try_from(limit).unwrap_or(0)),
        attributes: attributes(args),
        schemes: schemes(args)?,
    };
    let mut linked = String::with_capacity(escaped.len() * 2);
    for piece in escaped.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end_matches(char::is_whitespace);
        linked.push_str(&links.word(word));
        linked.push_str(&piece[word.len()..]);
    }
    Ok(safe_if(prints_html(state), linked))
}

fn attributes(args: &Args) -> String {
    let rel = args.text("rel");
    let mut rel: Vec<&str> = rel.as_str().split_whitespace().chain(["noopener"]).collect();
    if args.flag("nofollow", false) {
        rel.push("nofollow");
    }
    rel.sort_unstable();
    rel.dedup();
    let target = args.given("target").map(|target| format!(" target=\"{}\"", html(Text::of(target).as_str())));
    format!(" rel=\"{}\"{}", html(&rel.join(" ")), target.unwrap_or_default())
}

fn schemes(args: &Args) -> Result<Vec<String>, Error> {
    let schemes: Vec<String> =
        items(args.value("extra_schemes"))?.iter().map(|scheme| Text::of(scheme).as_str().to_owned()).collect();
    for scheme in &schemes {
        let name = scheme.trim_end_matches('/').strip_suffix(':').unwrap_or_default();
        let known = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
        if name.is_empty() || !name.chars().all(known) {
            return Err(invalid(format!("'{scheme}' is not a URL scheme, such as `tel:` or `ftp://`")));
        }
    }
    Ok(schemes)
}

impl Links {
    fn word(&self, word: &str) -> String {
        let (head, rest) = split_head(word);
        let (middle, tail) = split_tail(rest);
        let (middle, tail) = balanced(middle, tail);
        format!("{head}{}{tail}", self.link(&middle).unwrap_or(middle))
    }

    fn link(&self, word: &str) -> Option<String> {
        let attributes = &self.attributes;
        if is_web_address(word) {
            let scheme = if word.starts_with("https://") || word.starts_with("http://") { "" } else { "https://" };
            return Some(format!("<a href=\"{scheme}{word}\"{attributes}>{}</a>", self.shortened(word)));
        }
        if let Some(address) = word.strip_prefix("mailto:").filter(|address| is_mail_address(address)) {
            return Some(format!("<a href=\"{word}\">{address}</a>"));
        }
        if !word.starts_with("www.") && !word.starts_with('@') && !word.contains(':') && is_mail_address(word) {
            return Some(format!("<a href=\"mailto:{word}\">{word}</a>"));
        }
        let known = self.schemes.iter().any(|scheme| word != scheme && word.starts_with(scheme.as_str()));
        known.then(|| format!("<a href=\"{word}\"{attributes}>{word}</a>"))
    }

    fn shortened(&self, address: &str) -> String {
        match self.limit.and_then(|limit| address.char_indices().nth(limit)) {
            Some((end, _)) => format!("{}...", &address[..end]),
            None => address.to_owned(),
        }
    }
}

fn split_head(word: &str) -> (&str, &str) {
    let mut rest = word;
    while let Some(after) = ["(", "<", "&lt;"].iter().find_map(|mark| rest.strip_prefix(mark)) {
        rest = after;
    }
    word.split_at(word.len() - rest.len())
}

fn split_tail(word: &str) -> (&str, &str) {
    let mut rest = word;
    while let Some(before) = [")", ">", ".", ",", "&gt;"].iter().find_map(|mark| rest.strip_suffix(mark)) {
        rest = before;
    }
    word.split_at(rest.len())
}

/// Gives an address back the closing brackets that it opened.
fn balanced(middle: &str, tail: &str) -> (String, String) {
    let (mut middle, mut tail) = (middle.to_owned(), tail.to_owned());
    for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
        let opened = middle.matches(open).count();
        if opened <= middle.matches(close).count() {
            continue;
        }
        for _ in 0..opened.min(tail.matches(close).count()) {
            let end = tail.find(close).map_or(0, |at| at + close.len());
            middle.extend(tail.drain(..end));
        }
    }
    (middle, tail)
}

/// A web address has a scheme, or starts with `www.`, or ends in one of the old top-level domains.
fn is_web_address(word: &str) -> bool {
    let lower = word.to_lowercase();
    let scheme = ["https://", "http://"].iter().find_map(|scheme| lower.strip_prefix(scheme));
    let rest = scheme.or_else(|| lower.strip_prefix("www.")).unwrap_or(&lower);
    let Some((host, port)) = split_host(rest) else { return false };
    if port.is_some_and(|port| port.is_empty() || port.len() > 5 || !port.bytes().all(|b| b.is_ascii_digit())) {
        return false;
    }
    if scheme.is_some() && (host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()) {
        return true;
    }
    let labels: Vec<&str> = host.split('.').collect();
    let Some((last, others)) = labels.split_last() else { return false };
    if !others.iter().all(|label| is_label(label)) {
        return false;
    }
    if scheme.is_some() || lower.starts_with("www.") {
        return is_top_level(last);
    }
    !others.is_empty()
        && others.iter().all(|label| (2..=63).contains(&label.chars().count()))
        && ["com", "net", "int", "edu", "gov", "org", "info", "mil"].contains(last)
}

/// The host and the port before the path, query or fragment.
fn split_host(rest: &str) -> Option<(&str, Option<&str>)> {
    let authority = rest.split(['/', '?', '#']).next()?;
    if authority.starts_with('[') {
        let end = authority.find(']')?;
        let address = authority[1..end].parse::<std::net::Ipv6Addr>();
        return address.ok().map(|_| (&authority[..=end], authority[end + 1..].strip_prefix(':')));
    }
    Some(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || "_%-".contains(c))
}

fn is_top_level(label: &str) -> bool {
    match label.strip_prefix("xn--") {
        Some(rest) => rest.len() >= 2 && rest.chars().all(|c| c.is_alphanumeric() || "_%".contains(c)),
        None => (2..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_lowercase()),
    }
}

fn is_mail_address(word: &str) -> bool {
    let Some((user, domain)) = word.rsplit_once('@') else { return false };
    let Some((name, top)) = domain.rsplit_once('.') else { return false };
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    !user.is_empty()
        && name.starts_with(letter)
        && name.chars().all(|c| letter(c) || ".-".contains(c))
        && !top.is_empty()
        && top.chars().all(letter)
}
