//! What the service says of itself when it starts.

use std::path::Path;

use super::super::Context;
use super::super::output::grouped;
use super::imports::Imports;
use crate::http::{HttpSettings, KeyRing};

/// Says what is served, to whom, and within what.
pub(super) fn tell(
    context: &Context,
    settings: &HttpSettings,
    keys: Option<&KeyRing>,
    templates: &Path,
    imports: &Imports,
) {
    let say = |name: &str, what: String| context.output.remark(format!("{name:<12}{what}"));
    say("store", context.store.to_string());
    say("project", context.project.clone());
    say("templates", templates.display().to_string());
    if !context.layers.is_empty() {
        say("layers", context.layers.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    }
    say("keys", keys_of(settings, keys));
    say("limits", limits(settings));
    if !settings.cors_origins.is_empty() {
        say("pages", settings.cors_origins.to_string());
    }
    if imports.count > 0 {
        say("imports", format!("{}, run when they are due", imports.count));
    }
    if keys.is_some_and(KeyRing::is_empty) {
        context
            .output
            .warn("there is no key, so nobody can call the service; 'tearoff key create --scope render' makes one");
    }
}

fn keys_of(settings: &HttpSettings, keys: Option<&KeyRing>) -> String {
    match keys {
        Some(_) => settings.keys.display().to_string(),
        None => "none: whoever reaches this machine may do everything".to_owned(),
    }
}

fn limits(settings: &HttpSettings) -> String {
    format!(
        "{} connections, bodies of {} bytes, {} s for a call, {} s to stop",
        grouped(settings.connections.get() as u64),
        grouped(settings.body_bytes as u64),
        settings.request_seconds,
        settings.grace_seconds
    )
}
