//! `pool generate`: random codes into a pool.

use clap::{ArgGroup, Args, value_parser};
use jiff::Timestamp;

use super::form::{Form, read, warn_of_guesses};
use crate::cli::output::counted;
use crate::cli::progress::Progress;
use crate::cli::{Context, Exit, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::intake::{self, Generation, GenerationReport};
use crate::voucher::{Code, PoolCounts, PoolName, PoolStatus, Store, parse_timestamp};

const EXAMPLES: &str = r"Examples:
  tearoff pool generate spring --count 100000
  tearoff pool generate spring --count 5000 --pattern 'SUM-####-####'
  tearoff pool generate spring --up-to 5000 --prefix SUM- --length 12 --charset digits
  tearoff pool generate vip --count 20 --expires-at 2027-06-30 --print > vip.txt

Codes are drawn by the system's secure random generator, and no pool of the project has one twice. Every run of --count adds
so many more; --up-to adds what is missing. In a pattern, '\#' is a '#' of the code itself.";

/// Generate random codes into a pool, which is made if it does not exist.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[command(group(ArgGroup::new("number").args(["count", "up_to"]).required(true)))]
pub(in crate::cli) struct Generate {
    /// The pool
    pool: String,
    /// How many codes to add
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How many codes the pool is to have available: as many are added as it lacks
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    up_to: Option<u64>,
    #[command(
        flatten,
        next_help_heading = "What a code looks like [default: as the pool's pattern says, else 13 random characters]"
    )]
    form: Form,
    /// When the codes stop being valid: a time such as 2027-06-30T18:00:00Z, or a date, whose last second in UTC is meant
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Print the codes on standard output, a line each
    #[arg(long, conflicts_with = "json")]
    print: bool,
    #[command(flatten)]
    format: Format,
}

impl Generate {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let pool = PoolName::new(&self.pool)?;
        let given = self.form.pattern()?;
        let expires_at = read(self.expires_at.as_deref(), "--expires-at", parse_timestamp)?;
        refuse_past(expires_at)?;
        let count = self.count.or(self.up_to).unwrap_or_default();
        // What cannot be generated makes no store.
        if let Some(pattern) = &given {
            Generation { count, pattern: pattern.clone(), expires_at }.check()?;
        }
        let store = context.open_or_make().await?;
        let (own, present) = match store.pool(&pool).await? {
            Some(PoolStatus { settings, counts, .. }) => (settings.pattern, counts),
            None => (None, PoolCounts::default()),
        };
        let pattern = given.or(own).unwrap_or_default();
        let count = if self.up_to.is_some() { count.saturating_sub(present.available) } else { count };
        let wanted = Generation { count, pattern, expires_at };
        let report = self.generate(context, &*store, &pool, &wanted).await?;
        warn_of_guesses(context, &report.pattern, present.total + report.generated);
        self.tell(context, &report)?;
        Ok(Exit::Done)
    }

    async fn generate(
        &self,
        context: &Context,
        store: &dyn Store,
        pool: &PoolName,
        wanted: &Generation,
    ) -> Result<GenerationReport> {
        let mut progress = Progress::start(&context.output, "generating", Some(wanted.count));
        let mut told = |generated: u64, codes: &[Code]| {
            progress.generated(generated);
            if self.print { print(context, codes) } else { Ok(()) }
        };
        let report = intake::generate(store, pool, wanted, &mut told).await;
        progress.end();
        report
    }

    fn tell(&self, context: &Context, report: &GenerationReport) -> Result<()> {
        if self.format.json {
            return context.output.json(report);
        }
        let GenerationReport { pool, generated, .. } = report;
        context.output.remark(match generated {
            0 => format!("pool '{pool}' has that many codes already"),
            _ => format!("generated {} in pool '{pool}'", counted(*generated, "code")),
        });
        Ok(())
    }
}

fn refuse_past(expires_at: Option<Timestamp>) -> Result<()> {
    match expires_at {
        Some(moment) if moment <= Timestamp::now() => {
            let error = Error::new(ErrorKind::InvalidInput, "--expires-at is past: nobody could use these codes");
            Err(error.with_help("name a moment to come"))
        }
        _ => Ok(()),
    }
}

fn print(context: &Context, codes: &[Code]) -> Result<()> {
    if codes.is_empty() {
        return Ok(());
    }
    let lines: Vec<&str> = codes.iter().map(Code::as_str).collect();
    context.output.text(&lines.join("\n"))
}
