//! Which input of a connection counts. Pure: decides, sends nothing.
//!
//! ```text
//!          the window is full: busy          all taken: input            resume at `accepted`
//!   open ────────────────────────▶ refusing ─────────────────▶ inviting ─────────────────────▶ open
//! ```
//!
//! **Invariants**: every byte the client typed reaches the terminal exactly once and in order. A refusal discards everything until the
//! client's own marker says where it starts again, because what the client sent before it read `busy` cannot be told from what it
//! sends after. (A WebSocket ping cannot serve as the marker: browsers answer it beneath the page, which may still be sending.)

use super::socket_messages::Control;

/// Bytes taken between two reports of progress.
const REPORT_STEP: u64 = 16 * 1024;

/// The input of one connection.
#[derive(Debug, Default)]
pub struct InputFlow {
    phase: Phase,
    /// Bytes passed on.
    accepted: u64,
    /// Bytes the terminal is known to have taken.
    taken: u64,
    /// `taken` as last reported.
    reported: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Input is passed on.
    #[default]
    Open,
    /// Input is discarded; the terminal has not taken all of what came before.
    Refusing,
    /// Input is discarded; the client has been invited to resume.
    Inviting,
}

/// The client resumed where nothing was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("resumed at the wrong offset")]
pub struct WrongOffset;

impl InputFlow {
    /// Whether input that arrives now is to be passed on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// The terminal has accepted `length` bytes.
    pub fn accepted(&mut self, length: usize) {
        self.accepted += length as u64;
    }

    /// The terminal has refused: what to tell the client.
    pub fn refused(&mut self) -> Control {
        self.phase = Phase::Refusing;
        Control::Busy { accepted: self.accepted }
    }

    /// The terminal has taken `total` bytes: what to tell the client, if anything.
    pub fn taken(&mut self, total: u64) -> Option<Control> {
        self.taken = self.taken.max(total.min(self.accepted));
        let all = self.taken == self.accepted;
        let tell = match self.phase {
            // The client takes the first `input` after `busy` as the invitation to resume, so there is no progress in between.
            Phase::Refusing => all,
            Phase::Open | Phase::Inviting => self.taken - self.reported >= REPORT_STEP,
        };
        if !tell {
            return None;
        }
        if self.phase == Phase::Refusing {
            self.phase = Phase::Inviting;
        }
        self.reported = self.taken;
        Some(Control::Input { accepted: self.taken })
    }

    /// The client sends again from `offset` on.
    ///
    /// # Errors
    /// [`WrongOffset`] unless that is where it was refused.
    pub fn resumed(&mut self, offset: u64) -> Result<(), WrongOffset> {
        if offset != self.accepted {
            return Err(WrongOffset);
        }
        self.phase = Phase::Open;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn progress_is_reported_in_steps() {
        let mut flow = InputFlow::default();
        flow.accepted(40_000);
        assert_eq!(flow.taken(10_000), None);
        assert_eq!(flow.taken(16_384), Some(Control::Input { accepted: 16_384 }));
        assert_eq!(flow.taken(20_000), None);
        assert_eq!(flow.taken(u64::MAX), Some(Control::Input { accepted: 40_000 }), "never more than was typed");
    }

    #[test]
    fn a_refusal_ends_when_all_is_taken_and_the_client_resumes_at_the_right_place() {
        let mut flow = InputFlow::default();
        flow.accepted(100);
        assert_eq!(flow.refused(), Control::Busy { accepted: 100 });
        assert_eq!(flow.taken(99), None);
        assert_eq!(flow.taken(100), Some(Control::Input { accepted: 100 }));
        assert!(!flow.is_open(), "what arrives now may have been sent before the client read busy");
        assert_eq!(flow.resumed(99), Err(WrongOffset));
        assert_eq!(flow.resumed(100), Ok(()));
        assert!(flow.is_open());
    }

    /// What travels to the server.
    #[derive(Debug)]
    enum Sent {
        Input(u64, u64),
        Resume(u64),
    }

    proptest! {
        /// A client that follows the document, a network with any delays, a terminal that takes at any pace.
        #[test]
        fn every_byte_arrives_once_and_in_order(steps in proptest::collection::vec(0_u8..4, 1..400)) {
            const UNIT: u64 = REPORT_STEP / 2;
            const WINDOW: u64 = 5 * UNIT;
            let mut flow = InputFlow::default();
            let (mut up, mut down) = (VecDeque::new(), VecDeque::new());
            let (mut next, mut stopped) = (0_u64, false);
            let (mut received, mut consumed) = (0_u64, 0_u64);
            for step in steps {
                match step {
                    0 if !stopped => { up.push_back(Sent::Input(next, 2 * UNIT)); next += 2 * UNIT; }
                    1 => match up.pop_front() {
                        Some(Sent::Input(from, length)) if flow.is_open() => {
                            if received - consumed + length > WINDOW {
                                down.push_back(flow.refused());
                            } else {
                                prop_assert_eq!(from, received);
                                received += length;
                                flow.accepted(usize::try_from(length).expect("small"));
                            }
                        }
                        Some(Sent::Resume(offset)) => prop_assert_eq!(flow.resumed(offset), Ok(())),
                        _ => {}
                    },
                    2 => match down.pop_front() {
                        Some(Control::Busy { accepted }) => { next = accepted; stopped = true; }
                        Some(Control::Input { accepted }) if stopped => {
                            prop_assert_eq!(accepted, next);
                            stopped = false;
                            up.push_back(Sent::Resume(accepted));
                        }
                        _ => {}
                    },
                    3 if consumed < received => { consumed += UNIT; down.extend(flow.taken(consumed)); }
                    _ => {}
                }
            }
        }
    }
}
