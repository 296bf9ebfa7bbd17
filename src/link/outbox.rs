//! Frames on their way to the agent.
//!
//! A frame is written by the thread that sends it, straight into the socket, so that a keystroke costs no hand-over to another task. What
//! the socket does not take is kept, in order, for a flusher that waits until it does.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BytesMut};
use carrel_protocol::{ToAgent, codec};
use tokio::sync::Notify;

use super::socket::Socket;

/// Bytes kept for an agent that does not read. Every frame in here is covered by a window or by the request limits, which add up to less;
/// an agent that lets it fill is stuck and loses its link.
const MAX_BACKLOG_BYTES: usize = 16 * 1024 * 1024;

/// An emptied buffer larger than this is given back.
const KEPT_CAPACITY_BYTES: usize = 16 * 1024;

/// The sending half of a link.
#[derive(Debug)]
pub(super) struct Outbox {
    backlog: Mutex<BytesMut>,
    more: Notify,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stuck;

impl Outbox {
    pub(super) fn new() -> Self {
        Self { backlog: Mutex::new(BytesMut::new()), more: Notify::new() }
    }

    /// Sends `frame` now as far as the socket takes it, the rest as soon as it does.
    ///
    /// # Errors
    /// [`Stuck`] when the link cannot be used any more; the caller closes it.
    pub(super) fn send(&self, socket: &Socket, frame: &ToAgent) -> Result<(), Stuck> {
        let mut backlog = self.lock();
        let waiting = !backlog.is_empty();
        codec::encode(frame, &mut backlog).map_err(|_| Stuck)?;
        if !waiting {
            write_some(&mut backlog, |bytes| socket.try_write(bytes)).map_err(|_| Stuck)?;
        }
        match backlog.len() {
            0 => Ok(()),
            length if length > MAX_BACKLOG_BYTES => Err(Stuck),
            _ => {
                self.more.notify_one();
                Ok(())
            }
        }
    }

    /// Writes the backlog whenever there is one, for ever. Whoever stops waiting may call again.
    ///
    /// # Errors
    /// Of the socket.
    pub(super) async fn flush_for_ever(&self, socket: &Socket) -> io::Error {
        loop {
            // Before waiting: an earlier call may have stopped in the middle.
            if !self.lock().is_empty()
                && let Err(error) = self.flush(socket).await
            {
                return error;
            }
            self.more.notified().await;
        }
    }

    async fn flush(&self, socket: &Socket) -> io::Result<()> {
        let outgoing = socket.outgoing()?;
        loop {
            outgoing.writable().await?;
            let mut backlog = self.lock();
            write_some(&mut backlog, |bytes| outgoing.try_write(bytes))?;
            if backlog.is_empty() {
                return Ok(());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BytesMut> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_some(backlog: &mut BytesMut, write: impl Fn(&[u8]) -> io::Result<usize>) -> io::Result<()> {
    while !backlog.is_empty() {
        match write(backlog) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => backlog.advance(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if backlog.capacity() > KEPT_CAPACITY_BYTES {
        *backlog = BytesMut::new();
    }
    Ok(())
}
