//! Patterns read, printed and drawn from.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    text.parse().unwrap()
}

fn error(text: &str) -> String {
    text.parse::<Pattern>().unwrap_err().to_string()
}

#[test]
fn a_pattern_knows_its_possibilities() {
    assert_eq!(pattern("SUM-####-####").possibilities(), Some(852_891_037_441));
    assert_eq!(pattern("A#[AB]").possibilities(), Some(2));
    assert_eq!(pattern("###[digits]").possibilities(), Some(1_000));
    assert!((pattern("###[digits]").bits() - 9.966).abs() < 0.001);
    let longest = pattern(&format!("{}[hexadecimal]", "#".repeat(31)));
    assert_eq!((longest.possibilities(), longest.bits()), (Some(1 << 124), 124.0));
    let beyond = pattern(&format!("{}[hexadecimal]", "#".repeat(32)));
    assert_eq!((beyond.possibilities(), beyond.bits()), (None, 128.0));
    let default = Pattern::of_length("", Pattern::DEFAULT_LENGTH, "", Charset::default()).unwrap();
    assert!(default.bits() >= Pattern::SAFE_BITS);
}

#[test]
fn a_pattern_knows_how_likely_a_guess_is() {
    assert_eq!(pattern("####[digits]").guesses(100), 100.0);
    assert_eq!(pattern("##[digits]").guesses(1_000), 1.0);
    assert_eq!(pattern("##[digits]").guesses(0), 100.0);
    assert_eq!(pattern(&"#".repeat(256)).guesses(1), f64::MAX);
}

#[test]
fn signs_of_the_pattern_can_stand_in_a_code() {
    let escaped = pattern(r"\#\[]\\#[AB]");
    let codes: Vec<String> = (0..64).map(|_| escaped.code(&mut rand::rng()).as_str().to_owned()).collect();
    for code in &codes {
        assert!(code == r"#[]\A" || code == r"#[]\B", "{code}");
    }
    assert_eq!(escaped.to_string(), r"\#\[]\\#[AB]");
    assert_eq!(pattern(r"#[]\[A]").charset().size(), 4);
    assert_eq!(pattern("Ü #").length(), 1);
}

#[test]
fn length_prefix_and_suffix_make_a_pattern() {
    let made = Pattern::of_length("SUM-#", 4, "-X", "digits".parse().unwrap()).unwrap();
    assert_eq!(made, pattern(r"SUM-\#####-X[digits]"));
    let made = |prefix, length, suffix| Pattern::of_length(prefix, length, suffix, Charset::default());
    let error = |prefix, length, suffix| made(prefix, length, suffix).unwrap_err().to_string();
    assert_eq!(error("A", 0, ""), "the pattern has no random character");
    assert_eq!(error("A", usize::MAX, ""), "with this pattern, the code is longer than 256 bytes");
    assert_eq!(error("A", 3, "B\t"), "'\\t' at character 6 of the pattern cannot stand in a code");
    assert_eq!(made("", 3, "").unwrap().with_charset("AB".parse().unwrap()), pattern("###[AB]"));
}

#[test]
fn errors_name_the_position() {
    assert_eq!(error(""), "the pattern has no random character");
    assert_eq!(error("SUM"), "the pattern has no random character");
    assert_eq!(error(r"A\"), r"'\' at character 2 of the pattern stands before nothing it can escape");
    assert_eq!(error(r"\#\x#"), r"'\' at character 3 of the pattern stands before nothing it can escape");
    assert_eq!(error("Ü##[AB"), "the charset that opens at character 4 of the pattern is not closed");
    assert_eq!(error("##[AB]#"), "the charset that opens at character 3 of the pattern is not closed");
    assert_eq!(error("##[ABA]"), "the charset has 'A' again at character 3");
    assert_eq!(error("##[]"), "the charset has less than two characters");
    assert_eq!(error("\\#A\u{200b}#"), "'\\u{200b}' at character 4 of the pattern cannot stand in a code");
    assert_eq!(error("A\u{301}#"), "'\\u{301}' at character 2 of the pattern cannot stand in a code");
    assert_eq!(error(" ##"), "with this pattern, the code begins or ends with white space");
    assert_eq!(error(&"#".repeat(257)), "with this pattern, the code is longer than 256 bytes");
}

/// Every character at every place, each about as often: 31 is as far from a power of two as a charset can be.
#[test]
fn every_character_is_as_likely() {
    const EACH: u32 = 4_000;
    for charset in ["unambiguous", "ABC", "digits"] {
        let pattern = Pattern::of_length("", 3, "", charset.parse().unwrap()).unwrap();
        let mut counts = BTreeMap::<(usize, char), u32>::new();
        let mut random = rand::rng();
        for _ in 0..EACH * pattern.charset().size() as u32 {
            for (index, character) in pattern.code(&mut random).as_str().chars().enumerate() {
                *counts.entry((index, character)).or_default() += 1;
            }
        }
        assert_eq!(counts.len(), 3 * pattern.charset().size());
        // Seven standard deviations: a fair draw fails once in ten billion runs.
        let spread = 7.0 * f64::from(EACH).sqrt();
        assert!(counts.values().all(|count| f64::from(count.abs_diff(EACH)) < spread), "{charset}: {counts:?}");
    }
}

#[test]
fn every_possible_code_comes() {
    let pattern = pattern("A#B##[AB]");
    let codes: std::collections::BTreeSet<Code> = (0..1_000).map(|_| pattern.code(&mut rand::rng())).collect();
    assert_eq!(codes.len(), 8);
}

fn texts() -> impl Strategy<Value = String> {
    let places = r"([#A-Zé \-]|\\\\|\\#|\\\[|\]){0,12}";
    (places, r"(|\[[a-zA-Z0-9!-/\\]{0,6}\]|\[digits\])").prop_map(|(places, charset)| places + &charset)
}

proptest! {
    #[test]
    fn a_pattern_reads_back_as_itself(text in texts()) {
        if let Ok(pattern) = text.parse::<Pattern>() {
            let printed = pattern.to_string();
            prop_assert_eq!(&printed.parse::<Pattern>().unwrap(), &pattern);
            let code = pattern.code(&mut rand::rng());
            prop_assert!(pattern.matches(code.as_str()));
            prop_assert!(Code::new(code.as_str()).is_ok());
            let longer = [code.as_str(), "A"].concat();
            prop_assert!(!pattern.matches(&longer));
            let exact = pattern.possibilities().unwrap() as f64;
            prop_assert!((exact.log2() - pattern.bits()).abs() < 1e-6);
        }
    }

    #[test]
    fn no_text_is_read_with_a_panic(text in any::<String>()) {
        let _ = text.parse::<Pattern>();
    }

    #[test]
    fn parts_make_the_pattern_that_they_say(prefix in "[A-Z#\\[-]{0,4}", length in 1..9_usize, suffix in "[\\]a]{0,3}") {
        let pattern = Pattern::of_length(&prefix, length, &suffix, Charset::default()).unwrap();
        let code = pattern.code(&mut rand::rng());
        prop_assert!(code.as_str().starts_with(&prefix) && code.as_str().ends_with(&suffix));
        prop_assert_eq!((pattern.length(), code.as_str().len()), (length, prefix.len() + length + suffix.len()));
        prop_assert_eq!(pattern.to_string().parse::<Pattern>().unwrap(), pattern);
    }
}
