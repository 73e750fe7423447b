//! `pool create` and `pool set`: what a pool's owner may set.

use clap::{ArgGroup, Args, ValueEnum, value_parser};

use super::find;
use super::form::{Form, warn_of_guesses};
use crate::cli::report::in_argument;
use crate::cli::{Context, Exit};
use crate::error::Result;
use crate::voucher::{Code, PoolName, PoolSettings, parse_duration, parse_timestamp};

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff pool create spring --valid-for 30d --limit-per-customer 1
  tearoff pool create vip --expires-at 2027-06-30 --overflow spring
  tearoff pool create welcome --fallback HELLO10
  tearoff pool create birthday --pattern 'BD-####-####-####-####' --valid-for 14d")]
pub(in crate::cli) struct Create {
    /// The pool's name: letters, digits, '-' and '_'
    pool: String,
    #[command(flatten)]
    given: Given,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff pool set spring --valid-for 14d --overflow vip
  tearoff pool set spring --unset overflow --unset limit-total")]
#[command(override_usage = "tearoff pool set [OPTIONS] <POOL>")]
#[command(group(ArgGroup::new("changes").args(CHANGES).multiple(true).required(true)))]
pub(in crate::cli) struct Set {
    /// The pool
    pool: String,
    #[command(flatten)]
    given: Given,
    /// Take a setting back; may be given several times
    #[arg(long, value_name = "SETTING", value_enum)]
    unset: Vec<Setting>,
}

/// The arguments of `pool set` of which at least one is given.
const CHANGES: [&str; 14] = [
    "valid_for",
    "expires_at",
    "limit_per_customer",
    "limit_per_campaign",
    "limit_total",
    "fallback",
    "overflow",
    "preview_code",
    "pattern",
    "prefix",
    "suffix",
    "length",
    "charset",
    "unset",
];

/// Settings, as far as they are given.
#[derive(Args)]
struct Given {
    /// How long a voucher is valid once a message took it: 30d, 12h, 45m or 90s
    #[arg(long, value_name = "SPAN")]
    valid_for: Option<String>,
    /// When all vouchers of the pool stop being valid: a time such as 2027-06-30T18:00:00Z, or a date, whose last second
    /// in UTC is meant
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// How many vouchers one customer may get
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    limit_per_customer: Option<u64>,
    /// How many vouchers all customers of one campaign may get together
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    limit_per_campaign: Option<u64>,
    /// How many vouchers may be given altogether
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    limit_total: Option<u64>,
    /// The code that everybody gets once the pool and its overflow pools are empty
    #[arg(long, value_name = "CODE")]
    fallback: Option<String>,
    /// The pool to take from once this one is empty
    #[arg(long, value_name = "POOL")]
    overflow: Option<String>,
    /// What a preview prints instead of a code [default: the pool's name and -preview]
    #[arg(long, value_name = "TEXT")]
    preview_code: Option<String>,
    #[command(
        flatten,
        next_help_heading = "What codes look like that the pool makes when it is empty [default: it makes none]"
    )]
    form: Form,
}

/// A setting that can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Setting {
    ValidFor,
    ExpiresAt,
    LimitPerCustomer,
    LimitPerCampaign,
    LimitTotal,
    Fallback,
    Overflow,
    PreviewCode,
    Pattern,
}

impl Create {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let name = PoolName::new(&self.pool)?;
        let mut settings = PoolSettings::default();
        self.given.apply(&mut settings)?;
        context.open_or_make().await?.create_pool(&name, &settings).await?;
        self.given.warn(context, &settings);
        context.output.remark(format!("created pool '{name}' in {}", context.store));
        Ok(Exit::Done)
    }
}

impl Set {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let store = context.open().await?;
        let pool = find(&*store, &self.pool).await?;
        let settings = self.changed(&pool.settings)?;
        store.set_pool(&pool.name, &settings).await?;
        self.given.warn(context, &settings);
        context.output.remark(format!("changed pool '{}'", pool.name));
        Ok(Exit::Done)
    }

    fn changed(&self, present: &PoolSettings) -> Result<PoolSettings> {
        let mut changed = present.clone();
        self.unset.iter().for_each(|setting| setting.clear(&mut changed));
        self.given.apply(&mut changed)?;
        Ok(changed)
    }
}

impl Given {
    fn apply(&self, settings: &mut PoolSettings) -> Result<()> {
        replace(&mut settings.valid_for, "--valid-for", self.valid_for.as_deref(), parse_duration)?;
        replace(&mut settings.expires_at, "--expires-at", self.expires_at.as_deref(), parse_timestamp)?;
        replace(&mut settings.fallback, "--fallback", self.fallback.as_deref(), Code::new)?;
        replace(&mut settings.overflow, "--overflow", self.overflow.as_deref(), PoolName::new)?;
        replace(&mut settings.preview_code, "--preview-code", self.preview_code.as_deref(), Code::new)?;
        settings.pattern = self.form.pattern()?.or(settings.pattern.take());
        let limits = &mut settings.limits;
        limits.per_customer = self.limit_per_customer.or(limits.per_customer);
        limits.per_campaign = self.limit_per_campaign.or(limits.per_campaign);
        limits.total = self.limit_total.or(limits.total);
        Ok(())
    }

    /// Says how easily the codes are guessed that the pool is to make.
    fn warn(&self, context: &Context, settings: &PoolSettings) {
        const EXAMPLE: u64 = 1_000;
        if let (Ok(Some(_)), Some(pattern)) = (self.form.pattern(), &settings.pattern) {
            warn_of_guesses(context, pattern, EXAMPLE);
        }
    }
}

/// Replaces a setting by the value of an argument, if it is given; an error names the argument.
fn replace<'a, T>(
    setting: &mut Option<T>,
    argument: &str,
    given: Option<&'a str>,
    read: impl FnOnce(&'a str) -> Result<T>,
) -> Result<()> {
    if let Some(text) = given {
        *setting = Some(read(text).map_err(|error| in_argument(argument, &error))?);
    }
    Ok(())
}

impl Setting {
    fn clear(self, settings: &mut PoolSettings) {
        match self {
            Setting::ValidFor => settings.valid_for = None,
            Setting::ExpiresAt => settings.expires_at = None,
            Setting::LimitPerCustomer => settings.limits.per_customer = None,
            Setting::LimitPerCampaign => settings.limits.per_campaign = None,
            Setting::LimitTotal => settings.limits.total = None,
            Setting::Fallback => settings.fallback = None,
            Setting::Overflow => settings.overflow = None,
            Setting::PreviewCode => settings.preview_code = None,
            Setting::Pattern => settings.pattern = None,
        }
    }
}
