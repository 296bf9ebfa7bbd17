//! Bytes of an agent, and of a server: frames, or the end of the link; never more memory than one frame may take.

#![no_main]

use bytes::BytesMut;
use carrel_protocol::{FrameCodec, MAX_FRAME_BYTES, ToAgent, ToServer, codec};
use libfuzzer_sys::fuzz_target;

macro_rules! decode {
    ($frame:ty, $data:expr) => {
        let (codec, mut buffer) = (FrameCodec::<$frame>::default(), BytesMut::from($data));
        while let Ok(Some(frame)) = codec.decode(&mut buffer) {
            let mut encoded = BytesMut::new();
            codec::encode(&frame, &mut encoded).expect("what was a frame is one");
            assert_eq!(codec.decode(&mut encoded), Ok(Some(frame)));
        }
        assert!(buffer.capacity() <= 2 * (MAX_FRAME_BYTES + $data.len() + 4));
    };
}

fuzz_target!(|data: &[u8]| {
    decode!(ToServer, data);
    decode!(ToAgent, data);
});
