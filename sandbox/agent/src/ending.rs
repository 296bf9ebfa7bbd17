//! Ending every program of the sandbox while the agent and its link stay.
//!
//! ```text
//! none ── EndPrograms: SIGHUP, SIGCONT ──▶ asked ── grace over: SIGKILL, again and again ──▶ killing
//!   ▲                                        │                                                 │
//!   └──────────────── nothing runs any more: Done to every caller ─────────────────────────────┘
//! ```

use std::time::Duration;

use carrel_protocol::RequestId;
use rustix::process::Signal;
use tokio::time::Instant;

use crate::processes;
use crate::terminals::GRACE;

/// The end of a child is heard of; that of a process somebody else started in here (`docker exec`) is not, so it is looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whether the programs are being ended, and who waits for that.
#[derive(Debug, Default)]
pub struct Ending {
    kill_at: Option<Instant>,
    look_at: Option<Instant>,
    callers: Vec<RequestId>,
}

impl Ending {
    /// Begins, or joins what has begun; `id` is answered when nothing runs any more.
    pub fn begin(&mut self, id: RequestId, now: Instant) {
        self.callers.push(id);
        if self.kill_at.is_none() {
            self.kill_at = Some(now + GRACE);
            processes::signal_others(&[Signal::HUP, Signal::CONT]);
        }
        self.look_at = Some(now);
    }

    /// Whether programs are being ended, so that none may be started.
    #[must_use]
    pub fn is_going_on(&self) -> bool {
        self.kill_at.is_some()
    }

    /// Some child has ended.
    pub fn reaped(&mut self, now: Instant) {
        if self.is_going_on() {
            self.look_at = Some(now);
        }
    }

    /// The connection is gone and with it who asked; the programs are ended all the same.
    pub fn disconnected(&mut self) {
        self.callers.clear();
    }

    /// Looks whether anything still runs, if it is time; answers whom to tell that nothing does.
    pub fn tick(&mut self, now: Instant) -> Vec<RequestId> {
        let Some(kill_at) = self.kill_at else { return Vec::new() };
        if self.look_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        if !processes::others_run() {
            return std::mem::take(self).callers;
        }
        if kill_at <= now {
            processes::signal_others(&[Signal::KILL]);
        }
        self.look_at = Some(now + LOOK_EVERY);
        Vec::new()
    }

    /// When [`Ending::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.look_at
    }
}
