//! Who types at the moment.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::TerminalId;

/// Somebody who paused for so long has stopped typing.
const STOPPED_AFTER: Duration = Duration::from_secs(2);

/// The last two terminals that were typed into: enough to tell of any terminal whether another one is.
#[derive(Debug, Default)]
pub struct Typists(Mutex<[Option<(TerminalId, Instant)>; 2]>);

impl Typists {
    /// A key was pressed in `terminal`.
    pub(super) fn typed(&self, terminal: TerminalId, now: Instant) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if latest[0].is_some_and(|(last, _)| last != terminal) {
            latest.swap(0, 1);
        }
        latest[0] = Some((terminal, now));
    }

    /// Whether somebody types into another terminal than `this`.
    pub(super) fn elsewhere(&self, this: TerminalId, now: Instant) -> bool {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut others = latest.iter().flatten().filter(|(terminal, _)| *terminal != this);
        others.any(|(_, at)| now.saturating_duration_since(*at) < STOPPED_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_types_alone_disturbs_nobody() {
        let (typists, [mine, yours, theirs], now) =
            (Typists::default(), [(); 3].map(|()| TerminalId::new()), Instant::now());
        assert!(!typists.elsewhere(mine, now));
        typists.typed(mine, now);
        typists.typed(mine, now);
        assert!(!typists.elsewhere(mine, now));
        assert!(typists.elsewhere(yours, now));
        typists.typed(yours, now);
        typists.typed(mine, now + Duration::from_secs(1));
        for terminal in [mine, yours, theirs] {
            assert!(typists.elsewhere(terminal, now + Duration::from_secs(1)), "two type: each is the other's other");
        }
        let later = now + STOPPED_AFTER;
        assert!(!typists.elsewhere(mine, later) && typists.elsewhere(yours, later), "only one has gone on");
        assert!(!typists.elsewhere(theirs, later + STOPPED_AFTER));
    }
}
