//! Who looks at which terminal, and how far each has come.
//!
//! **Invariants**: a viewer is never sent a byte past what it acknowledged plus its window. A terminal is read
//! as long as one of its viewers has window left for what comes; one without viewers is nobody's business here.

use std::time::Duration;

use bytes::Bytes;
use carrel_protocol::{DetachReason, ExitState, INPUT_WINDOW_BYTES, ToServer, ViewerEvent, ViewerId};
use tokio::time::Instant;
use uuid::Uuid;

use crate::ring::Ring;

/// Output given to one viewer before the next has its turn, in bytes.
const TURN_BYTES: u64 = 16 * 1024;

/// Input taken but not yet reported is reported at once from this many bytes on …
const REPORT_BYTES: u64 = 4 * 1024;

/// … and otherwise with the next output, or after this long: an echo need not wait for its receipt.
const REPORT_AFTER: Duration = Duration::from_millis(5);

/// One attachment.
#[derive(Debug)]
pub struct Viewer {
    id: ViewerId,
    /// The terminal it looks at.
    pub terminal: Uuid,
    /// Next byte to send.
    next: u64,
    acked: u64,
    window: u64,
    /// Since when the window is full.
    full_since: Option<Instant>,
    /// Input given and not yet taken by the terminal.
    queued: u64,
    taken: u64,
    reported: u64,
    report_at: Option<Instant>,
    told_exit: bool,
}

/// All viewers of one connection, served in turn.
#[derive(Debug, Default)]
pub struct Viewers {
    all: Vec<Viewer>,
    turn: usize,
}

/// A viewer gave more input than its window allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuchInput;

impl Viewers {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The viewer of this id.
    pub fn get(&mut self, id: ViewerId) -> Option<&mut Viewer> {
        self.all.iter_mut().find(|viewer| viewer.id == id)
    }

    /// Adds one that has seen everything before `start`.
    pub fn attach(&mut self, id: ViewerId, terminal: Uuid, start: u64, window: u32) {
        self.all.push(Viewer {
            id,
            terminal,
            next: start,
            acked: start,
            window: u64::from(window.max(1)),
            full_since: None,
            queued: 0,
            taken: 0,
            reported: 0,
            report_at: None,
            told_exit: false,
        });
    }

    /// Removes one; unknown ids are ignored.
    pub fn detach(&mut self, id: ViewerId) {
        self.all.retain(|viewer| viewer.id != id);
    }

    /// Removes all: their connection is gone.
    pub fn clear(&mut self) {
        self.all.clear();
    }

    /// Removes the viewers of a terminal that is closed, and says so to each.
    pub fn close(&mut self, terminal: Uuid, send: &mut dyn FnMut(ToServer)) {
        self.all.retain(|viewer| {
            if viewer.terminal == terminal {
                send(viewer.event(ViewerEvent::Detached(DetachReason::Closed)));
            }
            viewer.terminal != terminal
        });
    }

    /// The event for every viewer of a terminal.
    pub fn tell_all(&self, terminal: Uuid, event: &ViewerEvent, send: &mut dyn FnMut(ToServer)) {
        for viewer in self.all.iter().filter(|viewer| viewer.terminal == terminal) {
            send(viewer.event(event.clone()));
        }
    }

    /// How many more bytes of a terminal's output, which now ends at `end`, its viewers have room for; `None` when it has no viewer.
    #[must_use]
    pub fn allowance(&self, terminal: Uuid, end: u64) -> Option<u64> {
        let watching = self.all.iter().filter(|viewer| viewer.terminal == terminal);
        watching.map(|viewer| (viewer.acked + viewer.window).saturating_sub(end)).max()
    }

    /// Sends one turn of output to the next viewer that can take any, together with a report on its input.
    /// `look` finds a terminal's ring. `false` when nobody can take anything.
    pub fn serve_next<'r>(&mut self, look: impl Fn(Uuid) -> Option<&'r Ring>, send: &mut dyn FnMut(ToServer)) -> bool {
        for _ in 0..self.all.len() {
            self.turn = if self.turn + 1 < self.all.len() { self.turn + 1 } else { 0 };
            let Some(viewer) = self.all.get_mut(self.turn) else { return false };
            let Some(ring) = look(viewer.terminal) else { continue };
            let most = viewer.sendable(ring.end());
            if most == 0 {
                continue;
            }
            if viewer.next < ring.start() {
                send(viewer.event(ViewerEvent::Detached(DetachReason::Stalled)));
                self.all.remove(self.turn);
                return true;
            }
            let bytes = ring.copy(viewer.next, usize::try_from(most.min(TURN_BYTES)).unwrap_or(usize::MAX));
            viewer.output(bytes, send);
            return true;
        }
        false
    }

    /// Whatever is due now: receipts for input, ends of programs whose output was all sent, and detaching those
    /// whose window has been full for longer than `stall`. `look` finds a terminal's end and exit.
    pub fn settle(
        &mut self,
        now: Instant,
        stall: Duration,
        look: impl Fn(Uuid) -> Option<(u64, Option<ExitState>)>,
        send: &mut dyn FnMut(ToServer),
    ) {
        self.all.retain_mut(|viewer| {
            viewer.report_if_due(now, send);
            if let Some((end, Some(exit))) = look(viewer.terminal)
                && viewer.next == end
                && !viewer.told_exit
            {
                viewer.told_exit = true;
                viewer.report(send);
                send(viewer.event(ViewerEvent::Exited(exit)));
            }
            let stalled = viewer.full_since(now).is_some_and(|since| now >= since + stall);
            if stalled {
                send(viewer.event(ViewerEvent::Detached(DetachReason::Stalled)));
            }
            !stalled
        });
    }

    /// When [`Viewers::settle`] has something to do although nothing was heard.
    #[must_use]
    pub fn deadline(&self, stall: Duration) -> Option<Instant> {
        let stalls = self.all.iter().filter_map(|viewer| viewer.full_since.map(|since| since + stall));
        self.all.iter().filter_map(|viewer| viewer.report_at).chain(stalls).min()
    }
}

impl Viewer {
    /// Notes what it has shown; never more than it was sent.
    pub fn ack(&mut self, offset: u64) {
        if offset > self.acked {
            self.acked = offset.min(self.next);
            self.full_since = None;
        }
    }

    /// Counts input against the window.
    ///
    /// # Errors
    /// [`TooMuchInput`].
    pub fn queue_input(&mut self, bytes: usize) -> Result<(), TooMuchInput> {
        self.queued += bytes as u64;
        if self.queued > INPUT_WINDOW_BYTES { Err(TooMuchInput) } else { Ok(()) }
    }

    /// Notes that the terminal took some of its input.
    pub fn input_taken(&mut self, bytes: usize, now: Instant) {
        self.queued = self.queued.saturating_sub(bytes as u64);
        self.taken += bytes as u64;
        let due = if self.taken - self.reported >= REPORT_BYTES { now } else { now + REPORT_AFTER };
        self.report_at = Some(self.report_at.map_or(due, |at| at.min(due)));
    }

    fn sendable(&self, end: u64) -> u64 {
        end.min(self.acked + self.window).saturating_sub(self.next)
    }

    fn output(&mut self, bytes: Bytes, send: &mut dyn FnMut(ToServer)) {
        let seq = self.next;
        self.next += bytes.len() as u64;
        send(self.event(ViewerEvent::Output { seq, bytes }));
        self.report(send);
    }

    fn full_since(&mut self, now: Instant) -> Option<Instant> {
        if self.next >= self.acked + self.window {
            self.full_since.get_or_insert(now);
        }
        self.full_since
    }

    fn report_if_due(&mut self, now: Instant, send: &mut dyn FnMut(ToServer)) {
        if self.report_at.is_some_and(|at| at <= now) {
            self.report(send);
        }
    }

    fn report(&mut self, send: &mut dyn FnMut(ToServer)) {
        self.report_at = None;
        if self.taken > self.reported {
            self.reported = self.taken;
            send(self.event(ViewerEvent::InputTaken { total: self.taken }));
        }
    }

    fn event(&self, event: ViewerEvent) -> ToServer {
        ToServer::Viewer { viewer: self.id, event }
    }
}

#[cfg(test)]
mod tests;
