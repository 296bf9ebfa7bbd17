//! When to try again, and when to stop trying.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Pauses that double from `first` to `most`.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Before the first repetition.
    pub first: Duration,
    /// The longest.
    pub most: Duration,
}

impl Backoff {
    /// The pause before repetition `attempt` (0 is the first).
    #[must_use]
    pub fn pause(self, attempt: u32) -> Duration {
        self.first.saturating_mul(1_u32.checked_shl(attempt.min(31)).unwrap_or(u32::MAX)).min(self.most)
    }
}

/// How often something may fail before it is left alone.
#[derive(Clone, Copy, Debug)]
pub struct RestartPolicy {
    /// Failures within `window` that are one too many.
    pub limit: u32,
    /// How long a failure counts.
    pub window: Duration,
    /// Pauses between replacements.
    pub backoff: Backoff,
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Replace it after this pause.
    Restart(Duration),
    /// It has failed too often.
    GiveUp,
}

/// The failures of one thing that still count.
#[derive(Clone, Debug, Default)]
pub struct Failures(VecDeque<Instant>);

impl Failures {
    /// Notes a failure at `now` and says what to do. Holds at most `policy.limit` instants.
    pub fn note(&mut self, now: Instant, policy: &RestartPolicy) -> Verdict {
        while self.0.front().is_some_and(|at| now.duration_since(*at) > policy.window) {
            self.0.pop_front();
        }
        self.0.push_back(now);
        let count = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        if count >= policy.limit {
            self.0.pop_front();
            Verdict::GiveUp
        } else {
            Verdict::Restart(policy.backoff.pause(count - 1))
        }
    }

    /// Failures that still count, as of the last one noted.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RestartPolicy = RestartPolicy {
        limit: 3,
        window: Duration::from_secs(300),
        backoff: Backoff { first: Duration::from_millis(50), most: Duration::from_secs(5) },
    };

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses: Vec<_> = [0, 1, 2, 6, 7, 40].map(|n| POLICY.backoff.pause(n).as_millis()).into();
        assert_eq!(pauses, [50, 100, 200, 3200, 5000, 5000]);
    }

    #[test]
    fn the_third_failure_within_the_window_is_the_last() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut failures = Failures::default();
        assert_eq!(failures.note(at(0), &POLICY), Verdict::Restart(Duration::from_millis(50)));
        assert_eq!(failures.note(at(200), &POLICY), Verdict::Restart(Duration::from_millis(100)));
        assert_eq!(failures.note(at(299), &POLICY), Verdict::GiveUp);
        assert_eq!(
            failures.note(at(1000), &POLICY),
            Verdict::Restart(Duration::from_millis(50)),
            "old ones are forgotten"
        );
        assert_eq!(failures.count(), 1);
    }
}
