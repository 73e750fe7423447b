//! `token`: who looks at a web layer, signed.

use clap::Args;
use serde_json::{Map, Value};

use super::report::in_argument;
use super::{Context, Exit, argument};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Visit, VisitorKeys};
use crate::voucher::parse_duration;

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff token --layer spring --customer c42
  tearoff token --layer spring --customer c42 --valid-for 10m --attributes '{\"first_name\": \"Ada\"}'

It is signed with TEAROFF_VISITOR_SECRET, or else with the first key of the section [visitors] of tearoff.toml.")]
pub(super) struct Token {
    /// The layer that the token is for
    #[arg(long, value_name = "NAME")]
    layer: String,
    /// The customer; '-' reads the id from standard input
    #[arg(long, value_name = "ID")]
    customer: String,
    /// How long the token holds
    #[arg(long, value_name = "SPAN", default_value = "1h")]
    valid_for: String,
    /// What templates may know of the customer, as JSON
    #[arg(long, value_name = "JSON")]
    attributes: Option<String>,
}

impl Token {
    pub(super) fn run(&self, context: &Context) -> Result<Exit> {
        let valid_for = parse_duration(&self.valid_for).map_err(|error| in_argument("--valid-for", &error))?;
        let visit = Visit::new(&self.layer, argument::customer(&self.customer)?, valid_for)?;
        let attributes = self.attributes.as_deref().map(object).transpose()?.unwrap_or_default();
        let token = visit.with_attributes(attributes).token(&VisitorKeys::new(&context.visitors.keys))?;
        context.output.text(&token)?;
        Ok(Exit::Done)
    }
}

fn object(text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|_| {
        Error::new(ErrorKind::InvalidInput, "--attributes: not a JSON object")
            .with_help("write an object such as '{\"first_name\": \"Ada\"}'")
    })
}
