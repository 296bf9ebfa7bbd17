//! All terminals of the sandbox: opening, serving, closing.

use std::collections::BTreeMap;
use std::task::Context;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use carrel_protocol::{
    AgentError, ExitState, MAX_TERMINALS, Request, TerminalInfo, TerminalSize, ToServer, ViewerEvent,
};
use rustix::fs::OFlags;
use rustix::process::Signal;
use tokio::time::Instant;
use uuid::Uuid;

use crate::files::{Workspace, agent_error};
use crate::lanes::{Lanes, ReadJob};
use crate::pty;
use crate::terminal::{READ_BYTES, Terminal, Turn};
use crate::viewers::Viewers;

/// After SIGHUP, programs have this long to end by themselves.
pub const GRACE: Duration = Duration::from_secs(2);

/// Longest name of a terminal, in bytes: all of them must fit in one greeting.
const MAX_NAME_BYTES: usize = 1024;

/// Most columns and rows.
const MAX_CELLS: u16 = 1000;

/// Scrollback before the first server has said how much it wants.
const FIRST_RING_BYTES: usize = 64 * 1024;

/// The terminals by id.
#[derive(Debug)]
pub struct Terminals {
    all: BTreeMap<Uuid, Terminal>,
    /// Sessions that were hung up on, and when they are killed.
    leaving: Vec<(u32, Instant)>,
    ring_bytes: usize,
    opened_any: bool,
    /// What terminals that are closed by now had printed, in bytes.
    closed_output: u64,
    buffer: Box<[u8]>,
}

impl Default for Terminals {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            leaving: Vec::new(),
            ring_bytes: FIRST_RING_BYTES,
            opened_any: false,
            closed_output: 0,
            buffer: vec![0; READ_BYTES].into(),
        }
    }
}

impl Terminals {
    /// Sets how much scrollback each keeps.
    pub fn set_ring_bytes(&mut self, ring_bytes: usize) {
        self.ring_bytes = ring_bytes;
        for terminal in self.all.values_mut() {
            terminal.ring.set_limit(ring_bytes);
        }
    }

    /// How much scrollback each keeps.
    #[must_use]
    pub fn ring_bytes(&self) -> usize {
        self.ring_bytes
    }

    /// Whether any program was ever started.
    #[must_use]
    pub fn opened_any(&self) -> bool {
        self.opened_any
    }

    /// What the server is told when it comes back.
    #[must_use]
    pub fn infos(&self) -> Vec<TerminalInfo> {
        self.all.values().map(Terminal::info).collect()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: Uuid) -> Option<&Terminal> {
        self.all.get(&id)
    }

    /// One of them, to be changed.
    pub fn get_mut(&mut self, id: Uuid) -> Option<&mut Terminal> {
        self.all.get_mut(&id)
    }

    /// Answers [`Request::OpenTerminal`].
    ///
    /// # Errors
    /// `TooMany`, `BadRequest`, or why the program could not be started.
    pub fn open(&mut self, workspace: &Workspace, request: Request) -> Result<TerminalInfo, AgentError> {
        let Request::OpenTerminal { terminal: id, name, size, cwd, command } = request else {
            return Err(AgentError::BadRequest("not a terminal".to_owned()));
        };
        if let Some(known) = self.all.get(&id) {
            return Ok(known.info());
        }
        if self.all.len() >= MAX_TERMINALS {
            return Err(AgentError::TooMany);
        }
        if name.len() > MAX_NAME_BYTES || !is_sensible(size) {
            return Err(AgentError::BadRequest("name or size".to_owned()));
        }
        let folder = cwd.as_ref().map_or("", |path| path.as_str());
        let folder = workspace.root.folder(folder.as_bytes(), OFlags::PATH).map_err(agent_error)?;
        let (master, pid) = pty::spawn(&command, folder, size).map_err(agent_error)?;
        self.opened_any = true;
        let opened = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let opened_at_ms = u64::try_from(opened.as_millis()).unwrap_or_default();
        let info = TerminalInfo { id, name, size, pid, end: 0, exit: None, opened_at_ms };
        let terminal = Terminal::new(info.clone(), master, self.ring_bytes)
            .map_err(|error| AgentError::Os(error.raw_os_error().unwrap_or(libc::EIO)))?;
        self.all.insert(id, terminal);
        Ok(info)
    }

    /// Hangs up on a terminal's programs and forgets it.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn close(&mut self, id: Uuid, lanes: &Lanes, now: Instant) -> Result<(), AgentError> {
        let terminal = self.all.remove(&id).ok_or(AgentError::NotFound)?;
        self.closed_output += terminal.ring.end();
        terminal.hang_up();
        lanes.read(ReadJob::Signal { session: terminal.pid(), signals: &[Signal::HUP, Signal::CONT] });
        self.leaving.push((terminal.pid(), now + GRACE));
        Ok(())
    }

    /// Gives a terminal another name.
    ///
    /// # Errors
    /// `NotFound`, or `BadRequest` for a name that is too long.
    pub fn rename(&mut self, id: Uuid, name: String) -> Result<(), AgentError> {
        let terminal = self.all.get_mut(&id).ok_or(AgentError::NotFound)?;
        if name.len() > MAX_NAME_BYTES {
            return Err(AgentError::BadRequest("the name".to_owned()));
        }
        terminal.rename(name);
        Ok(())
    }

    /// The process ids of the programs they were opened with, each the id of its session as well, and their terminals.
    #[must_use]
    pub fn leaders(&self) -> Vec<(u32, Uuid)> {
        self.all.values().map(|terminal| (terminal.pid(), terminal.id())).collect()
    }

    /// Bytes all of them have ever printed.
    #[must_use]
    pub fn output_bytes(&self) -> u64 {
        self.all.values().fold(self.closed_output, |sum, terminal| sum + terminal.ring.end())
    }

    /// Sets a terminal's size and tells its viewers.
    pub fn resize(&mut self, id: Uuid, size: TerminalSize, viewers: &Viewers, send: &mut dyn FnMut(ToServer)) {
        if let Some(terminal) = self.all.get_mut(&id)
            && is_sensible(size)
            && terminal.resize(size).is_ok()
        {
            viewers.tell_all(id, &ViewerEvent::Resized(size), send);
        }
    }

    /// A child has ended; perhaps it was one of ours.
    pub fn reaped(&mut self, pid: u32, exit: ExitState) {
        if let Some(terminal) = self.all.values_mut().find(|terminal| terminal.pid() == pid && terminal.is_running()) {
            terminal.reaped(exit);
        }
    }

    /// Moves input and output of every terminal one turn on; `true` when some could go on at once.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        viewers: &mut Viewers,
        send: &mut dyn FnMut(ToServer),
    ) -> bool {
        let mut more = false;
        for terminal in self.all.values_mut() {
            terminal.poll_input(cx, now, viewers);
            let room = viewers.allowance(terminal.id(), terminal.ring.end());
            match terminal.poll_output(cx, now, room, &mut self.buffer) {
                Turn::Idle => {}
                Turn::More => more = true,
                Turn::Ended(exit) => send(ToServer::TerminalExited { terminal: terminal.id(), exit }),
            }
        }
        more
    }

    /// Drops waiting input of all viewers: their connection is gone.
    pub fn forget_input(&mut self) {
        self.all.values_mut().for_each(Terminal::forget_input);
    }

    /// Kills the sessions whose grace is over.
    pub fn kill_leaving(&mut self, lanes: &Lanes, now: Instant) {
        let all = &self.all;
        self.leaving.retain(|(session, at)| {
            if *at > now {
                return true;
            }
            // By now the number may belong to a new terminal.
            if all.values().all(|terminal| terminal.pid() != *session) {
                lanes.read(ReadJob::Signal { session: *session, signals: &[Signal::KILL] });
            }
            false
        });
    }

    /// When something is to be done although nothing was heard.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let revivals = self.all.values().filter_map(Terminal::deadline);
        self.leaving.iter().map(|(_, at)| *at).chain(revivals).min()
    }

    /// Hangs up on everything: the sandbox is about to end.
    pub fn hang_up_all(&self, lanes: &Lanes) {
        for terminal in self.all.values() {
            terminal.hang_up();
            lanes.read(ReadJob::Signal { session: terminal.pid(), signals: &[Signal::HUP, Signal::CONT] });
        }
    }

    /// Sessions whose leader still runs.
    pub fn running(&self) -> impl Iterator<Item = u32> {
        self.all.values().filter(|terminal| terminal.is_running()).map(Terminal::pid)
    }
}

fn is_sensible(size: TerminalSize) -> bool {
    (1..=MAX_CELLS).contains(&size.cols) && (1..=MAX_CELLS).contains(&size.rows)
}
