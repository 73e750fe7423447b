//! Where links lead.

use crate::render::entities::decoded;

/// Where a link leads, as a reader of a text can use it.
#[derive(Debug)]
pub(super) enum Target {
    /// An address to open.
    Page(String),
    /// An e-mail address or a telephone number.
    Contact(String),
}

/// How a target stands with the text of its link.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// The text says it.
    InText,
    /// It replaces the text, which says it less completely.
    Instead,
    Beside,
}

impl Target {
    /// None if it leads nowhere from a text: into the page, to a script, or to a path without its site.
    pub(super) fn of(href: &str) -> Option<Target> {
        let href = decoded(href.trim());
        let (scheme, rest) = href.split_once(':').unwrap_or_default();
        let is_one_of = |schemes: &[&str]| schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme));
        match scheme {
            _ if is_one_of(&["https", "http"]) => Some(Target::Page(without_white_space(href))),
            _ if is_one_of(&["mailto", "tel", "sms", "callto"]) => {
                let contact = rest.split('?').next().unwrap_or_default().trim();
                (!contact.is_empty()).then(|| Target::Contact(contact.to_owned()))
            }
            _ if is_one_of(&["javascript", "vbscript", "data", "cid", "about", "file"]) => None,
            _ if href.is_empty() || href.starts_with('#') => None,
            _ if href.starts_with('/') && !href.starts_with("//") => None,
            // What a mail system replaces later, such as its own unsubscribe link, stays as it is.
            _ => Some(Target::Page(href)),
        }
    }

    pub(super) fn address(&self) -> &str {
        let (Target::Page(address) | Target::Contact(address)) = self;
        address
    }

    pub(super) fn beside(&self, text: &str) -> Shown {
        match self {
            Target::Page(url) if url == text => Shown::InText,
            Target::Page(url) if bare(url) == bare(text) => Shown::Instead,
            Target::Contact(contact) if significant(contact).eq(significant(text)) => Shown::InText,
            _ => Shown::Beside,
        }
    }
}

/// Line ends and tabs in a URL are dropped, as browsers do; a space would end it in a text.
fn without_white_space(url: String) -> String {
    if !url.bytes().any(|byte| byte <= b' ') {
        return url;
    }
    let kept: String = url.chars().filter(|c| !c.is_control()).collect();
    kept.split_whitespace().collect::<Vec<_>>().join("%20")
}

fn bare(url: &str) -> &str {
    let url = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    url.strip_prefix("www.").unwrap_or(url).trim_end_matches('/')
}

fn significant(contact: &str) -> impl Iterator<Item = char> {
    contact.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}
