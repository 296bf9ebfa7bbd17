//! Git's deltas: copy from the base, or take what is here.

/// Sizes of base and result, and the instructions.
pub(crate) fn sizes(delta: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (base, rest) = varint(delta)?;
    let (result, rest) = varint(rest)?;
    Some((base, result, rest))
}

/// What `delta` makes of `base`; `None` where it is broken, or makes more than `most` bytes.
pub(crate) fn apply(base: &[u8], delta: &[u8], most: u64) -> Option<Vec<u8>> {
    let (base_size, size, mut rest) = sizes(delta)?;
    if base_size != base.len() as u64 || size > most {
        return None;
    }
    let size = usize::try_from(size).ok()?;
    // Grows with what is really there, not with what was claimed.
    let mut result = Vec::new();
    while let [op, after @ ..] = rest {
        rest = after;
        let piece = match op {
            0 => return None,
            1..128 => {
                let (piece, after) = rest.split_at_checked(usize::from(*op))?;
                rest = after;
                piece
            }
            _ => {
                let mut number = |bits: std::ops::Range<u8>| {
                    let mut number = 0_usize;
                    for (place, bit) in bits.enumerate() {
                        if op >> bit & 1 == 1 {
                            let (byte, after) = rest.split_first()?;
                            number |= usize::from(*byte) << (8 * place);
                            rest = after;
                        }
                    }
                    Some(number)
                };
                let (offset, length) = (number(0..4)?, number(4..7)?);
                let length = if length == 0 { 0x10000 } else { length };
                base.get(offset..offset.checked_add(length)?)?
            }
        };
        if result.len() + piece.len() > size {
            return None;
        }
        result.extend_from_slice(piece);
    }
    (result.len() == size).then_some(result)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut shift, mut rest) = (0_u64, 0, bytes);
    loop {
        let (byte, after) = rest.split_first()?;
        if shift > 56 {
            return None;
        }
        value |= u64::from(byte & 127) << shift;
        (rest, shift) = (after, shift + 7);
        if byte & 128 == 0 {
            return Some((value, rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_copies_and_takes_or_is_broken() {
        let base = b"0123456789";
        for (delta, expected) in [
            (&[10, 5, 0x91, 2, 3, 2, b'a', b'b'][..], Some(&b"234ab"[..])),
            (&[10, 0][..], Some(b"")),
            (&[9, 3, 0x91, 2, 3][..], None),
            (&[10, 4, 0x91, 2, 3][..], None),
            (&[10, 2, 0x91, 2, 3][..], None),
            (&[10, 3, 0x91, 8, 3][..], None),
            (&[10, 3, 0x91, 8][..], None),
            (&[10, 3, 3, 1][..], None),
            (&[10, 3, 0][..], None),
            (&[10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f][..], None),
            (&[][..], None),
        ] {
            assert_eq!(apply(base, delta, 100).as_deref(), expected, "{delta:?}");
        }
        assert_eq!(apply(base, &[10, 5, 0x91, 2, 5], 4), None, "more than may be");
    }
}
