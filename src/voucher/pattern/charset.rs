//! The characters that random places of a code are drawn from.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rand::CryptoRng;

use crate::error::{Error, ErrorKind, Result};

/// The characters that random places of a code are drawn from: at least two, each once, visible ones of ASCII, since
/// people type codes at a till.
///
/// As text it is a name of [`Charset::NAMED`], or the characters themselves. Each name has a letter twice, so that no set
/// of characters reads like one. The default is `unambiguous`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Charset(Arc<str>);

impl Charset {
    /// The sets that have a name. `unambiguous` has digits and capital letters without `0` and `O`, `1`, `I` and `L`: those
    /// that print alike, or are read out alike as a digit and a letter.
    pub const NAMED: [(&'static str, &'static str); 5] = [
        ("unambiguous", "23456789ABCDEFGHJKMNPQRSTUVWXYZ"),
        ("alphanumeric", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("letters", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("digits", "0123456789"),
        ("hexadecimal", "0123456789ABCDEF"),
    ];

    /// A set of these characters.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where there are less than two, one stands there twice, or one is not visible ASCII.
    pub fn new(characters: &str) -> Result<Charset> {
        let invalid = |message: String| Error::new(ErrorKind::InvalidInput, message);
        for (index, character) in characters.char_indices() {
            let position = index + 1;
            if !character.is_ascii_graphic() {
                let message = format!("{character:?} at character {position} of the charset is not visible ASCII");
                return Err(invalid(message).with_help("use digits, letters and signs that every till can type"));
            }
            if characters[..index].contains(character) {
                let names = Charset::NAMED.map(|(name, _)| name).join(", ");
                return Err(invalid(format!("the charset has '{character}' again at character {position}"))
                    .with_help(format!("name each character once, or a set: {names}")));
            }
        }
        match characters.len() {
            0 | 1 => Err(invalid("the charset has less than two characters".into())
                .with_help("a code is random only where there is a choice")),
            _ => Ok(Charset(characters.into())),
        }
    }

    /// How many characters there are.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// Whether it has this character.
    pub fn contains(&self, character: char) -> bool {
        self.0.contains(character)
    }

    /// Draws a character, each as likely as the others: what is drawn beyond the last one is drawn again.
    pub(super) fn draw(&self, random: &mut (impl CryptoRng + ?Sized)) -> char {
        let characters = self.0.as_bytes();
        let mask = characters.len().next_power_of_two() - 1;
        loop {
            if let Some(&character) = characters.get(random.next_u32() as usize & mask) {
                return character.into();
            }
        }
    }
}

impl Default for Charset {
    fn default() -> Charset {
        Charset(Charset::NAMED[0].1.into())
    }
}

impl FromStr for Charset {
    type Err = Error;

    fn from_str(text: &str) -> Result<Charset> {
        match Charset::NAMED.into_iter().find(|(name, _)| *name == text) {
            Some((_, characters)) => Ok(Charset(characters.into())),
            None => Charset::new(text),
        }
    }
}

/// The name where it has one, else the characters.
impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Charset::NAMED.into_iter().find(|(_, characters)| *characters == &*self.0);
        f.pad(named.map_or(&*self.0, |(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_sets_of_characters() {
        for (name, characters) in Charset::NAMED {
            assert!(Charset::new(name).is_err(), "{name}");
            let charset: Charset = name.parse().unwrap();
            assert_eq!(charset, Charset::new(characters).unwrap());
            assert_eq!(charset.to_string(), name);
        }
        assert_eq!("AB".parse::<Charset>().unwrap().to_string(), "AB");
    }

    #[test]
    fn look_alikes_are_left_out() {
        let charset = Charset::default();
        assert!(!"0O1IL".chars().any(|character| charset.contains(character)));
        assert_eq!(charset.size(), 31);
    }

    #[test]
    fn errors_name_the_position() {
        let error = |text: &str| text.parse::<Charset>().unwrap_err().to_string();
        assert_eq!(error("ABCA"), "the charset has 'A' again at character 4");
        assert_eq!(error("A B"), "' ' at character 2 of the charset is not visible ASCII");
        assert_eq!(error("ABÖ"), "'Ö' at character 3 of the charset is not visible ASCII");
        assert_eq!(error("A"), "the charset has less than two characters");
        assert_eq!(error(""), "the charset has less than two characters");
    }
}
