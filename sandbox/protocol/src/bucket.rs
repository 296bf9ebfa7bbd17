//! A token bucket of bytes: a burst at once, a rate in the long run.

use std::time::{Duration, Instant};

/// Fills with `rate` bytes a second up to `burst`. Time is given, never asked for.
#[derive(Clone, Debug)]
pub struct Bucket {
    rate: u64,
    burst: u64,
    /// Bytes in it at `at`.
    level: u64,
    at: Instant,
}

impl Bucket {
    /// A full one. A `rate` of 0 counts as 1.
    #[must_use]
    pub fn full(rate: u64, burst: u64, now: Instant) -> Self {
        Self { rate: rate.max(1), burst, level: burst, at: now }
    }

    /// Bytes in it.
    pub fn level(&mut self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.at).as_micros();
        let gained = u64::try_from(u128::from(self.rate) * passed / 1_000_000).unwrap_or(u64::MAX);
        self.level = self.level.saturating_add(gained).min(self.burst);
        // Time that has not yet made a byte goes on counting.
        self.at = if self.level == self.burst { now } else { self.at + self.time_of(gained) };
        self.level
    }

    /// Takes `bytes`, or what is in it.
    pub fn take(&mut self, bytes: u64) {
        self.level = self.level.saturating_sub(bytes);
    }

    /// How long until there are `bytes` in it; the level must be of now.
    #[must_use]
    pub fn time_to(&self, bytes: u64) -> Duration {
        self.time_of(bytes.min(self.burst).saturating_sub(self.level))
    }

    /// How long `bytes` take to come, rounded up to a microsecond.
    fn time_of(&self, bytes: u64) -> Duration {
        Duration::from_micros(bytes.saturating_mul(1_000_000).div_ceil(self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::full(1000, 5000, start);
        assert_eq!(bucket.level(start), 5000);
        bucket.take(4900);
        assert_eq!((bucket.level(start), bucket.time_to(50)), (100, Duration::ZERO));
        assert_eq!(bucket.time_to(300), Duration::from_millis(200));
        assert_eq!(bucket.level(start + Duration::from_millis(200)), 300);
        bucket.take(9999);
        assert_eq!(bucket.level(start + Duration::from_secs(3600)), 5000, "never more than the burst");
    }

    #[test]
    fn looking_often_does_not_lose_what_is_less_than_a_byte() {
        let start = Instant::now();
        let mut bucket = Bucket::full(1000, 5000, start);
        bucket.take(5000);
        for step in 1..=10_000 {
            bucket.level(start + Duration::from_micros(100) * step);
        }
        assert_eq!(bucket.level(start + Duration::from_secs(1)), 1000);
    }
}
