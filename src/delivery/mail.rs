//! A rendered message as an e-mail: its headers, and its parts as MIME.

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{MultiPart, SinglePart};
use sha2::{Digest, Sha256};

use super::address::{Address, Sender};
use super::settings::{DeliverySettings, UnsubscribeUrl};
use super::{header, preheader};
use crate::campaign::Personalized;
use crate::error::{Error, ErrorKind, Result};
use crate::render::Purpose;
use crate::voucher::{MessageId, Mode};

/// The e-mail of a rendered message. No header but the subject says anything of its customer or its codes.
pub(super) fn mail(
    settings: &DeliverySettings,
    to: Option<&Address>,
    (id, purpose): (&MessageId, Purpose),
    rendered: &Personalized,
) -> Result<Message> {
    let nobody = Sender::nobody()?;
    let from = settings.from.as_ref().unwrap_or(&nobody);
    let mut builder = Message::builder()
        .from(from.mailbox())
        .to(to.map_or_else(|| from.mailbox(), Address::mailbox))
        .raw_header(header::text("Subject", part(rendered, "subject.txt").unwrap_or_default())?)
        .message_id(Some(format!("<{}@{}>", name(id, purpose), from.domain())))
        .raw_header(fixed("Auto-Submitted", "auto-generated"))
        .raw_header(fixed("X-Tearoff-Mode", mode(purpose)));
    let urls = &settings.list_unsubscribe;
    if !urls.is_empty() {
        let all: Vec<String> = urls.iter().map(UnsubscribeUrl::bracketed).collect();
        builder = builder.raw_header(fixed("List-Unsubscribe", &all.join(", ")));
    }
    if urls.iter().any(UnsubscribeUrl::takes_one_click) {
        builder = builder.raw_header(fixed("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
    }
    let unmade = |error| Error::new(ErrorKind::InvalidInput, "the message makes no e-mail").with_source(error);
    match page(rendered) {
        Some(html) => builder.multipart(MultiPart::alternative().singlepart(plain(rendered)).singlepart(html)),
        None => builder.singlepart(plain(rendered)),
    }
    .map_err(unmade)
}

/// A name for the e-mails of a message: always the same, and nothing of the message's id can be read in it.
pub(super) fn name(id: &MessageId, purpose: Purpose) -> String {
    let hash = Sha256::digest(format!("{}\0{}", mode(purpose), id.as_str()));
    hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The mode in headers. What is live is never made an e-mail here.
fn mode(purpose: Purpose) -> &'static str {
    purpose.mode().map_or("preview", Mode::as_str)
}

fn plain(rendered: &Personalized) -> SinglePart {
    SinglePart::plain(part(rendered, "body.txt").unwrap_or_default().to_owned())
}

fn page(rendered: &Personalized) -> Option<SinglePart> {
    let page = part(rendered, "body.html")?;
    let line = part(rendered, "preheader.txt").unwrap_or_default();
    Some(SinglePart::html(preheader::with_preheader(page, line).into_owned()))
}

fn part<'a>(rendered: &'a Personalized, name: &str) -> Option<&'a str> {
    rendered.parts.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str())
}

/// A header whose text is ours, and plain.
fn fixed(name: &'static str, text: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), text.to_owned())
}
