//! `key list`.

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::super::output::{minute, table};
use super::super::{Context, Exit, Format};
use crate::error::Result;
use crate::http::{Key, Scope};

#[derive(Args)]
#[command(after_help = "Examples:\n  tearoff key list\n  tearoff key list --json | jq -r '.[].id'")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    format: Format,
}

/// A key without its hashes.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    name: Option<&'a str>,
    scopes: &'a [Scope],
    created_at: Timestamp,
    old_secret_until: Option<Timestamp>,
}

impl<'a> Line<'a> {
    fn of(key: &'a Key) -> Line<'a> {
        Line {
            id: &key.id,
            name: key.name.as_deref(),
            scopes: &key.scopes,
            created_at: key.created_at,
            old_secret_until: key.old_secret_until(),
        }
    }
}

impl List {
    pub(super) fn run(&self, context: &Context) -> Result<Exit> {
        let keys = super::file(context).read()?;
        if self.format.json {
            context.output.json(&keys.iter().map(Line::of).collect::<Vec<_>>())?;
            return Ok(Exit::Done);
        }
        if keys.is_empty() {
            context.output.remark("there are no keys; 'tearoff key create --scope render' makes one");
            return Ok(Exit::Done);
        }
        let mut rows = table(&["id", "name", "made (UTC)", "old secret until (UTC)", "scopes"]);
        for key in &keys {
            let until = key.old_secret_until().map(minute).unwrap_or_default();
            let name = key.name.clone().unwrap_or_default();
            rows.add_row([key.id.clone(), name, minute(key.created_at), until, super::scopes(key)]);
        }
        context.output.table(rows)?;
        Ok(Exit::Done)
    }
}
