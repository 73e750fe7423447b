//! Blobs: available codes as they lie on a pool's shelf, many in one member.

use rand::RngExt;

/// How many codes a blob holds at most.
const CODES: usize = 96;

/// How long a blob is at most, in bytes, unless one code alone is longer: with what the server adds to it, just what its
/// allocator gives.
const BYTES: usize = 1264;

/// Packs codes into blobs. Each begins with eight random characters, which place it among those of the same expiry.
pub(super) fn blobs<'a>(codes: impl Iterator<Item = &'a str>) -> Vec<Vec<u8>> {
    let (mut blobs, mut blob, mut count) = (Vec::new(), Vec::new(), 0);
    for code in codes {
        if count == CODES || blob.len() + 1 + code.len() > BYTES {
            blobs.push(std::mem::take(&mut blob));
            count = 0;
        }
        if blob.is_empty() || count == 0 {
            blob = format!("{:08x}", rand::rng().random::<u32>()).into_bytes();
        }
        blob.push(b'\n');
        blob.extend_from_slice(code.as_bytes());
        count += 1;
    }
    if count > 0 {
        blobs.push(blob);
    }
    blobs
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
    fn every_code_is_in_one_blob_and_in_order() {
        for (count, length) in [(0, 5), (1, 5), (96, 12), (97, 12), (1000, 12), (1000, 5), (50, 256)] {
            let codes = codes(count, length);
            let blobs = blobs(codes.iter().map(String::as_str));
            assert_eq!(unpacked(&blobs), codes);
            assert!(blobs.iter().all(|blob| blob.len() <= BYTES), "{count} {length}");
        }
    }

    #[test]
    fn a_blob_is_filled() {
        assert_eq!(blobs(codes(960, 12).iter().map(String::as_str)).len(), 10);
        assert_eq!(blobs(codes(40, 256).iter().map(String::as_str)).len(), 10);
    }
}
