//! Blobs: available codes as they lie on a pool's shelf, many in one member. All of them are of one chunk.

use rand::RngExt;
use rand::seq::SliceRandom;

/// How many codes a blob holds at most.
const CODES: usize = 96;

/// How long a blob is at most, in bytes, unless one code alone is longer: with what the server adds to it, just what its
/// allocator gives.
const BYTES: usize = 1264;

/// How long what a blob begins with is.
const MARK: usize = 8;

/// Packs codes into blobs, those that stand together into one, in random order. Each begins with eight random characters,
/// which place it among those of the same expiry.
pub(super) fn blobs<'a>(codes: impl Iterator<Item = &'a str>) -> Vec<Vec<u8>> {
    let (mut blobs, mut together, mut length) = (Vec::new(), Vec::new(), MARK);
    for code in codes {
        let is_full = together.len() == CODES || length + 1 + code.len() > BYTES;
        if is_full && !together.is_empty() {
            blobs.push(blob(&mut together));
            length = MARK;
        }
        together.push(code);
        length += 1 + code.len();
    }
    if !together.is_empty() {
        blobs.push(blob(&mut together));
    }
    blobs
}

fn blob(codes: &mut Vec<&str>) -> Vec<u8> {
    codes.shuffle(&mut rand::rng());
    let mut blob = format!("{:0MARK$x}", rand::rng().random::<u32>()).into_bytes();
    for code in codes.drain(..) {
        blob.push(b'\n');
        blob.extend_from_slice(code.as_bytes());
    }
    blob
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(count: usize, length: usize) -> Vec<String> {
        (0..count).map(|n| format!("{n:0length$}")).collect()
    }

    fn unpacked(blobs: &[Vec<u8>]) -> Vec<String> {
        let texts = blobs.iter().map(|blob| std::str::from_utf8(blob).unwrap());
        texts.flat_map(|text| text[9..].split('\n').map(str::to_owned)).collect()
    }

    #[test]
    fn every_code_is_in_one_blob_with_those_beside_it() {
        for (count, length) in [(0, 5), (1, 5), (96, 12), (97, 12), (1000, 12), (1000, 5), (50, 256)] {
            let codes = codes(count, length);
            let blobs = blobs(codes.iter().map(String::as_str));
            let together: Vec<Vec<String>> = blobs.iter().map(|blob| unpacked(std::slice::from_ref(blob))).collect();
            assert!(count < 96 || together.concat() != codes, "each blob is shuffled");
            let sorted = together.into_iter().flat_map(|mut codes| {
                codes.sort();
                codes
            });
            assert_eq!(sorted.collect::<Vec<_>>(), codes);
            assert!(blobs.iter().all(|blob| blob.len() <= BYTES), "{count} {length}");
        }
    }

    #[test]
    fn a_blob_is_filled() {
        assert_eq!(blobs(codes(960, 12).iter().map(String::as_str)).len(), 10);
        assert_eq!(blobs(codes(40, 256).iter().map(String::as_str)).len(), 10);
    }
}
