//! The binary frames of `carrel.terminal.v1`, as bytes and values. `docs/terminal-protocol.md` describes them.

use bytes::{BufMut, Bytes, BytesMut};

use super::socket_messages::Control;
use crate::model::terminal::TerminalSize;

/// Largest frame a client may send, in bytes: the window of input and a tag.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;

/// Tags of client frames.
const INPUT: u8 = 0;
const ACK: u8 = 1;
const RESIZE: u8 = 2;
const RESUME: u8 = 3;

/// Tags of server frames.
const OUTPUT: u8 = 0;
const CONTROL: u8 = 1;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// Bytes for the program.
    Input(Bytes),
    /// All output before this sequence number is on the screen.
    Ack(u64),
    /// The screen has this size now.
    Resize(TerminalSize),
    /// After a refusal: the input that follows begins at this offset of the connection's input.
    Resume(u64),
}

/// Why bytes are no [`ClientFrame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not even a tag.
    #[error("empty frame")]
    Empty,
    /// A tag nobody has defined.
    #[error("unknown tag")]
    Tag,
    /// A frame of that tag has another length.
    #[error("wrong length")]
    Length,
}

impl ClientFrame {
    /// Reads one frame; input is a view into `frame`, not a copy.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn parse(mut frame: Bytes) -> Result<Self, FrameError> {
        let (tag, body) = frame.split_first().ok_or(FrameError::Empty)?;
        match *tag {
            INPUT => Ok(Self::Input(frame.split_off(1))),
            ACK => Ok(Self::Ack(u64::from_le_bytes(exactly(body)?))),
            RESIZE => {
                let [c0, c1, r0, r1] = exactly(body)?;
                let (cols, rows) = (u16::from_le_bytes([c0, c1]), u16::from_le_bytes([r0, r1]));
                Ok(Self::Resize(TerminalSize { cols, rows }))
            }
            RESUME => Ok(Self::Resume(u64::from_le_bytes(exactly(body)?))),
            _ => Err(FrameError::Tag),
        }
    }
}

fn exactly<const N: usize>(body: &[u8]) -> Result<[u8; N], FrameError> {
    body.try_into().map_err(|_| FrameError::Length)
}

/// A frame of output, in one allocation.
#[must_use]
pub fn output(seq: u64, bytes: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(1 + 8 + bytes.len());
    frame.put_u8(OUTPUT);
    frame.put_u64_le(seq);
    frame.put_slice(bytes);
    frame.freeze()
}

/// A control frame.
///
/// # Errors
/// Never for the controls there are: they are plain numbers and text.
pub fn control(control: &Control) -> serde_json::Result<Bytes> {
    let mut frame = vec![CONTROL];
    serde_json::to_writer(&mut frame, control)?;
    Ok(frame.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_are_read_as_the_document_says() {
        let size = TerminalSize { cols: 80, rows: 24 };
        for (bytes, expected) in [
            (&[0_u8, b'l', b's'][..], Ok(ClientFrame::Input(Bytes::from_static(b"ls")))),
            (&[0], Ok(ClientFrame::Input(Bytes::new()))),
            (&[1, 1, 2, 0, 0, 0, 0, 0, 0], Ok(ClientFrame::Ack(513))),
            (&[2, 80, 0, 24, 0], Ok(ClientFrame::Resize(size))),
            (&[3, 0, 1, 0, 0, 0, 0, 0, 0], Ok(ClientFrame::Resume(256))),
            (&[], Err(FrameError::Empty)),
            (&[4], Err(FrameError::Tag)),
            (&[255, 1], Err(FrameError::Tag)),
            (&[1], Err(FrameError::Length)),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0], Err(FrameError::Length)),
            (&[2, 80, 0, 24], Err(FrameError::Length)),
            (&[3, 0], Err(FrameError::Length)),
        ] {
            assert_eq!(ClientFrame::parse(Bytes::copy_from_slice(bytes)), expected, "{bytes:?}");
        }
    }

    #[test]
    fn server_frames_carry_their_tag_and_sequence() {
        assert_eq!(&output(258, b"hi")[..], &[0, 2, 1, 0, 0, 0, 0, 0, 0, b'h', b'i']);
        let frame = control(&Control::Input { accepted: 1 }).expect("JSON");
        assert_eq!(&frame[..], b"\x01{\"type\":\"input\",\"accepted\":1}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            drop(ClientFrame::parse(bytes.into()));
        }
    }
}
