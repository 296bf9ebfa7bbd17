//! The agent's one thread: a single task that looks at everything which may have happened, in turn.
//!
//! One pass goes signals → link → finished work → terminals → viewers → link → clocks. A keystroke is written
//! to its terminal within the pass that read it, and its echo is on the socket at the end of the pass that
//! heard it: no other task, no channel in between.
//!
//! **Invariants**: nothing here blocks (files are the lanes' work); a broken link is closed and dialled again
//! and costs no program, no output and no change of a file.

use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use carrel_protocol::{Eager, Hello, Limits, PROTOCOL_VERSION, Reply, ToServer};
use rustix::fs::{OFlags, syncfs};
use rustix::process::Signal;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::changes::Changes;
use crate::config::Config;
use crate::ending::Ending;
use crate::files::Workspace;
use crate::lanes::{Done, Lanes, WriteJob};
use crate::link::Link;
use crate::processes;
use crate::readiness::register;
use crate::signals::{Signals, reap};
use crate::stopping::Stopping;
use crate::terminals::{GRACE, Terminals};
use crate::viewers::Viewers;

/// Turns of output sent in one pass before input is looked at again.
const TURNS_PER_PASS: usize = 16;

/// Results of finished work handled in one pass.
const RESULTS_PER_PASS: usize = 32;

/// Until a server has said otherwise no viewer exists that could stall.
const FIRST_STALL: Duration = Duration::from_secs(30);

/// The state of the whole agent.
#[derive(Debug)]
pub struct Agent {
    pub(crate) link: Link,
    pub(crate) lanes: Lanes,
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) terminals: Terminals,
    pub(crate) viewers: Viewers,
    pub(crate) changes: Changes,
    pub(crate) ending: Ending,
    /// Processes that were asked to end.
    pub(crate) stopping_one: Stopping,
    /// Bytes typed into all terminals so far.
    pub(crate) typed_bytes: u64,
    pub(crate) eager: Eager,
    pub(crate) stall: Duration,
    /// Requests of the present connection that a lane has not answered yet.
    pub(crate) in_flight: usize,
    /// When patience with programs that do not end is over, once the agent is to end.
    pub(crate) stopping: Option<Instant>,
    restored: bool,
    results: Receiver<Done>,
    signals: Signals,
    events: Option<AsyncFd<OwnedFd>>,
    clock: Pin<Box<Sleep>>,
}

impl Agent {
    /// Starts the lanes; needs a tokio runtime with I/O and time, and [`crate::signals::block`] before.
    ///
    /// # Errors
    /// When the workspace cannot be opened or the kernel refuses threads and descriptors.
    pub fn start(config: Config) -> io::Result<Self> {
        let (workspace, now) = (Workspace::open(&config.workspace)?, Instant::now());
        let (mut lanes, results) = Lanes::start(&workspace, config.link_dir.clone())?;
        let events = lanes.changes.take().map(register).transpose()?;
        let mut changes = Changes::default();
        // Also finds out whether everything can be watched.
        changes.heard(&lanes);
        Ok(Self {
            link: Link::new(config.link_dir, now),
            lanes,
            workspace,
            terminals: Terminals::default(),
            viewers: Viewers::default(),
            changes,
            ending: Ending::default(),
            stopping_one: Stopping::default(),
            typed_bytes: 0,
            eager: Eager::default(),
            stall: FIRST_STALL,
            in_flight: 0,
            stopping: None,
            restored: false,
            results,
            signals: Signals::open()?,
            events,
            clock: Box::pin(sleep_until(now)),
        })
    }

    /// Serves until it is asked to end.
    pub async fn serve(mut self) {
        tokio::task::unconstrained(poll_fn(|cx| self.pass(cx))).await;
        for session in self.terminals.running() {
            processes::signal_session(session, &[Signal::KILL]);
        }
        if let Ok(top) = self.workspace.root.folder(b"", OFlags::RDONLY) {
            // Nothing can be done about a disk that fails now.
            let _ = syncfs(top);
        }
    }

    /// Takes over the bounds of a server that said welcome.
    pub(crate) fn welcome(&mut self, limits: &Limits) {
        self.link.welcomed();
        self.workspace.set_limits(limits);
        self.terminals.set_ring_bytes(limits.ring_bytes as usize);
        self.stall = Duration::from_millis(u64::from(limits.viewer_stall_ms));
    }

    /// Begins to end.
    pub(crate) fn stop(&mut self, now: Instant) {
        if self.stopping.is_none() {
            self.stopping = Some(now + GRACE);
            self.terminals.hang_up_all(&self.lanes);
        }
    }

    fn pass(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        self.poll_signals(cx, now);
        let mut more = self.poll_link(cx, now);
        self.poll_events(cx);
        more |= self.poll_results(cx, now);
        let held_back = self.link.is_busy();
        more |= self.terminals.poll(cx, now, &mut self.viewers, &mut |frame| self.link.send(&frame));
        more |= self.serve_viewers(cx, now);
        // What waited for the socket, requests unread and results unsent, goes on.
        more |= held_back && !self.link.is_busy();
        self.terminals.kill_leaving(&self.lanes, now);
        self.stopping_one.tick(now);
        for id in self.ending.tick(now) {
            self.in_flight = self.in_flight.saturating_sub(1);
            self.link.send(&ToServer::Reply { id, result: Ok(Reply::Done) });
            more = true;
        }
        if self.restored && self.link.up().is_some() {
            self.changes.tick(now, &self.lanes);
        }
        if self.is_over(now) {
            return Poll::Ready(());
        }
        if !more && self.eager.looks_again(now.into_std()) {
            std::thread::yield_now();
            more = true;
        }
        if more || self.poll_clock(cx) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn poll_signals(&mut self, cx: &mut Context<'_>, now: Instant) {
        let Poll::Ready(received) = self.signals.poll(cx) else { return };
        if received.child {
            while let Some((pid, exit)) = reap() {
                self.terminals.reaped(pid.as_raw_nonzero().get().unsigned_abs(), exit);
            }
            self.ending.reaped(now);
        }
        if received.terminate {
            self.stop(now);
        }
    }

    fn poll_link(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        if let Some(token) = self.link.dial(now) {
            let (version, terminals) = (PROTOCOL_VERSION, self.terminals.infos());
            self.link.send(&ToServer::Hello(Hello { version, token, terminals, restored: self.restored }));
        }
        let late = self.link.is_connected() && self.link.deadline().is_some_and(|at| at <= now);
        match self.read_frames(cx, now) {
            Ok(more) if !late => more,
            _ => {
                self.disconnect(now);
                true
            }
        }
    }

    fn read_frames(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, crate::link::LinkError> {
        let more = self.link.poll_read(cx);
        // What came before the end still counts.
        while let Some(frame) = self.link.next_frame()? {
            self.handle(frame, now)?;
        }
        more
    }

    /// Forgets everything that belonged to the connection; the next one is dialled in the next pass.
    fn disconnect(&mut self, now: Instant) {
        let was_up = self.link.up();
        self.link.close(now);
        self.viewers.clear();
        self.terminals.forget_input();
        self.in_flight = 0;
        self.ending.disconnected();
        if let Some(number) = was_up {
            self.lanes.set_connection(number + 1);
            self.lanes.write(WriteJob::AbortUploads);
            self.changes.disconnected(now);
        }
    }

    fn poll_events(&mut self, cx: &mut Context<'_>) {
        if let Some(events) = &self.events
            && let Poll::Ready(Ok(mut ready)) = events.poll_read_ready(cx)
        {
            // Before the lane reads, so that whatever comes later is heard again.
            ready.clear_ready();
            self.changes.heard(&self.lanes);
            // Registers for what comes later.
            if events.poll_read_ready(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
    }

    fn poll_results(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        for _ in 0..RESULTS_PER_PASS {
            if self.link.is_busy() {
                return false;
            }
            let Poll::Ready(Some(done)) = self.results.poll_recv(cx) else { return false };
            self.finished(done, now);
        }
        true
    }

    fn finished(&mut self, done: Done, now: Instant) {
        let connection = self.link.up();
        match done {
            Done::Reply(caller, result) if Some(caller.connection) == connection => {
                self.in_flight = self.in_flight.saturating_sub(1);
                self.link.send(&ToServer::Reply { id: caller.id, result });
            }
            Done::Page(caller, entries) if Some(caller.connection) == connection => {
                self.link.send(&ToServer::ScanPage { id: caller.id, entries });
            }
            Done::Reply(..) | Done::Page(..) => {}
            Done::Drained(drained) => {
                if drained.link {
                    self.link.wake(now);
                }
                self.changes.drained(drained, now, &self.lanes);
            }
            Done::Looked(drained) => self.changes.looked(drained, now),
            Done::Batch(batch) => {
                if let Some(frame) = self.changes.made(batch, connection.is_some(), now, &self.lanes) {
                    self.link.send(&frame);
                }
            }
            Done::Restored { untouched } => {
                self.restored = true;
                if untouched {
                    self.changes.settled();
                }
            }
        }
    }

    /// Gives viewers what they may have, as far as the socket takes it; `true` when it would take more at once.
    fn serve_viewers(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let (terminals, link, watching) = (&self.terminals, &mut self.link, self.viewers.len());
        let mut turns = 0;
        let mut flushed = Ok(());
        while turns < TURNS_PER_PASS && flushed.is_ok() {
            let ring = |id| terminals.get(id).map(|terminal| &terminal.ring);
            if link.is_busy() {
                flushed = link.flush(cx);
                if link.is_busy() {
                    break;
                }
            }
            if !self.viewers.serve_next(ring, &mut |frame| link.send(&frame)) {
                break;
            }
            turns += 1;
        }
        if turns > 0 {
            self.eager.echoed();
        }
        let end = |id| terminals.get(id).map(|terminal| (terminal.ring.end(), terminal.exit()));
        self.viewers.settle(now, self.stall, end, &mut |frame| link.send(&frame));
        if flushed.and_then(|()| link.flush(cx)).is_err() {
            self.disconnect(now);
            return true;
        }
        // A terminal that waited for a viewer who was let go is read on.
        let let_go = self.viewers.len() < watching;
        let_go || (turns == TURNS_PER_PASS && !self.link.is_busy())
    }

    fn is_over(&self, now: Instant) -> bool {
        let patience = self.stopping.is_some_and(|until| now >= until);
        let done = self.terminals.running().next().is_none() && self.link.is_flushed();
        patience || (self.stopping.is_some() && done)
    }

    /// Sets the clock to the next thing due, or leaves it if it rings before; `true` when it rings now.
    fn poll_clock(&mut self, cx: &mut Context<'_>) -> bool {
        let announcing = self.restored && self.link.up().is_some();
        let deadlines = [
            self.link.deadline(),
            self.terminals.deadline(),
            self.viewers.deadline(self.stall),
            self.changes.deadline().filter(|_| announcing),
            self.ending.deadline(),
            self.stopping_one.deadline(),
            self.stopping,
        ];
        let Some(next) = deadlines.into_iter().flatten().min() else { return false };
        // Setting it costs a system call and one more pass; one that rings too early, now and then, costs less.
        if next < self.clock.deadline() || self.clock.is_elapsed() {
            self.clock.as_mut().reset(next);
        }
        self.clock.as_mut().poll(cx).is_ready()
    }
}
