//! Which parts a message of each channel has.

use crate::error::{Error, ErrorKind, Result};
use crate::voucher::Channel;

/// A part of a message: the file that its template stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
    /// At least one of the parts so marked.
    OneOf,
}

/// The parts of a channel, in the order in which they render.
pub(super) fn parts(channel: Channel) -> &'static [(&'static str, Need)] {
    use Need::{OneOf, Optional, Required};
    match channel {
        Channel::Email => {
            &[("subject.txt", Required), ("preheader.txt", Optional), ("body.html", OneOf), ("body.txt", OneOf)]
        }
        Channel::Sms => &[("body.txt", Required)],
        Channel::Mms => &[("body.txt", Required), ("media.txt", Optional)],
        Channel::WebPush => &[("title.txt", Required), ("body.txt", Required), ("link.txt", Optional)],
        Channel::WebLayer => &[("body.html", Required), ("body.json", Optional), ("body.txt", Optional)],
        Channel::Webhook => &[("body.json", Required)],
    }
}

/// The name of a part that some channel has.
pub(super) fn known(name: &str) -> Option<&'static str> {
    Channel::ALL.into_iter().flat_map(parts).map(|(part, _)| *part).find(|part| *part == name)
}

/// Checks that a template has what its channel requires.
///
/// # Errors
/// [`ErrorKind::InvalidInput`], naming the missing part and the parts that are there.
pub(super) fn check(template: &str, channel: Channel, present: &[&str]) -> Result<()> {
    let has = |name: &str| present.contains(&name);
    let missing = |name: &&(&str, Need)| name.1 == Need::Required && !has(name.0);
    let one_of: Vec<&str> =
        parts(channel).iter().filter(|(_, need)| *need == Need::OneOf).map(|(name, _)| *name).collect();
    let lacking = match parts(channel).iter().find(missing) {
        Some((name, _)) => (*name).to_owned(),
        None if !one_of.is_empty() && !one_of.iter().any(|name| has(name)) => one_of.join(" or "),
        None => return Ok(()),
    };
    let there = if present.is_empty() { format!("no part of {channel}") } else { present.join(", ") };
    let error = Error::new(
        ErrorKind::InvalidInput,
        format!("template '{template}' has no {lacking}, which {channel} requires"),
    );
    Err(error.with_help(format!("add {template}/{lacking}, or choose another channel; there is {there}")))
}
