//! Messages a session's actor has fallen over too often: they are kept from it for a while, so that the session goes on without them.
//!
//! **Invariants**: three falls over the same kind of message, of the same session, within the restart window; a fall of which it is not known
//! over what counts for none. What is kept is bounded: a session that would be one too many is treated as without quarantine.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::SessionId;
use crate::model::backoff::{Failures, RestartPolicy, Verdict};

/// How long a kind of message is kept away.
pub const QUARANTINE: Duration = Duration::from_secs(600);

/// Kinds of messages, of all sessions, whose falls are remembered.
const MAX_REMEMBERED: usize = 4096;

type Key = (SessionId, &'static str);

/// Who is kept from what.
#[derive(Debug, Default)]
pub struct Quarantine {
    /// How many are; read without a lock by every request.
    count: AtomicUsize,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    falls: HashMap<Key, (Failures, Instant)>,
    barred: HashMap<Key, Instant>,
}

impl Quarantine {
    /// Notes that a session's actor fell over a message; whether that is kept from it now.
    pub fn fell(&self, session: SessionId, kind: &'static str, now: Instant, policy: &RestartPolicy) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.falls.retain(|_, (_, last)| now.duration_since(*last) <= policy.window);
        if noted.falls.len() >= MAX_REMEMBERED && !noted.falls.contains_key(&(session, kind)) {
            return false;
        }
        let (failures, last) = noted.falls.entry((session, kind)).or_insert_with(|| (Failures::default(), now));
        *last = now;
        let barred = failures.note(now, policy) == Verdict::GiveUp;
        if barred {
            noted.falls.remove(&(session, kind));
            noted.barred.retain(|_, until| *until > now);
            noted.barred.insert((session, kind), now + QUARANTINE);
            self.count.store(noted.barred.len(), Ordering::Release);
        }
        barred
    }

    /// Whether a kind of message is kept from a session now.
    #[must_use]
    pub fn bars(&self, session: SessionId, kind: &'static str, now: Instant) -> bool {
        if self.count.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let until = noted.barred.get(&(session, kind)).copied();
        if until.is_some_and(|until| until <= now) {
            noted.barred.remove(&(session, kind));
            self.count.store(noted.barred.len(), Ordering::Release);
        }
        until.is_some_and(|until| until > now)
    }

    /// How many kinds of messages, of all sessions, are kept away.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::backoff::Backoff;

    const POLICY: RestartPolicy = RestartPolicy {
        limit: 3,
        window: Duration::from_secs(300),
        backoff: Backoff { first: Duration::from_millis(50), most: Duration::from_secs(5) },
    };

    #[test]
    fn the_third_fall_over_the_same_message_keeps_it_away_from_that_session_for_ten_minutes() {
        let (quarantine, start) = (Quarantine::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let (one, two) = (SessionId::new(), SessionId::new());
        assert!(!quarantine.fell(one, "Save", at(0), &POLICY));
        assert!(!quarantine.fell(one, "Start", at(1), &POLICY));
        assert!(!quarantine.fell(two, "Save", at(2), &POLICY));
        assert!(!quarantine.fell(one, "Save", at(3), &POLICY));
        assert!(!quarantine.bars(one, "Save", at(3)));
        assert!(quarantine.fell(one, "Save", at(4), &POLICY));
        assert!(quarantine.bars(one, "Save", at(603)));
        assert!(!quarantine.bars(one, "Start", at(5)) && !quarantine.bars(two, "Save", at(5)));
        assert!(!quarantine.bars(one, "Save", at(605)) && quarantine.is_empty());
        assert!(!quarantine.fell(one, "Save", at(606), &POLICY), "it begins anew");
    }

    #[test]
    fn falls_that_lie_far_apart_do_not_add_up() {
        let (quarantine, start, one) = (Quarantine::default(), Instant::now(), SessionId::new());
        for fall in 0..10 {
            assert!(!quarantine.fell(one, "Save", start + Duration::from_secs(fall * 200), &POLICY), "{fall}");
        }
    }
}
