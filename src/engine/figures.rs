//! How often the engine is called, how often that fails, and how long it takes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// A kind of call to the engine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Call { $($(#[$doc])* $name),* }

        impl Call {
            /// Every kind, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name in logs and metrics.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

calls! {
    /// Version negotiation.
    Version = "version",
    /// What kind of engine it is.
    Info = "info",
    /// Is it there?
    Ping = "ping",
    /// Create a container.
    Create = "create",
    /// Start it.
    Start = "start",
    /// Ask for its state.
    Inspect = "inspect",
    /// Kill its processes.
    Kill = "kill",
    /// Remove it.
    Remove = "remove",
    /// List ours.
    List = "list",
    /// Change its quotas.
    Update = "update",
    /// Wait for the next event.
    Events = "events",
    /// Look for an image.
    InspectImage = "inspect_image",
    /// Import an image.
    Import = "import",
    /// List our images.
    ListImages = "list_images",
    /// Remove an image.
    RemoveImage = "remove_image",
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known about one kind of call since the server started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallFigures {
    /// Which kind.
    pub call: Call,
    /// Calls that have ended.
    pub calls: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// Seconds they took altogether, waiting for a permit not included.
    pub seconds_total: f64,
    /// Seconds the slowest took.
    pub seconds_max: f64,
}

#[derive(Default)]
struct Counter {
    calls: AtomicU64,
    failures: AtomicU64,
    micros_total: AtomicU64,
    micros_max: AtomicU64,
}

/// The counters behind [`CallFigures`].
pub(super) struct Figures(Vec<Counter>);

impl Default for Figures {
    fn default() -> Self {
        Self(Call::ALL.iter().map(|_| Counter::default()).collect())
    }
}

impl Figures {
    pub(super) fn record(&self, call: Call, took: Duration, failed: bool) {
        let counter = &self.0[call as usize];
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        counter.calls.fetch_add(1, Ordering::Relaxed);
        counter.failures.fetch_add(u64::from(failed), Ordering::Relaxed);
        counter.micros_total.fetch_add(micros, Ordering::Relaxed);
        counter.micros_max.fetch_max(micros, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Vec<CallFigures> {
        Call::ALL
            .iter()
            .zip(&self.0)
            .map(|(&call, counter)| CallFigures {
                call,
                calls: counter.calls.load(Ordering::Relaxed),
                failures: counter.failures.load(Ordering::Relaxed),
                seconds_total: counter.micros_total.load(Ordering::Relaxed) as f64 / 1e6,
                seconds_max: counter.micros_max.load(Ordering::Relaxed) as f64 / 1e6,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_failures_and_times_are_counted_by_kind() {
        let figures = Figures::default();
        figures.record(Call::Start, Duration::from_millis(100), false);
        figures.record(Call::Start, Duration::from_millis(300), true);
        let read = figures.read();
        let start = read.iter().find(|line| line.call == Call::Start).copied();
        assert_eq!(
            start,
            Some(CallFigures { call: Call::Start, calls: 2, failures: 1, seconds_total: 0.4, seconds_max: 0.3 })
        );
        assert_eq!(read.iter().map(|line| line.calls).sum::<u64>(), 2);
    }
}
