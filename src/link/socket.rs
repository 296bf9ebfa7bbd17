//! The link's unix socket, and for what the runtime listens on it.
//!
//! A unix socket tells everybody who listens for room to write whenever its peer has read anything. The runtime's own socket type always
//! listens for that too, so that every frame would wake its thread twice: once for the agent having read it, for nothing. Here reading is
//! listened for alone, and writing only while something waits to be written.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use tokio::net::unix::pipe;

/// A connected socket.
#[derive(Debug)]
pub(super) struct Socket(UnixStream);

impl Socket {
    /// Takes it out of the runtime's hands.
    ///
    /// # Errors
    /// Never in practice: what was accepted can be let go of.
    pub(super) fn new(stream: tokio::net::UnixStream) -> io::Result<Self> {
        Ok(Self(stream.into_std()?))
    }

    /// Writes what fits at once.
    ///
    /// # Errors
    /// `WouldBlock` when nothing does, or of the socket.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }

    /// To be read, by a task of the present runtime. "Pipe" is what the runtime calls a descriptor that goes one way only; it is never
    /// checked to be one.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub(super) fn incoming(&self) -> io::Result<pipe::Receiver> {
        pipe::Receiver::from_owned_fd_unchecked(self.0.try_clone()?.into())
    }

    /// To be written when there is room, by a task of the present runtime.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub(super) fn outgoing(&self) -> io::Result<pipe::Sender> {
        pipe::Sender::from_owned_fd_unchecked(self.0.try_clone()?.into())
    }

    /// Hangs up, however many hold the socket.
    pub(super) fn hang_up(&self) {
        // An error means that the peer was quicker.
        self.0.shutdown(Shutdown::Both).ok();
    }
}
