//! `key`: who may call the HTTP service.

mod create;
mod list;
mod revoke;
mod rotate;

use clap::Subcommand;

use super::output::Output;
use super::{Context, Exit};
use crate::error::Result;
use crate::http::{Key, KeyFile};

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key, and print it once
    Create(create::Create),
    /// List the keys
    List(list::List),
    /// End a key; a running service refuses it within a second
    Revoke(revoke::Revoke),
    /// Give a key a new secret, and print it once
    Rotate(rotate::Rotate),
}

impl KeyCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            KeyCommand::Create(create) => create.run(context),
            KeyCommand::List(list) => list.run(context),
            KeyCommand::Revoke(revoke) => revoke.run(context),
            KeyCommand::Rotate(rotate) => rotate.run(context),
        }
    }
}

/// The file of the keys.
fn file(context: &Context) -> KeyFile {
    KeyFile::at(&context.http.keys)
}

/// What a key allows, as a list.
fn scopes(key: &Key) -> String {
    key.scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Prints what the owner of a key is to present.
fn show(presented: &str, key: &Key, output: &Output) -> Result<()> {
    output.text(presented)?;
    output.remark(format!(
        "key '{}' allows {}; it is shown this once, so keep it in a safe place",
        key.id,
        scopes(key)
    ));
    Ok(())
}
