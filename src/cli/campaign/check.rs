//! `campaign check`: what an audience needs, before any of it is taken.

use std::path::PathBuf;

use clap::Args;

use super::prepared::{Prepared, store_to_look_at};
use crate::campaign::{Forecast, Reason};
use crate::cli::output::{BOLD, counted, grouped, table};
use crate::cli::{Context, Exit, Format};
use crate::error::{Error, ErrorKind, Result};

const CHECK_EXAMPLES: &str = "\
Examples:
  tearoff campaign check campaign.toml           what the audience needs, and who would go without
  tearoff campaign check campaign.toml --static  only whether the template is sound and its pools exist";

#[derive(Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(in crate::cli) struct Check {
    /// The campaign file
    file: PathBuf,
    /// Do not read the audience: look only at the template and the pools that it names
    #[arg(long = "static")]
    without_audience: bool,
    #[command(flatten)]
    format: Format,
}

impl Check {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let prepared = Prepared::read(&self.file, context)?;
        let store = store_to_look_at(context).await?;
        prepared.check_pools(&*store).await?;
        if self.without_audience {
            prepared.show_pools(context, &self.format)?;
            return Ok(Exit::Done);
        }
        let forecast = prepared.forecast(context, store, None).await?;
        if self.format.json {
            context.output.json(&forecast)?;
        } else {
            show_forecast(context, &forecast)?;
        }
        warn(context, &forecast);
        fails_for_everybody(&forecast)?;
        Ok(if forecast.enough { Exit::Done } else { Exit::PoolTooSmall })
    }
}

pub(super) fn show_forecast(context: &Context, forecast: &Forecast) -> Result<()> {
    let title = format!("campaign {}: {}", forecast.campaign_id, counted(forecast.recipients, "recipient"));
    context.output.text(&context.output.styled(BOLD, title))?;
    if forecast.pools.is_empty() {
        return context.output.text("no new voucher is needed");
    }
    let mut rows = table(&["POOL", ">NEEDED", ">AVAILABLE", ">MISSING", "RUNS DRY AT"]);
    for (name, pool) in &forecast.pools {
        let dry =
            pool.dry_at.as_ref().map(|dry| format!("row {} (customer {})", grouped(dry.row), dry.customer_id.as_str()));
        let [needed, available, missing] = [pool.needed, pool.available, pool.missing].map(grouped);
        rows.add_row([name.as_str().to_owned(), needed, available, missing, dry.unwrap_or_default()]);
    }
    context.output.table(rows)
}

pub(super) fn too_small(forecast: &Forecast) -> Error {
    let short: Vec<String> = forecast
        .pools
        .iter()
        .filter(|(_, pool)| pool.missing > 0)
        .map(|(name, pool)| format!("pool '{name}' lacks {}", counted(pool.missing, "voucher")))
        .collect();
    Error::new(ErrorKind::PoolTooSmall, short.join("; "))
        .with_help("import codes, or add --force to render as many messages as there are codes for")
}

pub(super) fn warn(context: &Context, forecast: &Forecast) {
    for (name, pool) in forecast.pools.iter().filter(|(_, pool)| pool.made > 0) {
        let codes = counted(pool.made, "code");
        context.output.remark(format!("{codes} will be made when pool '{name}' has none left"));
    }
    for missing in &forecast.missing_attributes {
        let near = missing.suggestion.as_ref().map(|name| format!("; did you mean '{name}'?")).unwrap_or_default();
        let (of, all) = (grouped(missing.missing), grouped(missing.recipients));
        context.output.remark(format!("{} is missing for {of} of {all} recipients{near}", missing.name));
    }
    for (reason, (count, first)) in &forecast.failures {
        let text = format!("{} will end with {}, the first: {first}", counted(*count, "message"), reason.as_str());
        context.output.remark(text);
    }
}

/// A template that fails for every recipient is wrong, not its data.
pub(super) fn fails_for_everybody(forecast: &Forecast) -> Result<()> {
    let failed = forecast.failures.get(&Reason::TemplateError);
    match failed {
        Some((count, first)) if *count == forecast.recipients => Err(Error::new(ErrorKind::Template, first.clone())),
        _ => Ok(()),
    }
}
