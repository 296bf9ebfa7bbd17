//! One terminal: the master end of its PTY, its scrollback, the input waiting for it, and its end.
//!
//! ```text
//! running ── child reaped ──▶ draining ── nothing left to read ──▶ ended (kept for its scrollback)
//! ```

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use carrel_protocol::{Bucket, ExitState, TerminalInfo, TerminalSize, ViewerId};
use rustix::io::{Errno, read, write};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::termios::tcgetpgrp;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;
use uuid::Uuid;

use crate::pty;
use crate::readiness::{Room, register};
use crate::ring::Ring;
use crate::viewers::Viewers;

/// Read from one terminal before others get their turn, in bytes.
pub const READ_BYTES: usize = 64 * 1024;

/// A terminal nobody looks at is read this fast, in bytes a second, after a burst: its ring forgets most of a flood anyway, and the kernel's
/// terminals, which nothing interrupts, would take a whole processor from those who type.
const UNWATCHED_RATE: u64 = 1024 * 1024;
const UNWATCHED_BURST: u64 = 4 * 1024 * 1024;

/// Less is not worth waking up for, in bytes.
const UNWATCHED_STEP: u64 = 32 * 1024;

/// A program may close its terminal, live on, and open it again; this often it is looked whether it did.
const REVIVE_EVERY: Duration = Duration::from_millis(100);

/// A terminal the server opened and has not closed.
#[derive(Debug)]
pub struct Terminal {
    /// What the server is told about it; `end` is filled in when it is asked for.
    info: TerminalInfo,
    /// Its scrollback.
    pub ring: Ring,
    /// `None` once ended.
    master: Option<AsyncFd<OwnedFd>>,
    input: VecDeque<(ViewerId, Bytes)>,
    /// For the input that waits.
    room: Room,
    reaped: Option<ExitState>,
    revive_at: Option<Instant>,
    /// What may be read while nobody looks.
    unwatched: Bucket,
    /// When that is worth reading again, if it is not now.
    unwatched_at: Option<Instant>,
}

/// What a turn of reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing to do until something happens.
    Idle,
    /// There may be more to read at once.
    More,
    /// The program has ended and all its output is in the ring. Told once.
    Ended(ExitState),
}

impl Terminal {
    /// Takes over a freshly started program; needs a tokio runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch the terminal.
    pub fn new(info: TerminalInfo, master: OwnedFd, ring_bytes: usize) -> std::io::Result<Self> {
        Ok(Self {
            info,
            ring: Ring::new(ring_bytes),
            master: Some(register(master)?),
            input: VecDeque::new(),
            room: Room::default(),
            reaped: None,
            revive_at: None,
            unwatched: Bucket::full(UNWATCHED_RATE, UNWATCHED_BURST, std::time::Instant::now()),
            unwatched_at: None,
        })
    }

    /// The terminal as it is.
    #[must_use]
    pub fn info(&self) -> TerminalInfo {
        TerminalInfo { end: self.ring.end(), ..self.info.clone() }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.info.id
    }

    /// Process id of the program it was opened with, which is also its session's id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.info.pid
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn exit(&self) -> Option<ExitState> {
        self.info.exit
    }

    /// Whether the program it was opened with still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.reaped.is_none()
    }

    /// When reading is to be tried again although nothing was heard.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.revive_at.into_iter().chain(self.unwatched_at).min()
    }

    /// The program it was opened with has ended.
    pub fn reaped(&mut self, exit: ExitState) {
        self.reaped = Some(exit);
        self.revive_at = None;
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: String) {
        self.info.name = name;
    }

    /// Sets the size.
    ///
    /// # Errors
    /// Whatever the terminal says.
    pub fn resize(&mut self, size: TerminalSize) -> Result<(), Errno> {
        if let Some(master) = &self.master {
            pty::resize(master.get_ref(), size)?;
        }
        self.info.size = size;
        Ok(())
    }

    /// Hangs up on its session's leader and on whoever is in the foreground.
    pub fn hang_up(&self) {
        let leader = self.is_running().then_some(self.info.pid).and_then(|pid| i32::try_from(pid).ok());
        let foreground = self.master.as_ref().and_then(|master| tcgetpgrp(master).ok());
        let leader = leader.and_then(Pid::from_raw);
        for group in leader.into_iter().chain(foreground.filter(|group| Some(*group) != leader)) {
            for signal in [Signal::HUP, Signal::CONT] {
                // It may have ended by now.
                let _ = kill_process_group(group, signal);
            }
        }
    }

    /// Takes input from a viewer: written at once if nothing is waiting. Answers how much was taken at once.
    pub fn input(&mut self, viewer: ViewerId, mut bytes: Bytes) -> usize {
        let Some(master) = &self.master else { return bytes.len() };
        let mut taken = 0;
        if self.input.is_empty() {
            match write_some(master, &bytes) {
                Ok(count) => {
                    bytes.advance(count);
                    taken = count;
                }
                Err(()) => return bytes.len(),
            }
        }
        if !bytes.is_empty() {
            self.input.push_back((viewer, bytes));
        }
        taken
    }

    /// Drops waiting input. Its viewers were never told that it was taken, and may send it again.
    pub fn forget_input(&mut self) {
        self.input.clear();
    }

    /// Writes waiting input as far as the terminal takes it, and tells `viewers` how much of theirs. What a
    /// viewer that has left was still waiting to write is dropped.
    pub fn poll_input(&mut self, cx: &mut Context<'_>, now: Instant, viewers: &mut Viewers) {
        while let Some((viewer, bytes)) = self.input.front_mut() {
            let Some(viewer) = viewers.get(*viewer) else {
                self.input.pop_front();
                continue;
            };
            let count = match &self.master {
                None => bytes.len(),
                Some(_) if self.room.poll(cx).is_pending() => return,
                Some(master) => match write_some(master, bytes) {
                    // Without descriptors to wait with, the next pass tries again.
                    Ok(0) => return drop(self.room.wait(master, cx)),
                    Ok(count) => count,
                    Err(()) => bytes.len(),
                },
            };
            bytes.advance(count);
            viewer.input_taken(count, now);
            if bytes.is_empty() {
                self.input.pop_front();
            }
        }
        self.room.forget();
    }

    /// Reads output into the ring, by way of `buffer`: at most what its viewers have room for, or at its own pace when it has none.
    pub fn poll_output(&mut self, cx: &mut Context<'_>, now: Instant, room: Option<u64>, buffer: &mut [u8]) -> Turn {
        self.revive_if_due(now);
        self.unwatched_at = None;
        if let Some(room) = room {
            return self.read_output(cx, now, room, buffer);
        }
        let before = self.ring.end();
        let allowed = self.unwatched.level(now.into_std());
        let turn = if allowed < UNWATCHED_STEP && self.reaped.is_none() {
            self.unwatched_at = Some(now + self.unwatched.time_to(UNWATCHED_STEP));
            Turn::Idle
        } else {
            self.read_output(cx, now, allowed.max(UNWATCHED_STEP), buffer)
        };
        self.unwatched.take(self.ring.end() - before);
        turn
    }

    fn read_output(&mut self, cx: &mut Context<'_>, now: Instant, allowance: u64, buffer: &mut [u8]) -> Turn {
        if self.revive_at.is_some() {
            return Turn::Idle;
        }
        let Some(master) = &self.master else { return self.end_without_terminal() };
        if allowance == 0 {
            return Turn::Idle;
        }
        let most = usize::try_from(allowance).unwrap_or(usize::MAX).min(buffer.len());
        let (mut filled, mut hung_up, mut ended) = (0, false, false);
        while filled < most {
            // After the end nothing new can come, so readiness need not be waited for.
            let mut ready = match (self.reaped, master.poll_read_ready(cx)) {
                (_, Poll::Ready(Ok(ready))) => Some(ready),
                (Some(_), _) => None,
                (None, _) => break,
            };
            match read(master, &mut buffer[filled..most]) {
                Ok(0) | Err(Errno::IO) => {
                    hung_up = true;
                    break;
                }
                Ok(count) => filled += count,
                Err(Errno::INTR) => {}
                Err(_) if self.reaped.is_some() => {
                    ended = true;
                    break;
                }
                Err(_) => {
                    if let Some(ready) = &mut ready {
                        ready.clear_ready();
                    }
                    // Still "ready": hung up once and open again since. Only watching afresh shows more.
                    if master.poll_read_ready(cx).is_ready() {
                        hung_up = true;
                        break;
                    }
                }
            }
        }
        self.ring.push(&buffer[..filled]);
        match self.reaped {
            Some(_) if ended || hung_up => {
                self.master = None;
                self.end_without_terminal()
            }
            _ if hung_up => {
                self.revive_at = Some(now + REVIVE_EVERY);
                Turn::Idle
            }
            _ if filled == most => Turn::More,
            _ => Turn::Idle,
        }
    }

    fn end_without_terminal(&mut self) -> Turn {
        match (self.reaped, self.info.exit) {
            (Some(exit), None) => Turn::Ended(*self.info.exit.insert(exit)),
            _ => Turn::Idle,
        }
    }

    /// A hang-up stays "ready" for ever in the runtime's eyes, so after a pause it is watched afresh.
    fn revive_if_due(&mut self, now: Instant) {
        if self.revive_at.is_some_and(|at| at <= now) {
            self.revive_at = None;
            self.master = self.master.take().and_then(|master| register(master.into_inner()).ok());
            self.room.forget();
        }
    }
}

/// Writes what fits, which may be nothing; an error means that nobody will ever read it.
fn write_some(master: &AsyncFd<OwnedFd>, bytes: &[u8]) -> Result<usize, ()> {
    match write(master, bytes) {
        Ok(count) => Ok(count),
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        Err(_) => Err(()),
    }
}
