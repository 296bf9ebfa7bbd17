//! A body of unknown length that is made while it is sent.
//!
//! ```text
//!   maker, on a blocking thread ── at most QUEUE pieces ──▶ connection ──▶ client
//! ```
//!
//! **Invariant**: a body that was not made to its end breaks off, and never looks like a shorter whole. A client that reads too slowly is
//! given up, as for any [download](super::transfer).

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::transfer::{DOWNLOAD_STALL, Pace, TooSlow};

/// Bytes sent at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// Pieces that wait for the connection.
const QUEUE: usize = 4;

/// Where the maker writes; only [`Maker::finish`] makes the body whole.
#[derive(Debug)]
pub struct Maker {
    pieces: mpsc::Sender<Option<Bytes>>,
    buffer: BytesMut,
    pace: Pace,
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
    let pace = Pace::new(DOWNLOAD_STALL, Instant::now());
    let maker = Maker { pieces: sender, buffer: BytesMut::with_capacity(PIECE_BYTES), pace, handle };
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
        self.pace.moved(length, Instant::now());
        Ok(())
    }

    fn send(&self, piece: Option<Bytes>) -> io::Result<()> {
        let sending = timeout_at(self.pace.due(), self.pieces.send(piece));
        match self.handle.block_on(sending) {
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
        maker.pace = Pace::new(std::time::Duration::from_millis(20), Instant::now());
        let making = spawn_blocking(move || maker.write_all(&vec![7; 10 * PIECE_BYTES]));
        let error = making.await.expect("no panic").expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(made);
    }
}
