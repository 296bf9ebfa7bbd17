//! The scrollback of one terminal: the newest bytes, each with its absolute sequence number.
//!
//! Memory grows with use and never past the limit; the oldest bytes are forgotten first.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// First allocation, in bytes: a prompt and a few commands.
const FIRST_BYTES: usize = 4 * 1024;

/// Bytes `start..end` of everything a terminal ever printed.
#[derive(Debug)]
pub struct Ring {
    bytes: VecDeque<u8>,
    start: u64,
    limit: usize,
}

impl Ring {
    /// An empty ring that will keep at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { bytes: VecDeque::new(), start: 0, limit }
    }

    /// Sequence number of the oldest byte kept.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Sequence number of the next byte to come.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Bytes allocated.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Changes the limit; a smaller one forgets at once.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        self.forget(self.bytes.len().saturating_sub(limit));
        if self.bytes.capacity() > limit {
            self.bytes.shrink_to(limit);
        }
    }

    /// Appends `new`, forgetting the oldest bytes where the limit demands it.
    pub fn push(&mut self, new: &[u8]) {
        let kept = &new[new.len().saturating_sub(self.limit)..];
        self.forget((self.bytes.len() + kept.len()).saturating_sub(self.limit));
        // Bytes of `new` that do not even fit by themselves pass through without being stored.
        self.start += (new.len() - kept.len()) as u64;
        self.reserve(kept.len());
        self.bytes.extend(kept);
    }

    /// A copy of up to `most` bytes from `seq` on; empty when `seq` is outside `start..end`.
    #[must_use]
    pub fn copy(&self, seq: u64, most: usize) -> Bytes {
        let Some(skip) = seq.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok()) else {
            return Bytes::new();
        };
        let (front, back) = self.bytes.as_slices();
        let mut copy = BytesMut::with_capacity(most.min(self.bytes.len().saturating_sub(skip)));
        let from_front = front.get(skip..).unwrap_or_default();
        copy.extend_from_slice(&from_front[..from_front.len().min(most)]);
        let from_back = back.get(skip.saturating_sub(front.len())..).unwrap_or_default();
        copy.extend_from_slice(&from_back[..from_back.len().min(most - copy.len())]);
        copy.freeze()
    }

    fn forget(&mut self, count: usize) {
        let count = count.min(self.bytes.len());
        self.bytes.drain(..count);
        self.start += count as u64;
    }

    /// Doubles as a `Vec` would, but never past the limit.
    fn reserve(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let wanted = needed.max(self.bytes.capacity() * 2).max(FIRST_BYTES).min(self.limit.max(needed));
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_an_endless_log_seen_through_its_last_bytes(
            limit in 1_usize..200,
            pushes in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..30),
            reads in proptest::collection::vec((0_u64..5000, 0_usize..300), 1..30),
        ) {
            let (mut ring, mut log) = (Ring::new(limit), Vec::new());
            for push in &pushes {
                ring.push(push);
                log.extend_from_slice(push);
                prop_assert_eq!(ring.end(), log.len() as u64);
                prop_assert_eq!(ring.start(), log.len().saturating_sub(limit) as u64);
                prop_assert!(ring.capacity() <= limit.max(2));
            }
            for (seq, most) in reads {
                let expected = if seq < ring.start() || seq >= ring.end() { &[][..] } else {
                    let from = usize::try_from(seq).expect("small");
                    &log[from..(from + most).min(log.len())]
                };
                prop_assert_eq!(&ring.copy(seq, most)[..], expected);
            }
        }

        #[test]
        fn a_smaller_limit_keeps_the_newest(bytes in proptest::collection::vec(any::<u8>(), 0..300), limit in 1_usize..300) {
            let mut ring = Ring::new(300);
            ring.push(&bytes);
            ring.set_limit(limit);
            let kept = &bytes[bytes.len().saturating_sub(limit)..];
            prop_assert_eq!(ring.end(), bytes.len() as u64);
            prop_assert_eq!(&ring.copy(ring.start(), 1000)[..], kept);
        }
    }

    #[test]
    fn an_unused_ring_allocates_nothing() {
        assert_eq!(Ring::new(2 * 1024 * 1024).capacity(), 0);
    }
}
