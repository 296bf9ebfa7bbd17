//! Frames on the wire: a `u32` little-endian length, then that many bytes of postcard.

use std::marker::PhantomData;

use bytes::{Buf, BufMut, BytesMut};
use serde::{Serialize, de::DeserializeOwned};

use crate::MAX_FRAME_BYTES;

const LENGTH_BYTES: usize = 4;

/// Why a stream of frames cannot go on. There is no resynchronising: the link must be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The length prefix is over [`MAX_FRAME_BYTES`].
    #[error("a frame of {0} bytes is over the limit")]
    TooLarge(usize),
    /// The payload is not a frame of the expected type, or has bytes left over.
    #[error("a frame cannot be decoded")]
    Malformed,
}

/// Reads frames of type `T` out of a growing buffer.
#[derive(Debug)]
pub struct FrameCodec<T> {
    frame: PhantomData<fn() -> T>,
}

impl<T> Default for FrameCodec<T> {
    fn default() -> Self {
        Self { frame: PhantomData }
    }
}

impl<T: DeserializeOwned> FrameCodec<T> {
    /// Takes the next whole frame off the front of `buffer`; `None` until one is there.
    ///
    /// # Errors
    /// [`CodecError`]; the stream is then unusable.
    pub fn decode(&self, buffer: &mut BytesMut) -> Result<Option<T>, CodecError> {
        let Some(prefix) = buffer.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = u32::from_le_bytes(*prefix) as usize;
        if length > MAX_FRAME_BYTES {
            return Err(CodecError::TooLarge(length));
        }
        if buffer.len() < LENGTH_BYTES + length {
            buffer.reserve(LENGTH_BYTES + length - buffer.len());
            return Ok(None);
        }
        buffer.advance(LENGTH_BYTES);
        let payload = buffer.split_to(length);
        match postcard::take_from_bytes(&payload) {
            Ok((frame, [])) => Ok(Some(frame)),
            _ => Err(CodecError::Malformed),
        }
    }
}

/// Appends one frame to `buffer`.
///
/// # Errors
/// [`CodecError::TooLarge`] when the sender broke its own bounds; `buffer` is then as it was.
pub fn encode<T: Serialize>(frame: &T, buffer: &mut BytesMut) -> Result<(), CodecError> {
    let start = buffer.len();
    buffer.put_u32_le(0);
    let written = postcard::to_io(frame, (&mut *buffer).writer()).is_ok();
    let length = buffer.len() - start - LENGTH_BYTES;
    if !written || length > MAX_FRAME_BYTES {
        buffer.truncate(start);
        return Err(CodecError::TooLarge(length));
    }
    #[expect(clippy::cast_possible_truncation, reason = "length <= MAX_FRAME_BYTES")]
    buffer[start..start + LENGTH_BYTES].copy_from_slice(&(length as u32).to_le_bytes());
    Ok(())
}

/// The bare postcard form of a value, without a length: what the hash of a listing is made of. `None` only for values postcard cannot
/// express, of which this crate has none.
#[must_use]
pub fn postcard_bytes<T: Serialize>(value: &T) -> Option<Vec<u8>> {
    postcard::to_allocvec(value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ToServer, ViewerEvent};

    fn output(seq: u64, bytes: Vec<u8>) -> ToServer {
        ToServer::Viewer { viewer: 7, event: ViewerEvent::Output { seq, bytes: bytes.into() } }
    }

    proptest! {
        #[test]
        fn frames_survive_any_split_of_the_stream(
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..8),
            cut in 1_usize..64,
        ) {
            let frames: Vec<_> = payloads.into_iter().enumerate().map(|(i, p)| output(i as u64, p)).collect();
            let mut wire = BytesMut::new();
            for frame in &frames { encode(frame, &mut wire).expect("small frame"); }
            let (codec, mut buffer, mut read) = (FrameCodec::<ToServer>::default(), BytesMut::new(), Vec::new());
            for part in wire.chunks(cut) {
                buffer.extend_from_slice(part);
                while let Some(frame) = codec.decode(&mut buffer).expect("valid stream") { read.push(frame); }
            }
            prop_assert_eq!(read, frames);
        }

        #[test]
        fn hostile_bytes_never_panic_and_never_reserve_beyond_the_limit(junk in proptest::collection::vec(any::<u8>(), 0..2048)) {
            let (codec, mut buffer) = (FrameCodec::<ToServer>::default(), BytesMut::from(&junk[..]));
            while let Ok(Some(_)) = codec.decode(&mut buffer) {}
            prop_assert!(buffer.capacity() <= MAX_FRAME_BYTES + junk.len() + LENGTH_BYTES);
        }
    }

    #[test]
    fn an_oversized_length_is_refused_before_its_bytes_arrive() {
        let mut buffer = BytesMut::from(&u32::MAX.to_le_bytes()[..]);
        assert_eq!(FrameCodec::<ToServer>::default().decode(&mut buffer), Err(CodecError::TooLarge(u32::MAX as usize)));
    }

    #[test]
    fn a_frame_over_the_limit_leaves_the_buffer_untouched() {
        let mut buffer = BytesMut::from(&b"kept"[..]);
        let frame = output(0, vec![0; MAX_FRAME_BYTES]);
        assert!(matches!(encode(&frame, &mut buffer), Err(CodecError::TooLarge(_))));
        assert_eq!(&buffer[..], b"kept");
    }
}
