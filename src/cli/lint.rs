//! `lint`: what an author should know of a template before a send.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use comfy_table::Table;
use serde::Serialize;

use super::output::{HINT, counted, table};
use super::{Context, Exit, Format};
use crate::error::Result;
use crate::render::{Finding, Renderer, Rule};
use crate::voucher::Channel;

const MORE: &str = "\
Examples:
  tearoff lint welcome
  tearoff lint flash-sms --channel sms
  tearoff lint spring-sale --json | jq -r '.findings[] | \"\\(.part):\\(.line):\\(.column): \\(.message)\"'

Reads the template only, and opens no store. Ends with exit code 1 where there is a finding. The rules are listed in
docs/TEMPLATES.md.";

#[derive(Args)]
#[command(after_help = MORE)]
pub(super) struct Lint {
    /// The template: a folder of parts
    template: String,
    /// How the message travels [default: the channel whose parts the folder has]
    #[arg(long, value_parser = PossibleValuesParser::new(Channel::ALL.map(Channel::as_str)))]
    channel: Option<String>,
    /// The folder of the templates
    #[arg(long, value_name = "DIR", default_value = "templates")]
    templates: PathBuf,
    #[command(flatten)]
    format: Format,
}

#[derive(Serialize)]
struct Report<'r> {
    template: &'r str,
    findings: &'r [Finding],
}

impl Lint {
    pub(super) fn run(&self, context: &Context) -> Result<Exit> {
        let renderer = Renderer::new(context.limits).in_folder(&self.templates);
        let channel = match &self.channel {
            Some(channel) => channel.parse()?,
            None => renderer.channel_of(&self.template)?,
        };
        let findings = renderer.lint(&self.template, channel)?;
        if self.format.json {
            context.output.json(&Report { template: &self.template, findings: &findings })?;
        } else if !findings.is_empty() {
            context.output.table(listing(&findings))?;
            tell_remedies(context, &findings);
        }
        context.output.remark(format_args!("{} in {} as {channel}", number(&findings), self.template));
        Ok(if findings.is_empty() { Exit::Done } else { Exit::Unexpected })
    }
}

fn listing(findings: &[Finding]) -> Table {
    let mut listing = table(&["RULE", "WHERE", "WHAT IS WRONG"]);
    for Finding { rule, part, line, column, message, .. } in findings {
        listing.add_row([rule.as_str(), &format!("{part}:{line}:{column}"), message]);
    }
    listing
}

/// What to do, once where several findings ask for the same.
fn tell_remedies(context: &Context, findings: &[Finding]) {
    if context.output.is_quiet() {
        return;
    }
    let remedies: BTreeSet<(Rule, &str)> = findings.iter().map(|found| (found.rule, found.help.as_str())).collect();
    for (rule, help) in remedies {
        context.output.labeled(HINT, "help", format_args!("{}: {help}", rule.as_str()));
    }
}

fn number(findings: &[Finding]) -> String {
    if findings.is_empty() { "no finding".to_owned() } else { counted(findings.len() as u64, "finding") }
}
