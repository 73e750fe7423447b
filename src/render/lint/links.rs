//! Links that no mail client follows.

use super::files::File;
use super::markup::Spot;
use super::{Finding, Rule};
use crate::render::entities::decoded;
use crate::voucher::Channel;

/// What a link or a picture may begin with; `cid` names a picture that travels with the mail.
const SCHEMES: [&str; 5] = ["https", "http", "mailto", "tel", "cid"];

/// The schemes that are followed where a file's links stand.
fn followed(file: &File) -> &'static [&'static str] {
    match file.part.as_str() {
        "media.txt" => &SCHEMES[..2],
        "link.txt" => &SCHEMES[..4],
        _ => &SCHEMES,
    }
}

/// Links with another scheme than those that are followed everywhere.
pub(super) fn strange(file: &File, spots: &[Spot], channel: Channel) -> Vec<Finding> {
    let finding = |spot: &Spot| {
        let Spot::Link(at) = spot else { return None };
        let literal = &file.text()[at.clone()];
        let is_picture = channel == Channel::WebLayer && literal.starts_with("data:image/");
        let scheme = scheme(literal).filter(|scheme| !is_picture && !followed(file).contains(&scheme.as_str()))?;
        let message = format!("mail clients and browsers refuse or remove a link that begins with {scheme}:");
        let help = if file.part == "media.txt" {
            "name an https: address"
        } else {
            "link to an https: address; mailto: and tel: work, too"
        };
        Some(file.finding(Rule::LinkScheme, at.start, message, help))
    };
    spots.iter().filter_map(finding).collect()
}

/// The scheme that a literal begins with, as a browser reads it: entities resolved, white space left out.
fn scheme(literal: &str) -> Option<String> {
    let link: String = decoded(literal).chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let (scheme, _) = link.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme.then(|| scheme.to_ascii_lowercase())
}
