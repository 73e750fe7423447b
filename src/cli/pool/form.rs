//! What generated codes look like, as arguments say it.

use clap::Args;

use crate::cli::Context;
use crate::cli::output::{counted, grouped};
use crate::cli::report::in_argument;
use crate::error::Result;
use crate::voucher::{Charset, Pattern};

/// What generated codes look like.
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
    /// The pattern that is described, if any of it is.
    pub(super) fn pattern(&self) -> Result<Option<Pattern>> {
        let charset: Option<Charset> = read(self.charset.as_deref(), "--charset", str::parse)?;
        let Form { prefix, suffix, length, .. } = self;
        let pattern = match read(self.pattern.as_deref(), "--pattern", str::parse)? {
            Some(pattern) => pattern,
            None if prefix.is_none() && suffix.is_none() && length.is_none() && charset.is_none() => return Ok(None),
            None => self.of_length()?,
        };
        Ok(Some(match charset {
            Some(charset) => Pattern::with_charset(pattern, charset),
            None => pattern,
        }))
    }

    fn of_length(&self) -> Result<Pattern> {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let length = self.length.unwrap_or(Pattern::DEFAULT_LENGTH);
        Pattern::of_length(&text(&self.prefix), length, &text(&self.suffix), Charset::default())
    }
}

/// Reads the text of an argument, if it is given; an error names the argument.
pub(super) fn read<T>(text: Option<&str>, argument: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    text.map(read).transpose().map_err(|error| in_argument(argument, &error))
}

/// Says how likely a guess is while so many codes are valid, where codes are short.
pub(super) fn warn_of_guesses(context: &Context, pattern: &Pattern, codes: u64) {
    let bits = pattern.bits();
    if bits >= Pattern::SAFE_BITS {
        return;
    }
    let guesses = grouped(pattern.guesses(codes) as u64);
    let safe = (Pattern::SAFE_BITS / (pattern.charset().size() as f64).log2()).ceil();
    context.output.warn(format!(
        "the codes have {bits:.1} random bits: with {}, 1 guess in {guesses} is right\n\
         limit how often a customer may try, or use {safe} random characters, which make {} bits",
        counted(codes, "code"),
        Pattern::SAFE_BITS
    ));
}
