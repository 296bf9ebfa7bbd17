//! Ending one process: SIGTERM and SIGCONT at once, SIGKILL after [`GRACE`] if it is still the same one.

use carrel_protocol::AgentError;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::processes;
use crate::terminals::GRACE;

/// Processes that may be on their way to an end; one more is refused.
const MOST: usize = 64;

/// Processes that were asked to end, and when patience with each is over.
#[derive(Debug, Default)]
pub struct Stopping {
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct Asked {
    pid: u32,
    /// When it was started: another process of the same number is another process.
    started: u64,
    kill_at: Instant,
}

impl Stopping {
    /// Asks a process to end.
    ///
    /// # Errors
    /// `NotFound` for the agent, what is not in the sandbox, and what belongs to another user; `TooMany`.
    pub fn ask(&mut self, pid: u32, now: Instant) -> Result<(), AgentError> {
        let started = processes::started(pid).ok_or(AgentError::NotFound)?;
        if self.asked.iter().any(|asked| asked.pid == pid && asked.started == started) {
            return Ok(());
        }
        if self.asked.len() >= MOST {
            return Err(AgentError::TooMany);
        }
        send(pid, Signal::TERM).map_err(|_| AgentError::NotFound)?;
        // A stopped one hears it only when it goes on.
        let _ = send(pid, Signal::CONT);
        self.asked.push(Asked { pid, started, kill_at: now + GRACE });
        Ok(())
    }

    /// Kills those whose time is over.
    pub fn tick(&mut self, now: Instant) {
        self.asked.retain(|asked| {
            if asked.kill_at > now {
                return true;
            }
            if processes::started(asked.pid) == Some(asked.started) {
                let _ = send(asked.pid, Signal::KILL);
            }
            false
        });
    }

    /// When [`Stopping::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.asked.iter().map(|asked| asked.kill_at).min()
    }
}

fn send(pid: u32, signal: Signal) -> Result<(), ()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(())?;
    kill_process(pid, signal).map_err(drop)
}
