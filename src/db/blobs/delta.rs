//! A content as what makes it of another: zstd with that other as the prefix it may refer to.
//!
//! A version of a file is mostly the version before. Long-distance matching finds what they share wherever it lies, and a window over both
//! lets it refer to all of it. Depth is one: what a difference refers to is stored whole, so that reading never follows a chain.

use zstd::zstd_safe::{CCtx, CParameter, DCtx, compress_bound, get_error_name};

/// Contents below this gain less than finding their base costs.
pub const SMALLEST: u64 = 16 * 1024;
/// Contents above this would take too much memory beside their base.
pub const LARGEST: u64 = 16 * 1024 * 1024;
/// A base is at most so many times as large as what refers to it: reading a content reads its base as well.
const LARGER: u64 = 2;

/// Whether a content of `size` bytes may be stored as the difference to one of `base` bytes.
#[must_use]
pub fn fits(size: u64, base: u64) -> bool {
    (SMALLEST..=LARGEST).contains(&size) && (SMALLEST..=LARGEST).contains(&base) && base / LARGER <= size
}

/// Whether a difference of `delta` bytes is worth it where the whole content takes `whole`.
pub(super) fn is_worth_it(delta: usize, whole: usize) -> bool {
    delta <= whole / 2
}

/// What makes `content` of `base`.
pub(super) fn compress(base: &[u8], content: &[u8], level: i32) -> Result<Vec<u8>, &'static str> {
    let mut context = CCtx::try_create().ok_or("no memory")?;
    let window = usize::BITS - (base.len() + content.len()).leading_zeros();
    for parameter in [
        CParameter::CompressionLevel(level),
        CParameter::WindowLog(window),
        CParameter::EnableLongDistanceMatching(true),
    ] {
        context.set_parameter(parameter).map_err(get_error_name)?;
    }
    context.ref_prefix(base).map_err(get_error_name)?;
    let mut delta = Vec::with_capacity(compress_bound(content.len()));
    context.compress2(&mut delta, content).map_err(get_error_name)?;
    delta.shrink_to_fit();
    Ok(delta)
}

/// What `delta` makes of `base`: `size` bytes.
pub(super) fn decompress(base: &[u8], delta: &[u8], size: usize) -> Result<Vec<u8>, &'static str> {
    let mut context = DCtx::try_create().ok_or("no memory")?;
    context.ref_prefix(base).map_err(get_error_name)?;
    let mut content = Vec::with_capacity(size);
    context.decompress(&mut content, delta).map_err(get_error_name)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes without a pattern.
    fn noise(length: usize, seed: &[u8]) -> Vec<u8> {
        let mut noise = vec![0; length];
        blake3::Hasher::new().update(seed).finalize_xof().fill(&mut noise);
        noise
    }

    #[test]
    fn a_difference_is_as_small_as_what_differs_wherever_it_lies() {
        for size in [SMALLEST, 1 << 20, LARGEST] {
            let base = noise(usize::try_from(size).expect("small"), b"base");
            let mut content = base.clone();
            let middle = content.len() / 2;
            content.splice(middle..middle + 10, *b"something else, longer than before");
            content.splice(..0, *b"at the beginning");
            let delta = compress(&base, &content, 3).expect("compressed");
            assert!(delta.len() < 2048 + content.len() / 100, "{} bytes for {size}", delta.len());
            assert!(decompress(&base, &delta, content.len()).expect("decompressed") == content);
        }
    }

    #[test]
    fn with_another_base_nothing_is_made_or_something_else() {
        let base = noise(100_000, b"base");
        let content = [&base[..50_000], b"changed", &base[50_000..]].concat();
        let delta = compress(&base, &content, 3).expect("compressed");
        for other in [noise(100_000, b"other"), Vec::new()] {
            assert!(decompress(&other, &delta, content.len()).map_or(true, |made| made != content));
        }
    }

    #[test]
    fn only_contents_of_a_like_size_refer_to_each_other() {
        let (small, large) = (SMALLEST, LARGEST);
        for (size, base, fit) in [
            (small, small, true),
            (large, large, true),
            (small - 1, small, false),
            (small, small - 1, false),
            (large, large + 1, false),
            (large + 1, large, false),
            (100_000, 200_001, true),
            (100_000, 200_002, false),
            (200_000, 20_000, true),
        ] {
            assert_eq!(fits(size, base), fit, "{size} of {base}");
        }
    }
}
