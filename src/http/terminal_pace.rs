//! How fast a terminal prints while people type into others. Pure: decides, sends nothing.
//!
//! A program that prints without end spends its time inside the kernel's terminal, which some kernels do not interrupt: on a small machine
//! every key of everybody else waits for it. Nobody reads megabytes a second, so a flood gives way: what its viewer acknowledges is passed on to the
//! agent only as fast as the pace allows, and the program waits as it would for a slow viewer.
//!
//! **Invariants**: no output is lost or reordered; all that is acknowledged is passed on in the end; nothing waits while nobody types elsewhere.

use std::time::{Duration, Instant};

use carrel_protocol::Bucket;

/// Printed at full speed before a terminal counts as flooding, in bytes; comes back at the pace. Never more than half of the scrollback, or a
/// viewer with a fresh burst would run so far ahead of the others that these miss something.
const BURST: u64 = 2 * 1024 * 1024;

/// What is held back is looked at again after so long.
pub(super) const STEP: Duration = Duration::from_millis(STEP_MILLIS);
const STEP_MILLIS: u64 = 50;

/// The acknowledgements of one viewer.
#[derive(Debug)]
pub(super) struct OutputPace {
    /// `None`: never held back.
    bucket: Option<Bucket>,
    /// What comes into the bucket in a [`STEP`]. Less of more is not passed on: it would be used up and acknowledged at once, and so on.
    least: u64,
    /// The end of what the viewer was sent.
    sent: u64,
    /// What it has acknowledged …
    acknowledged: u64,
    /// … and how much of that was passed on.
    passed: u64,
}

impl OutputPace {
    /// Of a viewer that has seen everything before `start`. `rate` is in bytes a second; 0 never holds anything back. `ring`: bytes of
    /// scrollback.
    pub(super) fn new(rate: u64, ring: u32, start: u64, now: Instant) -> Self {
        let bucket = (rate > 0).then(|| Bucket::full(rate, BURST.min(u64::from(ring) / 2), now));
        let least = rate * STEP_MILLIS / 1000;
        Self { bucket, least, sent: start, acknowledged: start, passed: start }
    }

    /// The viewer was sent everything before `end`.
    pub(super) fn sent(&mut self, end: u64) {
        self.sent = end;
    }

    /// The viewer has acknowledged `offset`. One that goes back or was never sent is ignored.
    pub(super) fn acknowledged(&mut self, offset: u64) {
        if offset <= self.sent {
            self.acknowledged = self.acknowledged.max(offset);
        }
    }

    /// Up to where the acknowledgement may be passed on now, if any further. `crowded`: somebody types elsewhere.
    pub(super) fn pass(&mut self, now: Instant, crowded: bool) -> Option<u64> {
        let waiting = self.acknowledged - self.passed;
        let step = match &mut self.bucket {
            None => waiting,
            Some(bucket) => {
                let level = bucket.level(now);
                let allowed = if level < self.least.min(waiting) { 0 } else { level };
                let step = if crowded { waiting.min(allowed) } else { waiting };
                bucket.take(step);
                step
            }
        };
        self.passed += step;
        (step > 0).then_some(self.passed)
    }

    /// Whether something acknowledged was not passed on yet: to be tried again after [`STEP`].
    pub(super) fn holds(&self) -> bool {
        self.passed < self.acknowledged
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: u64 = 256 * 1024;
    const RING: u32 = 64 * 1024 * 1024;

    /// Printing as fast as it is let for `time`; how much that was.
    fn flood(pace: &mut OutputPace, begin: Instant, time: Duration, crowded: bool) -> u64 {
        for step in 0..u32::try_from(time.as_millis() / STEP.as_millis()).expect("few") {
            if !pace.holds() {
                let end = pace.passed + 10 * BURST;
                pace.sent(end);
                pace.acknowledged(end);
            }
            pace.pass(begin + STEP * step, crowded);
        }
        pace.passed
    }

    #[test]
    fn a_flood_gives_way_to_those_who_type_and_to_nobody_else() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let passed = flood(&mut OutputPace::new(RATE, RING, 0, now), now, 4 * second, true);
        assert!((BURST + 3 * RATE..=BURST + 4 * RATE).contains(&passed), "{passed}");
        assert!(flood(&mut OutputPace::new(RATE, RING, 0, now), now, second, false) >= 200 * BURST);
        assert!(flood(&mut OutputPace::new(0, RING, 0, now), now, second, true) >= 200 * BURST, "switched off");
    }

    #[test]
    fn a_burst_that_came_in_quiet_counts() {
        let now = Instant::now();
        let mut pace = OutputPace::new(RATE, RING, 0, now);
        flood(&mut pace, now, STEP, false);
        pace.sent(u64::MAX);
        pace.acknowledged(u64::MAX);
        assert_eq!(pace.pass(now, true), None);
        assert!(pace.holds());
        assert!(pace.pass(now + STEP, true).is_some(), "a little at a time");
        assert_eq!(pace.pass(now + STEP, false), Some(u64::MAX), "and all at once when nobody types any more");
    }

    #[test]
    fn what_was_never_sent_cannot_be_acknowledged() {
        let now = Instant::now();
        let mut pace = OutputPace::new(RATE, RING, 100, now);
        pace.sent(200);
        pace.acknowledged(201);
        assert_eq!(pace.pass(now, false), None);
        pace.acknowledged(150);
        pace.acknowledged(120);
        assert_eq!((pace.pass(now, false), pace.pass(now, false)), (Some(150), None));
    }

    proptest! {
        #[test]
        fn all_is_passed_on_in_order_whatever_happens(steps in proptest::collection::vec((0_u64..4 * BURST, 0_u64..200, any::<bool>()), 1..100)) {
            let mut now = Instant::now();
            let (mut pace, mut end, mut passed) = (OutputPace::new(RATE, RING, 7, now), 7, 7);
            for (bytes, millis, crowded) in steps {
                end += bytes;
                pace.sent(end);
                pace.acknowledged(end);
                if let Some(offset) = pace.pass(now, crowded) {
                    prop_assert!(passed < offset && offset <= end);
                    passed = offset;
                }
                prop_assert_eq!(pace.holds(), passed < end);
                now += Duration::from_millis(millis);
            }
            while pace.holds() {
                now += STEP;
                prop_assert!(pace.pass(now, true) > Some(passed), "something every time");
                passed = pace.passed;
            }
            prop_assert_eq!(passed, end);
        }
    }
}
