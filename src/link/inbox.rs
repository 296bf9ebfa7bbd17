//! What waits for one viewer: output merged into large runs, bounded by the window the viewer was given.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use bytes::BytesMut;
use carrel_protocol::{MAX_CHUNK_BYTES, ViewerEvent};

/// Events that are not output and may wait for one viewer; a resize or exit storm from a lying agent ends the link.
const MAX_OTHER_EVENTS: usize = 256;

/// The agent sent something it had no right to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Output past the viewer's window.
    #[error("output past the window")]
    Credit,
    /// Output that does not continue where the last ended.
    #[error("output out of sequence")]
    Sequence,
    /// More events than anybody needs.
    #[error("too many events")]
    Events,
    /// More input acknowledged than was sent.
    #[error("input acknowledged that was never sent")]
    Input,
}

/// The queue between the link's reader and one viewer.
#[derive(Debug)]
pub(super) struct Inbox {
    events: VecDeque<Waiting>,
    others: usize,
    waker: Option<Waker>,
    /// Sequence number the next output must have; unknown until the attachment is answered.
    next: Option<u64>,
    acked: u64,
    window: u64,
    closed: bool,
}

#[derive(Debug)]
enum Waiting {
    Output { seq: u64, bytes: BytesMut },
    Other(ViewerEvent),
}

impl Inbox {
    pub(super) fn new(window: u32) -> Self {
        Self {
            events: VecDeque::new(),
            others: 0,
            waker: None,
            next: None,
            acked: 0,
            window: window.into(),
            closed: false,
        }
    }

    /// Output starts at `start`, as the agent's `Attached` says.
    pub(super) fn open_at(&mut self, start: u64) {
        self.next = Some(start);
        self.acked = start;
    }

    /// Takes one event of the agent; the waker, if any, is the reader's to wake.
    pub(super) fn push(&mut self, event: ViewerEvent) -> Result<Option<Waker>, Violation> {
        match event {
            ViewerEvent::Output { seq, bytes } => {
                if self.next != Some(seq) || bytes.is_empty() {
                    return Err(Violation::Sequence);
                }
                let end = seq.checked_add(bytes.len() as u64).ok_or(Violation::Sequence)?;
                if end > self.acked.saturating_add(self.window) {
                    return Err(Violation::Credit);
                }
                self.next = Some(end);
                match self.events.back_mut() {
                    Some(Waiting::Output { bytes: run, .. }) if run.len() + bytes.len() <= MAX_CHUNK_BYTES => {
                        run.extend_from_slice(&bytes)
                    }
                    _ => self.events.push_back(Waiting::Output {
                        seq,
                        bytes: bytes.try_into_mut().unwrap_or_else(|bytes| BytesMut::from(&bytes[..])),
                    }),
                }
            }
            other => {
                self.forget_stale(&other);
                if self.others >= MAX_OTHER_EVENTS {
                    return Err(Violation::Events);
                }
                self.others += 1;
                self.events.push_back(Waiting::Other(other));
            }
        }
        Ok(self.waker.take())
    }

    /// Forgets what `newer` makes pointless. Of sizes and of totals only the newest is of use, and a viewer that does not read for a while
    /// must not be owed every step of somebody else's resizing: that would break the bound, and with it the link of the whole sandbox.
    fn forget_stale(&mut self, newer: &ViewerEvent) {
        let is_stale = |waiting: &Waiting| {
            matches!(
                (waiting, newer),
                (Waiting::Other(ViewerEvent::Resized(_)), ViewerEvent::Resized(_))
                    | (Waiting::Other(ViewerEvent::InputTaken { .. }), ViewerEvent::InputTaken { .. })
            )
        };
        let Some(at) = self.events.iter().rposition(is_stale) else { return };
        self.events.remove(at);
        self.others -= 1;
        // What it stood between may be one run now.
        let output = |waiting: Option<&Waiting>| match waiting {
            Some(Waiting::Output { bytes, .. }) => Some(bytes.len()),
            _ => None,
        };
        let around =
            output(at.checked_sub(1).and_then(|before| self.events.get(before))).zip(output(self.events.get(at)));
        if around.is_some_and(|(before, after)| before + after <= MAX_CHUNK_BYTES)
            && let Some(Waiting::Output { bytes: after, .. }) = self.events.remove(at)
            && let Some(Waiting::Output { bytes, .. }) = self.events.get_mut(at - 1)
        {
            bytes.extend_from_slice(&after);
        }
    }

    /// The viewer has shown everything before `offset`. Offsets that go back, or beyond what was sent, are ignored and say so.
    pub(super) fn ack(&mut self, offset: u64) -> bool {
        let sent = self.next.unwrap_or(0);
        let sound = offset > self.acked && offset <= sent;
        if sound {
            self.acked = offset;
        }
        sound
    }

    /// No more events will come; those that wait are still delivered.
    pub(super) fn close(&mut self) -> Option<Waker> {
        self.closed = true;
        self.waker.take()
    }

    pub(super) fn poll(&mut self, waker: &Waker) -> Poll<Option<ViewerEvent>> {
        match self.events.pop_front() {
            Some(Waiting::Output { seq, bytes }) => {
                Poll::Ready(Some(ViewerEvent::Output { seq, bytes: bytes.freeze() }))
            }
            Some(Waiting::Other(event)) => {
                self.others -= 1;
                Poll::Ready(Some(event))
            }
            None if self.closed => Poll::Ready(None),
            None => {
                self.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn output(seq: u64, text: &'static str) -> ViewerEvent {
        ViewerEvent::Output { seq, bytes: Bytes::from_static(text.as_bytes()) }
    }

    fn next(inbox: &mut Inbox) -> Poll<Option<ViewerEvent>> {
        inbox.poll(Waker::noop())
    }

    fn open(window: u32) -> Inbox {
        let mut inbox = Inbox::new(window);
        inbox.open_at(100);
        inbox
    }

    #[test]
    fn small_outputs_are_delivered_as_one_run_in_order_with_other_events() {
        let mut inbox = open(64);
        for event in [output(100, "ab"), output(102, "c"), ViewerEvent::InputTaken { total: 1 }, output(103, "d")] {
            assert_eq!(inbox.push(event).map(|_| ()), Ok(()));
        }
        assert_eq!(next(&mut inbox), Poll::Ready(Some(output(100, "abc"))));
        assert_eq!(next(&mut inbox), Poll::Ready(Some(ViewerEvent::InputTaken { total: 1 })));
        assert_eq!(next(&mut inbox), Poll::Ready(Some(output(103, "d"))));
        assert_eq!(next(&mut inbox), Poll::Pending);
        inbox.close();
        assert_eq!(next(&mut inbox), Poll::Ready(None));
    }

    #[test]
    fn a_lying_agent_is_caught() {
        assert_eq!(Inbox::new(8).push(output(0, "a")).map(|_| ()), Err(Violation::Sequence), "before it was attached");
        assert_eq!(open(8).push(output(101, "a")).map(|_| ()), Err(Violation::Sequence), "a gap");
        assert_eq!(open(8).push(output(100, "")).map(|_| ()), Err(Violation::Sequence), "nothing");
        assert_eq!(open(2).push(output(100, "abc")).map(|_| ()), Err(Violation::Credit));
        let mut inbox = open(8);
        let exited = || ViewerEvent::Exited(carrel_protocol::ExitState::Code(0));
        let verdicts = (0..=MAX_OTHER_EVENTS).map(|_| inbox.push(exited()).is_ok());
        assert_eq!(verdicts.filter(|taken| *taken).count(), MAX_OTHER_EVENTS);
    }

    #[test]
    fn a_viewer_that_does_not_read_is_owed_the_newest_size_and_total_only() {
        let mut inbox = open(64);
        let size = |cols| ViewerEvent::Resized(carrel_protocol::TerminalSize { cols, rows: 24 });
        assert!(inbox.push(output(100, "a")).is_ok());
        for step in 1..=u16::try_from(2 * MAX_OTHER_EVENTS).expect("few") {
            assert!(
                inbox.push(size(step)).is_ok() && inbox.push(ViewerEvent::InputTaken { total: step.into() }).is_ok()
            );
        }
        assert!(inbox.push(output(101, "b")).is_ok());
        assert!(inbox.push(size(80)).is_ok() && inbox.push(ViewerEvent::InputTaken { total: 9999 }).is_ok());
        for expected in [output(100, "ab"), size(80), ViewerEvent::InputTaken { total: 9999 }] {
            assert_eq!(next(&mut inbox), Poll::Ready(Some(expected)));
        }
        assert_eq!(next(&mut inbox), Poll::Pending);
    }

    #[test]
    fn acknowledging_opens_the_window_and_nonsense_does_not() {
        let mut inbox = open(2);
        assert!(inbox.push(output(100, "ab")).is_ok());
        assert!(!inbox.ack(103), "never sent");
        assert!(!inbox.ack(99), "long past");
        assert!(inbox.push(output(102, "c")).is_err());
        assert!(inbox.ack(102));
        assert!(inbox.push(output(102, "cd")).is_ok());
    }
}
