//! What generated codes look like.

mod charset;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rand::CryptoRng;

use super::Code;
use crate::error::{Error, ErrorKind, Result};

pub use charset::Charset;

/// What generated codes look like: `SUM-####-####` has a random character of the charset at every `#`.
///
/// As text, the charset follows in brackets unless it is the default one: `SUM-####[digits]`, `SUM-####[ABC]`. `\#`, `\[` and
/// `\\` stand for `#`, `[` and `\` themselves. The text of a pattern reads back as that pattern.
///
/// ```
/// use tearoff::voucher::Pattern;
///
/// let pattern: Pattern = "SUM-####-####".parse()?;
/// assert_eq!(pattern.possibilities(), Some(31_u128.pow(8)));
/// assert!(pattern.matches(pattern.code(&mut rand::rng()).as_str()));
/// # Ok::<(), tearoff::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    places: Arc<[Place]>,
    charset: Charset,
}

/// One character of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Fixed(char),
    Random,
}

impl Pattern {
    /// How many random characters a code has where nobody says: 64 bits with the default charset.
    pub const DEFAULT_LENGTH: usize = 13;

    /// So few random bits, and codes can be guessed unless guesses are counted (NIST SP 800-63B, look-up secrets).
    pub const SAFE_BITS: f64 = 64.0;

    /// So many random characters between two fixed texts.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where no code could look like that; it names the character.
    pub fn of_length(prefix: &str, length: usize, suffix: &str, charset: Charset) -> Result<Pattern> {
        // A code has 256 bytes, so one more is an error all the same.
        let random = std::iter::repeat_n(Place::Random, length.min(257));
        let places = prefix.chars().map(Place::Fixed).chain(random).chain(suffix.chars().map(Place::Fixed));
        let places: Result<_> = places.enumerate().map(|(index, place)| place.at(index + 1)).collect();
        Pattern { places: places?, charset }.checked()
    }

    /// The same places, filled from another charset.
    #[must_use]
    pub fn with_charset(self, charset: Charset) -> Pattern {
        Pattern { charset, ..self }
    }

    /// What random places are filled from.
    pub fn charset(&self) -> &Charset {
        &self.charset
    }

    /// How many places are random.
    pub fn length(&self) -> usize {
        self.places.iter().filter(|place| **place == Place::Random).count()
    }

    /// How many different codes there are; `None` where that is 2¹²⁸ or more.
    pub fn possibilities(&self) -> Option<u128> {
        (self.charset.size() as u128).checked_pow(self.length() as u32)
    }

    /// The same as a number of bits.
    pub fn bits(&self) -> f64 {
        self.length() as f64 * (self.charset.size() as f64).log2()
    }

    /// Among how many guesses one hits, on average, while so many codes of this pattern are valid.
    pub fn guesses(&self, codes: u64) -> f64 {
        let possibilities = (self.charset.size() as f64).powi(self.length() as i32);
        (possibilities / codes.max(1) as f64).clamp(1.0, f64::MAX)
    }

    /// A random code, each of the possible ones as likely as the others.
    pub fn code(&self, random: &mut (impl CryptoRng + ?Sized)) -> Code {
        self.filled(|| self.charset.draw(random))
    }

    /// Whether a code looks like that.
    pub fn matches(&self, code: &str) -> bool {
        let mut characters = code.chars();
        let fits = |place: &Place| match (place, characters.next()) {
            (Place::Fixed(fixed), Some(character)) => *fixed == character,
            (Place::Random, Some(character)) => self.charset.contains(character),
            (_, None) => false,
        };
        self.places.iter().all(fits) && characters.next().is_none()
    }

    fn filled(&self, mut draw: impl FnMut() -> char) -> Code {
        let character = |place: &Place| match place {
            Place::Fixed(character) => *character,
            Place::Random => draw(),
        };
        Code::of_pattern(self.places.iter().map(character).collect())
    }

    /// Holds the pattern to what every code is held to.
    fn checked(self) -> Result<Pattern> {
        let invalid = |message: String| Error::new(ErrorKind::InvalidInput, message);
        if self.length() == 0 {
            let help = "write '#' for each random character: SUM-####-####";
            return Err(invalid("the pattern has no random character".into()).with_help(help));
        }
        let example = self.filled(|| 'A');
        match Code::new(example.as_str()) {
            Ok(_) => Ok(self),
            Err(error) => Err(invalid(format!("with this pattern, {error}"))),
        }
    }
}

impl Place {
    /// The same, if it may stand at this character of the pattern.
    fn at(self, position: usize) -> Result<Place> {
        match self {
            Place::Fixed(character) if !is_typed(character) => {
                let message = format!("{character:?} at character {position} of the pattern cannot stand in a code");
                let error = Error::new(ErrorKind::InvalidInput, message);
                Err(error.with_help("use letters, digits, signs of ASCII, and spaces inside"))
            }
            place => Ok(place),
        }
    }
}

/// What people type, and what stays the same in every form of Unicode: no signs that combine with the character before.
fn is_typed(character: char) -> bool {
    character == ' ' || character.is_ascii_graphic() || (!character.is_ascii() && character.is_alphanumeric())
}

/// So many random characters of the default charset that their codes are safe to try: 13.
impl Default for Pattern {
    fn default() -> Pattern {
        Pattern { places: [Place::Random; Pattern::DEFAULT_LENGTH].into(), charset: Charset::default() }
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Pattern> {
        let invalid = |message: String, help: &str| Err(Error::new(ErrorKind::InvalidInput, message).with_help(help));
        let mut places = Vec::new();
        let mut charset = Charset::default();
        let mut characters = text.char_indices().enumerate().map(|(index, (at, character))| (index + 1, at, character));
        while let Some((position, at, character)) = characters.next() {
            places.push(match character {
                '#' => Place::Random,
                '[' => match text[at..].strip_suffix(']') {
                    Some(inside) => {
                        charset = inside[1..].parse()?;
                        break;
                    }
                    None => {
                        let message =
                            format!("the charset that opens at character {position} of the pattern is not closed");
                        return invalid(
                            message,
                            r"a pattern ends with its charset's ']'; write '\[' for a '[' of the code",
                        );
                    }
                },
                '\\' => match characters.next() {
                    Some((_, _, escaped @ ('#' | '[' | '\\'))) => Place::Fixed(escaped),
                    _ => {
                        let message =
                            format!(r"'\' at character {position} of the pattern stands before nothing it can escape");
                        return invalid(
                            message,
                            r"write '\\' for a '\' of the code, '\#' for a '#' and '\[' for a '['",
                        );
                    }
                },
                fixed => Place::Fixed(fixed).at(position)?,
            });
        }
        Pattern { places: places.into(), charset }.checked()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in &*self.places {
            match place {
                Place::Random => write!(f, "#")?,
                Place::Fixed(escaped @ ('#' | '[' | '\\')) => write!(f, "\\{escaped}")?,
                Place::Fixed(fixed) => write!(f, "{fixed}")?,
            }
        }
        if self.charset == Charset::default() { Ok(()) } else { write!(f, "[{}]", self.charset) }
    }
}
