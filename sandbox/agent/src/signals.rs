//! Signals as a readable file descriptor, and the end of child processes.
//!
//! **Invariant**: a program in the sandbox cannot end the agent. As PID 1 the agent is immune to
//! SIGKILL from inside by the kernel's own rule; SIGTERM counts only when it comes from outside.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::task::{Context, Poll};

use carrel_protocol::ExitState;
use rustix::process::{Pid, WaitOptions, wait};
use tokio::io::unix::AsyncFd;

use crate::readiness::register;

/// SIGCHLD, SIGTERM and SIGINT, blocked for every thread and read here instead.
#[derive(Debug)]
pub struct Signals {
    fd: AsyncFd<OwnedFd>,
    /// Whether we are the init of a pid namespace, where only the outside may ask us to end.
    init: bool,
}

/// What a reading of the signals came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Some child changed its state.
    pub child: bool,
    /// We are asked to end.
    pub terminate: bool,
}

/// Blocks the signals; must run before any thread is started, so that all inherit the mask.
///
/// # Errors
/// When the kernel refuses, which it has no reason to.
pub fn block() -> io::Result<()> {
    let mask = mask();
    // SAFETY: both pointers are valid for the call; no handler is installed.
    match unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const mask, std::ptr::null_mut()) } {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

impl Signals {
    /// Opens the descriptor; needs a tokio runtime.
    ///
    /// # Errors
    /// When the kernel or the runtime refuses.
    pub fn open() -> io::Result<Self> {
        let mask = mask();
        // SAFETY: the mask is valid for the call, and a non-negative result is a descriptor nobody else owns.
        let fd = unsafe {
            match libc::signalfd(-1, &raw const mask, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) {
                -1 => return Err(io::Error::last_os_error()),
                fd => OwnedFd::from_raw_fd(fd),
            }
        };
        Ok(Self { fd: register(fd)?, init: std::process::id() == 1 })
    }

    /// Takes every signal that has arrived.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<Received> {
        let mut received = Received::default();
        loop {
            let mut ready = match self.fd.poll_read_ready(cx) {
                Poll::Ready(Ok(ready)) => ready,
                Poll::Ready(Err(_)) => return Poll::Pending,
                Poll::Pending if received != Received::default() => return Poll::Ready(received),
                Poll::Pending => return Poll::Pending,
            };
            match read_one(&self.fd) {
                Some(info) => received.add(&info, self.init),
                None => ready.clear_ready(),
            }
        }
    }
}

impl Received {
    fn add(&mut self, info: &libc::signalfd_siginfo, init: bool) {
        match i32::try_from(info.ssi_signo) {
            Ok(libc::SIGCHLD) => self.child = true,
            // The kernel fills in pid 0 for a sender outside our namespace; only `sigqueue`, which has another
            // code, lets a sender choose the number.
            Ok(_) if !init || (info.ssi_pid == 0 && info.ssi_code == libc::SI_USER) => self.terminate = true,
            _ => {}
        }
    }
}

/// Takes one child that has ended off the kernel's list, whoever its parent was.
pub fn reap() -> Option<(Pid, ExitState)> {
    loop {
        let (pid, status) = wait(WaitOptions::NOHANG).ok().flatten()?;
        let small = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
        if let Some(code) = status.exit_status() {
            return Some((pid, ExitState::Code(small(code))));
        }
        if let Some(signal) = status.terminating_signal() {
            return Some((pid, ExitState::Signal(small(signal))));
        }
    }
}

fn mask() -> libc::sigset_t {
    // SAFETY: a signal set is plain memory, initialised by `sigemptyset` before use.
    unsafe {
        let mut mask: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut mask);
        for signal in [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT] {
            libc::sigaddset(&raw mut mask, signal);
        }
        mask
    }
}

fn read_one(fd: &AsyncFd<OwnedFd>) -> Option<libc::signalfd_siginfo> {
    const SIZE: usize = size_of::<libc::signalfd_siginfo>();
    // SAFETY: the kernel fills exactly this plain structure, or nothing.
    unsafe {
        let mut info: libc::signalfd_siginfo = std::mem::zeroed();
        let read = libc::read(fd.as_raw_fd(), (&raw mut info).cast(), SIZE);
        (usize::try_from(read) == Ok(SIZE)).then_some(info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(signal: i32, pid: u32, code: i32, init: bool) -> bool {
        // SAFETY: plain memory.
        let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
        (info.ssi_signo, info.ssi_pid, info.ssi_code) = (signal.unsigned_abs(), pid, code);
        let mut received = Received::default();
        received.add(&info, init);
        received.terminate
    }

    #[test]
    fn only_the_outside_ends_an_init_and_anybody_an_ordinary_process() {
        assert!(told(libc::SIGTERM, 0, libc::SI_USER, true), "the engine");
        assert!(!told(libc::SIGTERM, 42, libc::SI_USER, true), "kill 1 in a terminal");
        assert!(!told(libc::SIGTERM, 0, libc::SI_QUEUE, true), "sigqueue with a forged pid");
        assert!(told(libc::SIGTERM, 42, libc::SI_USER, false), "a test or a person");
        assert!(!told(libc::SIGCHLD, 0, libc::SI_USER, false));
    }
}
