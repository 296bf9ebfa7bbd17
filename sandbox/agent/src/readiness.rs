//! Hearing of readiness through the runtime.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll};

use rustix::io::fcntl_dupfd_cloexec;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Registers a descriptor to be read with the runtime, which must be the current one.
///
/// # Errors
/// When the kernel refuses; the descriptor is then closed.
pub fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    register_for(fd, Interest::READABLE)
}

fn register_for(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open and stays the same descriptor for as long as the `AsyncFd` owns it.
    Ok(unsafe { AsyncFd::register_with_interest(fd, interest) }?)
}

/// Room to write, listened for only while something waits to be written. Sockets and terminals tell of room whenever
/// their other side has read anything: at every key, that would wake the agent for nothing.
#[derive(Debug, Default)]
pub struct Room(Option<AsyncFd<OwnedFd>>);

impl Room {
    /// Whether writing is worth trying; if not, the task is woken when it is.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.0 {
            Some(watched) => watched.poll_write_ready(cx).map(drop),
            None => Poll::Ready(()),
        }
    }

    /// `fd` has just taken nothing: sees to being woken when it takes something. One that was hung up never does.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn wait(&mut self, fd: impl AsFd, cx: &mut Context<'_>) -> io::Result<()> {
        match &self.0 {
            Some(watched) => {
                if let Poll::Ready(Ok(mut ready)) = watched.poll_write_ready(cx) {
                    ready.clear_ready();
                }
            }
            None => self.0 = Some(register_for(fcntl_dupfd_cloexec(fd, 0)?, Interest::WRITABLE)?),
        }
        let _ = self.poll(cx);
        Ok(())
    }

    /// Nothing waits any more.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}
