//! What the warm pool has done, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counters and gauges of one pool; written by it, read by whoever asks.
#[derive(Debug)]
pub struct PoolFigures {
    started: Instant,
    /// Claims answered with a sandbox.
    pub(super) hits: AtomicU64,
    /// Claims answered with none.
    pub(super) misses: AtomicU64,
    /// Sandboxes made for the pool.
    pub(super) made: AtomicU64,
    /// Starts that failed.
    pub(super) failures: AtomicU64,
    /// Waiting sandboxes given back because memory was short.
    pub(super) shed: AtomicU64,
    /// Waiting sandboxes that died.
    pub(super) died: AtomicU64,
    waiting: AtomicU64,
    /// Since when the oldest waits, in milliseconds since `started`.
    oldest_ms: AtomicU64,
    /// Free memory as last looked at, in MiB.
    pub(super) available_mb: AtomicU64,
}

/// The figures at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolCount {
    /// Claims answered with a sandbox.
    pub hits: u64,
    /// Claims answered with none.
    pub misses: u64,
    /// Sandboxes made for the pool.
    pub made: u64,
    /// Starts that failed.
    pub failures: u64,
    /// Waiting sandboxes given back because memory was short.
    pub shed: u64,
    /// Waiting sandboxes that died.
    pub died: u64,
    /// Sandboxes that wait.
    pub waiting: u64,
    /// How long the oldest has waited; zero when none waits.
    pub oldest: Duration,
    /// Free memory as last looked at, in MiB; 0 when it was not.
    pub available_mb: u64,
}

impl Default for PoolFigures {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            made: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            shed: AtomicU64::new(0),
            died: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            oldest_ms: AtomicU64::new(0),
            available_mb: AtomicU64::new(0),
        }
    }
}

impl PoolFigures {
    /// Notes how many wait, and since when the oldest of them.
    pub(super) fn note_waiting(&self, count: usize, oldest: Option<Instant>) {
        let since = oldest.map_or(0, |at| at.saturating_duration_since(self.started).as_millis());
        self.oldest_ms.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.waiting.store(count as u64, Ordering::Relaxed);
    }

    /// All of them now.
    #[must_use]
    pub fn read(&self) -> PoolCount {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let waiting = get(&self.waiting);
        let age = || self.started.elapsed().saturating_sub(Duration::from_millis(get(&self.oldest_ms)));
        PoolCount {
            hits: get(&self.hits),
            misses: get(&self.misses),
            made: get(&self.made),
            failures: get(&self.failures),
            shed: get(&self.shed),
            died: get(&self.died),
            waiting,
            oldest: if waiting > 0 { age() } else { Duration::ZERO },
            available_mb: get(&self.available_mb),
        }
    }
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_ages_while_it_waits() {
        let figures = PoolFigures::default();
        assert_eq!(figures.read(), PoolCount::default());
        let at = figures.started + Duration::from_millis(5);
        figures.note_waiting(2, Some(at));
        count(&figures.hits);
        let read = figures.read();
        assert_eq!((read.waiting, read.hits), (2, 1));
        assert!(read.oldest <= figures.started.elapsed());
        figures.note_waiting(0, None);
        assert_eq!(figures.read().oldest, Duration::ZERO);
    }
}
