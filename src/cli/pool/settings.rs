//! `pool create` and `pool set`: what a pool's owner may set.

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, ValueEnum, value_parser};

use super::find;
use super::form::{Form, read, warn_of_guesses};
use crate::cli::report::in_argument;
use crate::cli::{Context, Exit};
use crate::error::{Error, Result};
use crate::render::Expression;
use crate::voucher::{
    ByOthers, Code, PeriodLimit, PoolName, PoolSettings, Thresholds, parse_duration, parse_timestamp,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff pool create spring --valid-for 30d --limit-per-customer 1
  tearoff pool create vip --expires-at 2027-06-30 --overflow spring
  tearoff pool create welcome --fallback HELLO10
  tearoff pool create winback --eligible \"customer.ltv < 500 and customer.segment != 'vip'\" --limit-total 10000/day
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
const CHANGES: [&str; 19] = [
    "valid_for",
    "expires_at",
    "limit_per_customer",
    "limit_per_campaign",
    "limit_total",
    "fallback",
    "overflow",
    "preview_code",
    "eligible",
    "floor",
    "low_stock",
    "redeem_rule",
    "redeem_by_others",
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
    /// How many vouchers may be given altogether, or in each hour, day, week or month (UTC), as in 10000/day; may be given twice
    #[arg(long, value_name = "N|N/PERIOD", value_parser = total_limit)]
    limit_total: Vec<TotalLimit>,
    /// Who may get a voucher, as an expression over customer, event, campaign and channel, such as "customer.ltv < 500"
    #[arg(long, value_name = "EXPR")]
    eligible: Option<String>,
    /// How many vouchers web layers may not take, so that campaigns have them
    #[arg(long, value_name = "N")]
    floor: Option<u64>,
    /// When to warn that few vouchers are left: numbers with commas between them, such as 1000,100
    #[arg(long, value_name = "N,N")]
    low_stock: Option<String>,
    /// When a voucher may be used, as an expression over customer, order, voucher and channel, such as "order.total >= 50"
    #[arg(long, value_name = "EXPR")]
    redeem_rule: Option<String>,
    /// Whether somebody else may use what a customer was given: allow, flag (it is marked) or refuse [default: allow]
    #[arg(long, value_name = "HOW", value_parser = PossibleValuesParser::new(["allow", "flag", "refuse"]))]
    redeem_by_others: Option<String>,
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

/// What `--limit-total` takes.
#[derive(Debug, Clone, Copy)]
enum TotalLimit {
    Ever(u64),
    InPeriod(PeriodLimit),
}

fn total_limit(text: &str) -> Result<TotalLimit, String> {
    if text.contains('/') {
        return text
            .parse()
            .map(TotalLimit::InPeriod)
            .map_err(|error: Error| error.help().unwrap_or_default().to_owned());
    }
    let number = text.parse().ok().filter(|number| *number > 0);
    number
        .map(TotalLimit::Ever)
        .ok_or_else(|| "write a number of 1 or more, or one for a period, such as 10000/day".into())
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
    Eligible,
    Floor,
    LowStock,
    RedeemRule,
    RedeemByOthers,
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
        for limit in &self.limit_total {
            match limit {
                TotalLimit::Ever(vouchers) => limits.total = Some(*vouchers),
                TotalLimit::InPeriod(limit) => limits.per_period = Some(*limit),
            }
        }
        self.apply_rules(settings)
    }

    fn apply_rules(&self, settings: &mut PoolSettings) -> Result<()> {
        replace(&mut settings.eligible, "--eligible", self.eligible.as_deref(), Expression::checked)?;
        replace(&mut settings.redemption.rule, "--redeem-rule", self.redeem_rule.as_deref(), Expression::checked)?;
        settings.floor = self.floor.unwrap_or(settings.floor);
        if let Some(thresholds) = read(self.low_stock.as_deref(), "--low-stock", str::parse)? {
            settings.low_stock = thresholds;
        }
        if let Some(by_others) = read(self.redeem_by_others.as_deref(), "--redeem-by-others", str::parse)? {
            settings.redemption.by_others = by_others;
        }
        Ok(())
    }

    /// Says how easily the codes are guessed that the pool is to make, and what in its rules may be a slip.
    fn warn(&self, context: &Context, settings: &PoolSettings) {
        const EXAMPLE: u64 = 1_000;
        warn_of_slips(context, "--eligible", self.eligible.as_deref(), &ELIGIBLE);
        warn_of_slips(context, "--redeem-rule", self.redeem_rule.as_deref(), &REDEEM);
        if let (Ok(Some(_)), Some(pattern)) = (self.form.pattern(), &settings.pattern) {
            warn_of_guesses(context, pattern, EXAMPLE);
        }
    }
}

/// What expressions of pools see, a message's own context aside.
const ELIGIBLE: [&str; 5] = ["customer", "event", "campaign", "channel", "params"];
const REDEEM: [&str; 4] = ["customer", "order", "voucher", "channel"];

/// An attribute that is not there is not true, so a slip would let nobody through, and nobody would know why.
fn warn_of_slips(context: &Context, argument: &str, expression: Option<&str>, known: &[&str]) {
    let Some(Ok(expression)) = expression.map(Expression::new) else { return };
    for name in expression.unknown_variables(known) {
        context.output.warn(format!("{argument} knows {}, and looks at {name}", known.join(", ")));
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
            Setting::LimitTotal => (settings.limits.total, settings.limits.per_period) = (None, None),
            Setting::Fallback => settings.fallback = None,
            Setting::Overflow => settings.overflow = None,
            Setting::PreviewCode => settings.preview_code = None,
            Setting::Pattern => settings.pattern = None,
            Setting::Eligible => settings.eligible = None,
            Setting::Floor => settings.floor = 0,
            Setting::LowStock => settings.low_stock = Thresholds::default(),
            Setting::RedeemRule => settings.redemption.rule = None,
            Setting::RedeemByOthers => settings.redemption.by_others = ByOthers::default(),
        }
    }
}
