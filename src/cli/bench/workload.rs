//! What is rendered for whom: templates, audiences and codes, all made of numbers, so that every run is the same.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::campaign::{Audience, AudienceSource, Columns};
use crate::error::{Error, ErrorKind, Result};
use crate::render::{Attributes, Message, Purpose, Renderer, Template};
use crate::voucher::{CampaignId, Channel, Code, Metadata, NewVoucher, PoolName};

/// How many codes a naive program imports at once.
const PIPELINE: usize = 1_000;

/// How the templates claim.
const CLAIM: &str = "vouchers['spring'].assign_available()";

const EMAIL: [(&str, &str); 3] = [
    ("subject.txt", include_str!("templates/email/subject.txt")),
    ("body.html", include_str!("templates/email/body.html")),
    ("body.txt", include_str!("templates/email/body.txt")),
];
const SMS: [(&str, &str); 1] = [("body.txt", include_str!("templates/sms/body.txt"))];
const LAYER: [(&str, &str); 1] = [("body.html", include_str!("templates/layer/body.html"))];

const FIRST_NAMES: [&str; 8] = ["Ada", "Björn", "Chloé", "Dmitri", "Elif", "Femi", "Grace", "Hiroko"];
const LAST_NAMES: [&str; 7] = ["Okafor", "Lindqvist", "O'Brien", "Novák", "Tanaka", "Moreau", "Silva"];
const CITIES: [&str; 5] = ["Ghent", "Łódź", "Porto", "Uppsala", "York"];
const THINGS: [&str; 11] =
    ["bowl", "lamp", "blanket", "jug", "vase", "tray", "towel & cloth", "candle", "basket", "cushion", "mirror"];
const MANNERS: [&str; 7] =
    ["Washed linen", "Blue clay", "Quiet brass", "Grey felt", "Bent ash", "Smoked glass", "Raw cotton"];

/// Where the codes of a template come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codes {
    /// Claimed from a pool.
    Claimed,
    /// Everybody has the same, and the store is never asked.
    Constant,
    /// The caller gives one, as the variable `code`.
    Given,
}

/// The template of a channel.
pub(super) fn template(renderer: &Renderer, channel: Channel, codes: Codes) -> Result<Arc<Template>> {
    let parts: &[_] = match channel {
        Channel::Email => &EMAIL,
        Channel::WebLayer => &LAYER,
        _ => &SMS,
    };
    let constant = format!("'{}'", code_text(0));
    let instead = match codes {
        Codes::Claimed => CLAIM,
        Codes::Constant => &constant,
        Codes::Given => "code",
    };
    let parts = parts.iter().map(|(name, source)| (*name, source.replace(CLAIM, instead)));
    Ok(Arc::new(renderer.compile("bench", channel, parts)?))
}

/// The pool that the templates name.
pub(super) fn pool() -> Result<PoolName> {
    PoolName::new("spring")
}

pub(super) fn campaign_id() -> Result<CampaignId> {
    CampaignId::new("bench")
}

/// A customer's id.
pub(super) fn customer_id(number: usize) -> String {
    format!("c{number:07}")
}

/// 12 characters made of a number, each number's its own: an odd factor permutes the numbers of 60 bits.
fn code_text(number: usize) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let scattered = (number as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..12).map(|place| char::from(LETTERS[(scattered >> (5 * place) & 31) as usize])).collect()
}

/// Codes as text, as many at a time as a naive program imports at once.
pub(super) fn pipelines(numbers: Range<usize>) -> impl Iterator<Item = Vec<String>> {
    spans(numbers, PIPELINE).map(|numbers| numbers.map(code_text).collect())
}

/// Codes on their way into a pool, so many at a time.
pub(super) fn portions(numbers: Range<usize>, size: usize) -> impl Iterator<Item = Result<Vec<NewVoucher>>> {
    let voucher = |number| {
        Ok(NewVoucher { code: Code::new(code_text(number))?, expires_at: None, metadata: Metadata::default() })
    };
    spans(numbers, size).map(move |numbers| numbers.map(voucher).collect())
}

fn spans(numbers: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    numbers.clone().step_by(size).map(move |start| start..(start + size).min(numbers.end))
}

/// Writes an audience: JSON lines for e-mails, which show products, and CSV for everything else.
pub(super) fn write_audience(path: &Path, channel: Channel, recipients: usize) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        if channel != Channel::Email {
            writeln!(file, "customer_id,first_name")?;
        }
        for number in 0..recipients {
            writeln!(file, "{}", row(channel, number))?;
        }
        file.flush()
    };
    write().map_err(|error| {
        Error::new(ErrorKind::Io, format!("cannot write {}: {error}", path.display())).with_source(error)
    })
}

/// The name of an audience's file.
pub(super) fn audience_name(channel: Channel) -> &'static str {
    if channel == Channel::Email { "audience.jsonl" } else { "audience.csv" }
}

fn row(channel: Channel, number: usize) -> String {
    let (id, first_name) = (customer_id(number), FIRST_NAMES[number % FIRST_NAMES.len()]);
    if channel != Channel::Email {
        return format!("{id},{first_name}");
    }
    let last_name = LAST_NAMES[number % LAST_NAMES.len()];
    let products: Vec<_> = (0..6).map(|place| product(number * 5 + place * 13)).collect();
    let customer = json!({
        "id": id, "first_name": first_name, "last_name": last_name, "email": format!("{id}@mail.example"), "city": CITIES[number % CITIES.len()],
        "season": "2027", "vip": number.is_multiple_of(4), "points": number * 37 % 1_000, "since": 2008 + number % 17,
        "products": products,
    });
    json!({ "customer": customer }).to_string()
}

fn product(number: usize) -> serde_json::Value {
    let (manner, thing) = (MANNERS[number % MANNERS.len()], THINGS[number % THINGS.len()]);
    let price = 12.0 + (number * 731 % 18_000) as f64 / 97.0;
    json!({
        "sku": format!("AF-{:05}", number * 7_919 % 100_000), "name": format!("{manner} {thing}"), "kind": manner,
        "price": price, "was": price.ceil() + 9.0, "stock": 1 + number % 40, "rating": 3.5 + (number % 4) as f64 / 2.0,
    })
}

/// The messages for an audience, as a campaign makes them.
pub(super) fn messages(path: &Path, channel: Channel) -> Result<Vec<Arc<Message>>> {
    let mut audience = Audience::open(&AudienceSource::File(path.to_owned()), &Columns::new())?;
    let campaign = Attributes::from_json(&json!({ "id": campaign_id()? }).to_string())?;
    let mut messages = Vec::new();
    while let Some(row) = audience.next_row()? {
        let recipient = row.content.map_err(|problem| Error::new(ErrorKind::InvalidInput, problem))?;
        let (customer, context) = (recipient.customer, recipient.context);
        messages.push(Arc::new(Message::new(None, (channel, Purpose::Live), customer, campaign.clone(), context)?));
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::render::Limits;

    fn renderer() -> Renderer {
        Renderer::new(Limits::default())
    }
    use crate::render::{Known, Rendering, Suspension};

    fn first_message(channel: Channel) -> Arc<Message> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(audience_name(channel));
        write_audience(&path, channel, 3).unwrap();
        let messages = messages(&path, channel).unwrap();
        assert_eq!(messages.len(), 3);
        Arc::clone(&messages[0])
    }

    #[test]
    fn an_email_is_of_about_10_kb_and_waits_for_one_code() {
        let message = first_message(Channel::Email);
        let source: usize = EMAIL.iter().map(|(_, source)| source.len()).sum();
        assert!((5_500..6_500).contains(&source), "{source} bytes of source");
        let constant = template(&renderer(), Channel::Email, Codes::Constant).unwrap();
        let Rendering::Complete(rendered) = constant.render(&message, &Arc::default()) else { panic!("a message") };
        let size: usize = rendered.parts.iter().map(|(_, text)| text.len()).sum();
        assert!((9_500..10_500).contains(&size), "{size} bytes of output");
        let claimed = template(&renderer(), Channel::Email, Codes::Claimed).unwrap();
        let rendering = claimed.render(&message, &Arc::<Known>::default());
        assert!(matches!(rendering, Rendering::Suspended(Suspension::Claim(_))), "{rendering:?}");
    }

    #[test]
    fn every_channel_renders_with_a_code_that_is_given() {
        for channel in [Channel::Email, Channel::Sms, Channel::WebLayer] {
            let mut message = Message::clone(&first_message(channel));
            message.context = Attributes::from_json(r#"{"code": "GIVEN-CODE"}"#).unwrap();
            let given = template(&renderer(), channel, Codes::Given).unwrap();
            let Rendering::Complete(rendered) = given.render(&Arc::new(message), &Arc::default()) else {
                panic!("{channel}")
            };
            assert!(rendered.parts.iter().any(|(_, text)| text.contains("GIVEN-CODE")), "{channel}");
        }
    }

    #[test]
    fn no_two_numbers_make_the_same_code() {
        let codes: HashSet<String> = pipelines(0..100_000).flatten().collect();
        assert!(codes.len() == 100_000 && codes.iter().all(|code| code.len() == 12));
        let portions: Vec<usize> = portions(5..20_010, 10_000).map(|portion| portion.unwrap().len()).collect();
        assert_eq!(portions, [10_000, 10_000, 5]);
    }
}
