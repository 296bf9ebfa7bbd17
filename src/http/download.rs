//! A body of unknown length that is made while it is sent.
//!
//! ```text
//!   maker, on a blocking thread ── at most QUEUE pieces ──▶ connection ──▶ client
//! ```
//!
//! **Invariant**: a body that was not made to its end breaks off, and never looks like a shorter whole. Who makes one holds a place among few,
//! so a client that stands still, or takes less than [`LEAST_BYTES_PER_SECOND`] on the whole, is given up; what the making takes by itself is
//! not held against it.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::transfer::{DOWNLOAD_STALL, STALL, TooSlow};

/// Bytes sent at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// Pieces that wait for the connection.
const QUEUE: usize = 4;

/// What a client must take on the whole, after [`STALL`]: 240 MB, as large as a workspace may be by default, in half an hour.
pub const LEAST_BYTES_PER_SECOND: u32 = 128 * 1024;

/// How long a client has been waited for, and for how many bytes.
#[derive(Debug, Default)]
struct Patience {
    waited: Duration,
    bytes: u64,
}

impl Patience {
    /// How much longer it may take now.
    fn left(&self) -> Duration {
        let millis = self.bytes * 1000 / u64::from(LEAST_BYTES_PER_SECOND);
        (STALL + Duration::from_millis(millis)).saturating_sub(self.waited).min(DOWNLOAD_STALL)
    }
}

/// Where the maker writes; only [`Maker::finish`] makes the body whole.
#[derive(Debug)]
pub struct Maker {
    pieces: mpsc::Sender<Option<Bytes>>,
    buffer: BytesMut,
    patience: Patience,
    handle: Handle,
}

/// What the connection sends.
#[derive(Debug)]
pub struct Made {
    pieces: mpsc::Receiver<Option<Bytes>>,
    whole: bool,
}

/// A body and its maker, which waits with `handle`.
#[must_use]
pub fn body(handle: Handle) -> (Maker, Made) {
    let (sender, pieces) = mpsc::channel(QUEUE);
    let (buffer, patience) = (BytesMut::with_capacity(PIECE_BYTES), Patience::default());
    let maker = Maker { pieces: sender, buffer, patience, handle };
    (maker, Made { pieces, whole: false })
}

impl Maker {
    /// Says that this was all.
    ///
    /// # Errors
    /// When nobody reads it to its end.
    pub fn finish(mut self) -> io::Result<()> {
        self.send_buffer()?;
        self.send(None)
    }

    fn send_buffer(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = self.buffer.split().freeze();
        let length = piece.len();
        self.send(Some(piece))?;
        self.patience.bytes += length as u64;
        Ok(())
    }

    fn send(&mut self, piece: Option<Bytes>) -> io::Result<()> {
        let (began, left) = (Instant::now(), self.patience.left());
        // A timer needs the runtime already when it is made.
        let sending = async { timeout(left, self.pieces.send(piece)).await };
        let sent = self.handle.block_on(sending);
        self.patience.waited += began.elapsed();
        match sent {
            Ok(sent) => sent.map_err(|_| io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, TooSlow)),
        }
    }
}

impl Write for Maker {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() >= PIECE_BYTES {
            self.send_buffer()?;
        }
        Ok(taken)
    }

    /// Sends nothing early: whole pieces and the end are soon enough.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The maker did not come to its end.
#[derive(Debug, thiserror::Error)]
#[error("the body could not be made to its end")]
pub struct BrokenOff;

impl Stream for Made {
    type Item = Result<Bytes, BrokenOff>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.whole {
            return Poll::Ready(None);
        }
        self.pieces.poll_recv(cx).map(|piece| match piece {
            Some(Some(piece)) => Some(Ok(piece)),
            Some(None) => {
                self.whole = true;
                None
            }
            None => Some(Err(BrokenOff)),
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use tokio::task::spawn_blocking;

    use super::*;

    async fn made(whole: bool) -> Result<Vec<u8>, BrokenOff> {
        let (mut maker, made) = body(Handle::current());
        let making = spawn_blocking(move || {
            maker.write_all(&vec![7; 10 * PIECE_BYTES + 1]).expect("somebody reads");
            if whole {
                maker.finish().expect("somebody reads")
            }
        });
        let content = made.map_ok(|piece| piece.to_vec()).try_concat().await;
        making.await.expect("no panic");
        content
    }

    #[tokio::test]
    async fn a_body_is_whole_or_breaks_off() {
        assert_eq!(made(true).await.expect("whole").len(), 10 * PIECE_BYTES + 1);
        assert!(made(false).await.is_err());
    }

    #[tokio::test]
    async fn a_reader_that_stands_still_is_given_up() {
        let (mut maker, made) = body(Handle::current());
        maker.patience.waited = STALL - Duration::from_millis(20);
        let making = spawn_blocking(move || maker.write_all(&vec![7; 10 * PIECE_BYTES]));
        let error = making.await.expect("no panic").expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(made);
    }

    #[test]
    fn a_client_may_take_as_long_as_its_bytes_allow() {
        for (bytes, waited, left) in [
            (0, 0, 20),
            (0, 20, 0),
            (240 << 20, 0, 120),
            (240 << 20, 1900, 40),
            (240 << 20, 1940, 0),
            (240 << 20, 4000, 0),
        ] {
            let patience = Patience { waited: Duration::from_secs(waited), bytes };
            assert_eq!(patience.left(), Duration::from_secs(left), "{bytes} after {waited} s");
        }
    }
}
