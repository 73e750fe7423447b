//! The web pages whose scripts may call: origins, as browsers name them.

use std::fmt;

use axum::http::HeaderValue;
use serde::Deserialize;
use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// Origins such as `https://shop.example`. Written as a list, or as text with commas between them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Written")]
pub struct Origins(Vec<HeaderValue>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a list of origins, such as [\"https://shop.example\"]")]
enum Written {
    Text(String),
    List(Vec<String>),
}

impl Origins {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they stand in headers.
    pub(super) fn headers(&self) -> &[HeaderValue] {
        &self.0
    }
}

impl TryFrom<Written> for Origins {
    type Error = Error;

    fn try_from(written: Written) -> Result<Origins> {
        let origins = match written {
            Written::List(origins) => origins,
            Written::Text(text) => text.split(',').map(|origin| origin.trim().to_owned()).collect(),
        };
        origins
            .iter()
            .filter(|origin| !origin.is_empty())
            .map(|origin| header(origin))
            .collect::<Result<_>>()
            .map(Origins)
    }
}

fn header(origin: &str) -> Result<HeaderValue> {
    let is_origin = Url::parse(origin)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == origin);
    HeaderValue::try_from(origin).ok().filter(|_| is_origin).ok_or_else(|| {
        let message = format!("'{origin}' is no origin: write scheme, host and port only, as in https://shop.example");
        Error::new(ErrorKind::InvalidInput, message)
    })
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origins: Vec<&str> = self.0.iter().filter_map(|origin| origin.to_str().ok()).collect();
        f.write_str(&origins.join(", "))
    }
}
