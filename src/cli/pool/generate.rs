//! `pool generate`: random codes into a pool.

use clap::{ArgGroup, Args, value_parser};
use jiff::Timestamp;

use crate::cli::output::{counted, grouped};
use crate::cli::progress::Progress;
use crate::cli::report::in_argument;
use crate::cli::{Context, Exit, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::intake::{self, Generation, GenerationReport};
use crate::voucher::{Charset, Code, Pattern, PoolName, Store, parse_timestamp};

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
    #[command(flatten)]
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

/// What the codes look like.
#[derive(Args)]
pub(super) struct Form {
    /// What a code looks like, with a '#' for each random character
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true, conflicts_with_all = ["prefix", "suffix", "length"])]
    pattern: Option<String>,
    /// What every code begins with
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    prefix: Option<String>,
    /// What every code ends with
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    suffix: Option<String>,
    /// How many random characters a code has [default: 13]
    #[arg(long, value_name = "N")]
    length: Option<usize>,
    /// The characters to draw from: unambiguous, alphanumeric, letters, digits, hexadecimal, or the characters themselves
    /// [default: unambiguous, which has digits and capital letters without 0, O, 1, I and L]
    #[arg(long, value_name = "SET", allow_hyphen_values = true)]
    charset: Option<String>,
}

impl Form {
    /// The pattern that is described.
    pub(super) fn pattern(&self) -> Result<Pattern> {
        let charset: Option<Charset> = read(self.charset.as_deref(), "--charset", str::parse)?;
        let pattern = match &self.pattern {
            Some(pattern) => pattern.parse().map_err(|error| in_argument("--pattern", &error))?,
            None => self.of_length()?,
        };
        Ok(match charset {
            Some(charset) => pattern.with_charset(charset),
            None => pattern,
        })
    }

    fn of_length(&self) -> Result<Pattern> {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let length = self.length.unwrap_or(Pattern::DEFAULT_LENGTH);
        Pattern::of_length(&text(&self.prefix), length, &text(&self.suffix), Charset::default())
    }
}

/// Reads the text of an argument, if it is given; an error names the argument.
fn read<T>(text: Option<&str>, argument: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    text.map(read).transpose().map_err(|error| in_argument(argument, &error))
}

impl Generate {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let pool = PoolName::new(&self.pool)?;
        let pattern = self.form.pattern()?;
        let expires_at = read(self.expires_at.as_deref(), "--expires-at", parse_timestamp)?;
        refuse_past(expires_at)?;
        let mut wanted = Generation { count: self.count.or(self.up_to).unwrap_or_default(), pattern, expires_at };
        // What cannot be generated makes no store.
        wanted.check()?;
        let store = context.open_or_make().await?;
        let present = store.pool(&pool).await?.map(|pool| pool.counts).unwrap_or_default();
        if self.up_to.is_some() {
            wanted.count = wanted.count.saturating_sub(present.available);
        }
        let report = self.generate(context, &*store, &pool, &wanted).await?;
        warn_of_guesses(context, &report, present.total + report.generated);
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

/// Says how likely a guess is, where codes are short; all vouchers of the pool count as such codes.
fn warn_of_guesses(context: &Context, report: &GenerationReport, codes: u64) {
    let bits = report.pattern.bits();
    if bits >= Pattern::SAFE_BITS {
        return;
    }
    let guesses = grouped(report.pattern.guesses(codes) as u64);
    let safe = (Pattern::SAFE_BITS / (report.pattern.charset().size() as f64).log2()).ceil();
    context.output.warn(format!(
        "the codes have {bits:.1} random bits: with {}, 1 guess in {guesses} is right\n\
         limit how often a customer may try, or use {safe} random characters, which make {} bits",
        counted(codes, "code"),
        Pattern::SAFE_BITS
    ));
}
