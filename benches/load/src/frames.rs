//! The frames of `carrel.terminal.v1` as a client writes and reads them, and when it acknowledges. See docs/terminal-protocol.md.

use bytes::Bytes;
use serde_json::Value;

/// The subprotocol's name.
pub const PROTOCOL: &str = "carrel.terminal.v1";

/// Tags of a client's frames.
const INPUT: u8 = 0;
const ACK: u8 = 1;

/// Tags of the server's frames.
const OUTPUT: u8 = 0;
const CONTROL: u8 = 1;

/// Tag and sequence number before the bytes of an output frame.
const OUTPUT_HEAD: usize = 9;

/// A frame of the server.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerFrame {
    /// Bytes of the terminal, the first of which has this number.
    Output {
        /// Number of the first byte.
        seq: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// A JSON object with `"type"`.
    Control(Value),
}

impl ServerFrame {
    /// Reads one; `None`: that is no frame of this protocol.
    #[must_use]
    pub fn parse(mut frame: Bytes) -> Option<Self> {
        match *frame.first()? {
            OUTPUT => {
                let seq = u64::from_le_bytes(frame.get(1..OUTPUT_HEAD)?.try_into().ok()?);
                Some(Self::Output { seq, bytes: frame.split_off(OUTPUT_HEAD) })
            }
            CONTROL => Some(Self::Control(serde_json::from_slice(&frame[1..]).ok()?)),
            _ => None,
        }
    }
}

/// A frame that types.
#[must_use]
pub fn input(bytes: &[u8]) -> Bytes {
    [&[INPUT], bytes].concat().into()
}

/// A frame that says that all output before `seq` has been seen.
#[must_use]
pub fn ack(seq: u64) -> Bytes {
    [&[ACK], &seq.to_le_bytes()[..]].concat().into()
}

/// What has been seen of a terminal and what was said about it: an acknowledgement every quarter of the window.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    seen: u64,
    acked: u64,
    step: u64,
}

impl Progress {
    /// As a `hello` begins it; `None`: that is no `hello`.
    #[must_use]
    pub fn begin(hello: &Value) -> Option<Self> {
        let (seq, window) = (hello["seq"].as_u64()?, hello["window"].as_u64()?);
        Some(Self { seen: seq, acked: seq, step: window / 4 })
    }

    /// The number of the byte that comes next.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.seen
    }

    /// So many bytes more have been seen; the acknowledgement to send, if it is time for one.
    pub fn saw(&mut self, bytes: usize) -> Option<Bytes> {
        self.seen += bytes as u64;
        (self.seen - self.acked >= self.step).then(|| {
            self.acked = self.seen;
            ack(self.seen)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn frames_are_read_or_refused() {
        let output = |seq, bytes: &'static [u8]| Some(ServerFrame::Output { seq, bytes: Bytes::from_static(bytes) });
        for (frame, expected) in [
            (&b"\0\x07\0\0\0\0\0\0\0ls"[..], output(7, b"ls")),
            (b"\0\x07\0\0\0\0\0\0\0", output(7, b"")),
            (b"\x01{\"type\":\"exit\"}", Some(ServerFrame::Control(json!({ "type": "exit" })))),
            (b"\0\x07", None),
            (b"\x01{", None),
            (b"\x09", None),
            (b"", None),
        ] {
            assert_eq!(ServerFrame::parse(Bytes::from_static(frame)), expected, "{frame:?}");
        }
    }

    #[test]
    fn every_quarter_of_the_window_is_acknowledged_with_its_absolute_number() {
        let mut progress = Progress::begin(&json!({ "seq": 100, "window": 400 })).expect("a hello");
        assert_eq!(progress.saw(99), None);
        assert_eq!(progress.saw(1), Some(ack(200)));
        assert_eq!(progress.saw(99), None);
        assert_eq!(progress.saw(500), Some(ack(799)));
        assert_eq!(progress.next_seq(), 799);
        assert!(Progress::begin(&json!({ "seq": 1 })).is_none());
    }
}
