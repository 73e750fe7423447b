//! Which characters the bytes of a text stand for.

use std::io::{self, BufRead, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::{Error, ErrorKind, Result};

/// How much is decoded at once, in bytes of UTF-8.
const CHUNK: usize = 64 << 10;

/// The encoding of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextEncoding {
    pub(super) encoding: &'static Encoding,
    /// Whether it is only likely: another code page would read the same bytes as other letters.
    pub(super) guessed: bool,
}

impl TextEncoding {
    const fn sure(encoding: &'static Encoding) -> TextEncoding {
        TextEncoding { encoding, guessed: false }
    }

    /// The encoding of this name, such as `windows-1250`.
    pub(super) fn named(label: &str) -> Result<TextEncoding> {
        match Encoding::for_label(label.as_bytes()) {
            Some(encoding) if encoding != encoding_rs::REPLACEMENT => Ok(TextEncoding::sure(encoding)),
            _ => Err(Error::new(ErrorKind::InvalidInput, format!("there is no encoding '{label}'"))
                .with_help("usual ones are utf-8, utf-16le, windows-1252, windows-1250 and iso-8859-2")),
        }
    }

    /// The encoding that the first bytes of a text show; `whole` where they are all of it.
    pub(super) fn of(sample: &[u8], whole: bool) -> TextEncoding {
        if let Some((encoding, _)) = Encoding::for_bom(sample) {
            return TextEncoding::sure(encoding);
        }
        if let Some(encoding) = utf_16_by_zeros(sample) {
            return TextEncoding::sure(encoding);
        }
        if is_utf_8(sample, whole) {
            return TextEncoding::sure(UTF_8);
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(sample, whole);
        TextEncoding { encoding: detector.guess(None, Utf8Detection::Deny), guessed: true }
    }

    /// The text as UTF-8.
    pub(super) fn decoded(self, bytes: Box<dyn BufRead + Send>) -> Box<dyn BufRead + Send> {
        // Lines say themselves where UTF-8 is broken, and a copy less is made.
        if self.encoding == UTF_8 { bytes } else { Box::new(Decoded::new(bytes, self.encoding)) }
    }
}

/// Codes and delimiters are of ASCII, so every second byte of UTF-16 is zero, and in no other text is any.
fn utf_16_by_zeros(sample: &[u8]) -> Option<&'static Encoding> {
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let many = sample.len() / 4;
    match (zeros(0), zeros(1)) {
        (0, odd) if odd > many => Some(UTF_16LE),
        (even, 0) if even > many => Some(UTF_16BE),
        _ => None,
    }
}

fn is_utf_8(sample: &[u8], whole: bool) -> bool {
    match std::str::from_utf8(sample) {
        Ok(_) => true,
        // The sample may end within a character.
        Err(error) => !whole && error.error_len().is_none(),
    }
}

/// Text of any encoding as UTF-8.
struct Decoded {
    bytes: Box<dyn BufRead + Send>,
    decoder: Decoder,
    name: &'static str,
    text: Vec<u8>,
    /// What of the text is yet to be given out.
    from: usize,
    to: usize,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Reading,
    Ended,
    Broken,
}

impl Decoded {
    fn new(bytes: Box<dyn BufRead + Send>, encoding: &'static Encoding) -> Decoded {
        let decoder = encoding.new_decoder_with_bom_removal();
        Decoded { bytes, decoder, name: encoding.name(), text: vec![0; CHUNK], from: 0, to: 0, state: State::Reading }
    }

    /// Decodes until there is text, or no more of it. What stands before a broken character is given out first.
    fn decode(&mut self) -> io::Result<()> {
        while self.from == self.to && self.state == State::Reading {
            let bytes = self.bytes.fill_buf()?;
            let last = bytes.is_empty();
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.text, last);
            self.bytes.consume(read);
            (self.from, self.to) = (0, written);
            match result {
                DecoderResult::Malformed(..) => self.state = State::Broken,
                DecoderResult::InputEmpty if last => self.state = State::Ended,
                _ => {}
            }
        }
        match self.state {
            State::Broken if self.from == self.to => {
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("the text is not {}", self.name)))
            }
            _ => Ok(()),
        }
    }
}

impl BufRead for Decoded {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.decode()?;
        Ok(&self.text[self.from..self.to])
    }

    fn consume(&mut self, amount: usize) {
        self.from += amount;
    }
}

impl Read for Decoded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{WINDOWS_1250, WINDOWS_1252};
    use proptest::prelude::*;

    use super::*;

    fn decoded(bytes: &[u8]) -> (TextEncoding, io::Result<String>) {
        let encoding = TextEncoding::of(bytes, true);
        let mut text = String::new();
        let source = Box::new(io::Cursor::new(bytes.to_vec()));
        (encoding, encoding.decoded(source).read_to_string(&mut text).map(|_| text))
    }

    fn utf_16(text: &str, little: bool) -> Vec<u8> {
        let unit = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn finds_utf_8_and_utf_16() {
        assert_eq!(decoded("kód\nÁ".as_bytes()).0, TextEncoding::sure(UTF_8));
        assert_eq!(decoded(b"").0, TextEncoding::sure(UTF_8));
        for (little, encoding) in [(true, UTF_16LE), (false, UTF_16BE)] {
            for mark in ["\u{feff}", ""] {
                let (found, text) = decoded(&utf_16(&format!("{mark}code\r\nABC-1\r\nž"), little));
                assert_eq!((found, text.unwrap().as_str()), (TextEncoding::sure(encoding), "code\r\nABC-1\r\nž"));
            }
        }
    }

    #[test]
    fn guesses_code_pages() {
        let western = WINDOWS_1252.encode("code;note\nA;Größe für Äpfel, élève, façade\n").0;
        let (found, text) = decoded(&western);
        assert_eq!(found, TextEncoding { encoding: WINDOWS_1252, guessed: true });
        assert!(text.unwrap().contains("Größe für Äpfel"));
        let czech = WINDOWS_1250.encode("code;poznámka\nA;Sleva na všechno zboží, příští týden končí ještě dřív\n").0;
        assert!(decoded(&czech).1.unwrap().contains("příští"), "{:?}", decoded(&czech).0);
    }

    #[test]
    fn a_sample_may_end_within_a_character() {
        assert_eq!(TextEncoding::of(&"é".as_bytes()[..1], false), TextEncoding::sure(UTF_8));
        assert!(TextEncoding::of(&"é".as_bytes()[..1], true).guessed);
    }

    #[test]
    fn names_are_those_of_the_web() {
        assert_eq!(TextEncoding::named("cp1250").err().map(|error| error.to_string()), None);
        assert_eq!(TextEncoding::named("Latin2").unwrap().encoding.name(), "ISO-8859-2");
        assert_eq!(TextEncoding::named("klingon").unwrap_err().to_string(), "there is no encoding 'klingon'");
    }

    #[test]
    fn what_is_broken_comes_after_what_is_not() {
        let mut bytes = utf_16("\u{feff}code\nA\n", true);
        bytes.extend([0x00, 0xd8, b'x', 0]);
        let mut reader = TextEncoding::of(&bytes, true).decoded(Box::new(io::Cursor::new(bytes)));
        let mut lines = Vec::new();
        let error = loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(_) => lines.push(line),
                Err(error) => break error,
            }
        };
        assert_eq!((lines.concat().as_str(), error.to_string().as_str()), ("code\nA\n", "the text is not UTF-16LE"));
    }

    proptest! {
        #[test]
        fn utf_16_comes_out_as_it_went_in(text in "[A-Z0-9\r\n,é人🎟]{0,200}", little in any::<bool>()) {
            let bytes = utf_16(&format!("\u{feff}{text}"), little);
            let source = Box::new(io::BufReader::with_capacity(3, io::Cursor::new(bytes.clone())));
            let mut read = String::new();
            TextEncoding::of(&bytes, true).decoded(source).read_to_string(&mut read).unwrap();
            prop_assert_eq!(read, text);
        }
    }
}
