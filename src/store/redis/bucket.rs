//! Buckets of the registry: what many codes are packed into.
//!
//! A bucket is a list of texts, in which each code is followed by its mark. That is the number of its chunk in base 31, the
//! highest digit first, each digit a character from 1 to 31: no code has such a character, so a code ends where its mark
//! begins, and whether a bucket has a code is a question of finding a text. It is the code itself that is compared, never
//! a hash of it.

use redis::Value;

use super::reply::{self, strange};
use crate::error::Result;

const BASE: u64 = 31;

/// The mark of a chunk.
pub(super) fn mark(mut chunk: u64) -> Vec<u8> {
    let mut mark = Vec::new();
    loop {
        mark.insert(0, (chunk % BASE) as u8 + 1);
        chunk /= BASE;
        if chunk == 0 {
            return mark;
        }
    }
}

/// The chunk that has a mark.
pub(super) fn chunk(mark: &[u8]) -> Result<u64> {
    let digit = |byte: &u8| byte.checked_sub(1).map(u64::from).filter(|digit| *digit < BASE);
    let mut digits = mark.iter().map(digit);
    let add = |chunk: u64, digit: Option<u64>| chunk.checked_mul(BASE)?.checked_add(digit?);
    digits.try_fold(0, add).filter(|_| !mark.is_empty()).ok_or_else(strange)
}

/// The texts of a bucket as one.
pub(super) fn joined(texts: Value) -> Result<Vec<u8>> {
    let texts = reply::list(texts)?.into_iter().map(reply::bytes).collect::<Result<Vec<_>>>()?;
    Ok(texts.concat())
}

/// The codes of a bucket, each with its mark.
pub(super) fn codes(bucket: &[u8]) -> impl Iterator<Item = Result<(&str, &[u8])>> {
    let is_mark = |byte: &u8| u64::from(*byte) <= BASE;
    let mut rest = bucket;
    std::iter::from_fn(move || {
        let (code, marked) = rest.split_at(rest.iter().position(is_mark).unwrap_or(rest.len()));
        let (mark, next) = marked.split_at(marked.iter().position(|byte| !is_mark(byte)).unwrap_or(marked.len()));
        if rest.is_empty() {
            return None;
        }
        rest = next;
        let code = std::str::from_utf8(code).ok().filter(|code| !code.is_empty() && !mark.is_empty());
        Some(code.map(|code| (code, mark)).ok_or_else(strange))
    })
}

/// The two parts of a bucket: without the codes that move, and these.
pub(super) fn split(bucket: &[u8], moves: impl Fn(&str) -> bool) -> Result<(Vec<u8>, Vec<u8>)> {
    let (mut kept, mut moved) = (Vec::new(), Vec::new());
    for entry in codes(bucket) {
        let (code, mark) = entry?;
        let part = if moves(code) { &mut moved } else { &mut kept };
        part.extend_from_slice(code.as_bytes());
        part.extend_from_slice(mark);
    }
    Ok((kept, moved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_for_its_chunk() {
        for number in [0, 1, 30, 31, 960, 961, 29_790, 29_791, u64::MAX] {
            let mark = mark(number);
            assert!(mark.iter().all(|byte| (1..=31).contains(byte)), "{number}");
            assert_eq!(chunk(&mark).unwrap(), number);
        }
        for wrong in [&b""[..], b"\0", b" ", &[31; 14]] {
            assert!(chunk(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_bucket_is_read_and_split() {
        let bucket: Vec<u8> = [("A", 0), ("é人", 961), ("B 1", 30)]
            .iter()
            .flat_map(|(c, n)| [c.as_bytes(), &mark(*n)].concat())
            .collect();
        let read: Vec<_> = codes(&bucket).map(|entry| entry.map(|(c, m)| (c, chunk(m).unwrap())).unwrap()).collect();
        assert_eq!(read, [("A", 0), ("é人", 961), ("B 1", 30)]);
        let (kept, moved) = split(&bucket, |code| code == "é人").unwrap();
        assert_eq!(kept, [b"A".as_slice(), &mark(0), b"B 1", &mark(30)].concat());
        assert_eq!(moved, ["é人".as_bytes(), &mark(961)].concat());
    }

    #[test]
    fn what_is_no_bucket_is_told() {
        for wrong in [b"A".as_slice(), b"\x01A\x01", b"A\x01B", b"\xff\x01"] {
            assert!(codes(wrong).any(|entry| entry.is_err()), "{wrong:?}");
        }
        assert_eq!(codes(b"").count(), 0);
    }
}
