//! Who looks at a layer.

use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::keys::VisitorKeys;
use super::token::Visit;
use crate::render::{Attributes, Field};
use crate::voucher::CustomerId;

/// The cookie of visitors who are nobody's customers yet.
const COOKIE_NAME: &str = "tearoff_visitor";
/// What their ids begin with. They are short: Redis keeps what is bound in a third of the memory where it has at most 64 bytes.
const ANONYMOUS: &str = "anon:";
/// How many random bytes an id has: nobody guesses it, since it is signed, and no two visitors share one.
const RANDOM_BYTES: usize = 12;

/// Who looks at a layer.
#[derive(Debug)]
pub(super) enum Visitor {
    /// A customer, as a token says.
    Customer(Visit),
    /// Somebody whom a cookie will know again.
    Anonymous(CustomerId),
}

impl Visitor {
    /// The visitor whom a token names.
    pub(super) fn of_token(token: &str, layer: &str, keys: &VisitorKeys) -> Option<Visitor> {
        Visit::read(token, layer, keys, Timestamp::now()).map(Visitor::Customer)
    }

    /// The visitor whom the cookie names; without one that is signed, somebody new.
    pub(super) fn of_cookie(headers: &HeaderMap, keys: &VisitorKeys) -> Option<Visitor> {
        let known = cookies(headers).find_map(|cookie| {
            let id = keys.verify(cookie)?;
            id.starts_with(ANONYMOUS).then(|| id.to_owned())
        });
        let id = known
            .unwrap_or_else(|| format!("{ANONYMOUS}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; RANDOM_BYTES]>())));
        CustomerId::new(id).ok().map(Visitor::Anonymous)
    }

    /// What names them in message ids and to limits.
    pub(super) fn id(&self) -> &CustomerId {
        match self {
            Visitor::Customer(visit) => visit.customer(),
            Visitor::Anonymous(id) => id,
        }
    }

    /// `customer.…` of the template.
    pub(super) fn attributes(&self) -> Attributes {
        match self {
            Visitor::Customer(visit) => visit.attributes(),
            Visitor::Anonymous(id) => Attributes::from_fields([("id", Field::text(id.as_str()))]),
        }
    }

    /// The cookie that knows them again. Of a page that came over https, it goes along from every site, kept apart for each.
    pub(super) fn cookie(&self, is_https: bool, lifetime: Duration, keys: &VisitorKeys) -> Option<HeaderValue> {
        let Visitor::Anonymous(id) = self else { return None };
        let value = keys.sign(id.as_str())?;
        let site = if is_https { "SameSite=None; Secure; Partitioned" } else { "SameSite=Lax" };
        let age = lifetime.as_secs();
        let cookie = format!("{COOKIE_NAME}={value}; Path=/v1/layers; Max-Age={age}; HttpOnly; {site}");
        HeaderValue::from_str(&cookie).ok()
    }
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}
