//! Durations of the same thing, and what is said about them.

use std::time::Duration;

use serde::Serialize;

/// Durations of the same thing.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One more.
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// All of another's.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest that at least `percent` of them are not above.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among some thousands")]
        let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or_default()
    }

    /// In short.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let ms = |percent| self.percentile(percent).as_secs_f64() * 1e3;
        Summary { count: self.count(), p50: ms(50.0), p95: ms(95.0), p99: ms(99.0), max: ms(100.0) }
    }
}

/// Percentiles in milliseconds; zero where there were no samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// How many samples.
    pub count: usize,
    /// Half were not above.
    pub p50: f64,
    /// 95 of 100 were not above.
    pub p95: f64,
    /// 99 of 100 were not above.
    pub p99: f64,
    /// The greatest.
    pub max: f64,
}

/// Milliseconds or microseconds, whichever reads better.
#[must_use]
pub fn human(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 10_000.0 { format!("{micros:.0} µs") } else { format!("{:.1} ms", micros / 1e3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_that_were_taken() {
        let mut samples = Samples::new();
        assert_eq!(samples.summary(), Summary::default());
        for ms in (1..=200).rev() {
            samples.push(Duration::from_millis(ms));
        }
        let summary = samples.summary();
        assert_eq!((summary.p50, summary.p95, summary.p99, summary.max), (100.0, 190.0, 198.0, 200.0));
    }
}
