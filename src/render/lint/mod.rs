//! What an author should know of a template before it is sent.
//!
//! The rules read the author's source and not what it compiles to: a template that cannot be compiled is what they are needed
//! for most. What they cannot be sure of they do not tell.

mod autoescape;
mod claims;
mod escaping;
mod files;
mod foreign;
mod gsm;
mod length;
mod links;
mod loops;
mod markup;
mod near;

use serde::{Serialize, Serializer};

use self::files::{File, Files};
use super::failure::TemplateError;
use super::{Renderer, parts};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::Channel;

/// What an author should know, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing it is.
    pub rule: Rule,
    /// The part of the message, or the path of a partial.
    pub part: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A value in an attribute without quotes.
    UnquotedAttribute,
    /// A value in a script that is not written as JSON.
    ScriptValue,
    /// A value that is not escaped.
    SafeFilter,
    /// A value where escaping is switched off.
    AutoescapeOff,
    /// A value in a URL that is not encoded.
    UrlValue,
    /// A link whose scheme no mail client follows.
    LinkScheme,
    /// What looks like a placeholder and is none.
    NearPlaceholder,
    /// A claim whose code nobody gets to see.
    ClaimNotShown,
    /// A claim inside a loop that does not say how many codes are meant, or takes as many as data says.
    ClaimInLoop,
    /// A tag of another system.
    ForeignTag,
    /// A part does not compile.
    DoesNotCompile,
    /// A text message of several segments.
    LongSms,
    /// An e-mail that is clipped.
    LargeEmail,
}

impl Rule {
    /// The name in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::UnquotedAttribute => "unquoted-attribute",
            Rule::ScriptValue => "script-value",
            Rule::SafeFilter => "safe-filter",
            Rule::AutoescapeOff => "autoescape-off",
            Rule::UrlValue => "url-value",
            Rule::LinkScheme => "link-scheme",
            Rule::NearPlaceholder => "near-placeholder",
            Rule::ClaimNotShown => "claim-not-shown",
            Rule::ClaimInLoop => "claim-in-loop",
            Rule::ForeignTag => "foreign-tag",
            Rule::DoesNotCompile => "does-not-compile",
            Rule::LongSms => "long-sms",
            Rule::LargeEmail => "large-email",
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Renderer {
    /// What an author should know of a template of the folder before it is sent: in the order of its parts, then in its partials.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the folder or a required part is missing or not UTF-8. What does not compile is a
    /// finding.
    pub fn lint(&self, name: &str, channel: Channel) -> Result<Vec<Finding>> {
        let parts = self.read_parts(name, channel)?;
        let files = Files::read(name, &parts, self.folder.clone(), self.limits.source_bytes);
        let mut findings: Vec<Finding> = files.all.iter().flat_map(|file| of_file(file, channel)).collect();
        findings.extend(claims::not_shown(&files));
        findings.extend(loops::in_loops(&files));
        findings.extend(length::too_long(&files, channel));
        if let Err(error) = self.compile(name, channel, parts) {
            findings.push(does_not_compile(error, name)?);
        }
        let file = |part: &str| files.all.iter().position(|file| file.part == part).unwrap_or(usize::MAX);
        findings.sort_by_key(|finding| (file(&finding.part), finding.line, finding.column, finding.rule));
        Ok(findings)
    }

    /// The channel that a template of the folder has the parts of.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where there is no such folder, or it has the parts of no channel.
    pub fn channel_of(&self, name: &str) -> Result<Channel> {
        let folder = self.template_folder(name)?;
        let every = Channel::ALL.into_iter().flat_map(parts::parts).map(|(part, _)| *part);
        let present: Vec<&str> = every.filter(|part| folder.join(part).is_file()).collect();
        let has = |channel: Channel, part: &&str| parts::parts(channel).iter().any(|(known, _)| known == part);
        let fits = |channel: &Channel| {
            parts::check(name, *channel, &present).is_ok() && present.iter().all(|part| has(*channel, part))
        };
        Channel::ALL.into_iter().find(fits).ok_or_else(|| {
            let message = format!("template '{name}' has not the parts of any channel");
            Error::new(ErrorKind::InvalidInput, message).with_help("say how the message travels")
        })
    }
}

fn of_file(file: &File, channel: Channel) -> Vec<Finding> {
    let mut found = escaping::unescaped(file);
    found.extend(autoescape::switched_off(file));
    if file.is_html() || file.is_url() {
        let spots = markup::spots(file);
        found.extend(escaping::misplaced(file, &spots));
        found.extend(links::strange(file, &spots, channel));
    }
    found.extend(near::placeholders(file));
    found.extend(foreign::tags(file));
    found
}

/// The engine's error as a finding; other errors are no findings.
fn does_not_compile(error: Error, template: &str) -> Result<Finding> {
    let Some(cause) = error.cause().and_then(|cause| cause.downcast_ref::<TemplateError>()) else { return Err(error) };
    let place = cause.place.as_ref();
    let file = place.map_or(template, |place| &place.file);
    let own = file.strip_prefix(template).and_then(|rest| rest.strip_prefix('/'));
    Ok(Finding {
        rule: Rule::DoesNotCompile,
        part: own.unwrap_or(file).to_owned(),
        line: place.map_or(1, |place| place.line),
        column: place.map_or(1, |place| place.column),
        message: cause.message.clone(),
        help: "mend it: no message can be made of this template".to_owned(),
    })
}
