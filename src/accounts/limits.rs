//! How often an account or an address may try.
//!
//! **Invariant**: memory is bounded. Keys have a fixed size, those without recent attempts are forgotten as the store grows, and
//! a store that is full of recent ones refuses newcomers.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Keys kept before the first look for forgettable ones.
const SWEEP_AT: usize = 4096;
/// Keys kept at the most; each is a few dozen bytes.
const MAX_KEYS: usize = 200_000;
/// What somebody is told to wait when the store is full.
const FULL_PAUSE: Duration = Duration::from_secs(60);

/// Attempts per minute and key.
#[derive(Debug)]
pub struct KeyedLimit<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    /// Size of the store at which to look for forgettable keys: twice what was left the last time.
    sweep_at: AtomicUsize,
    max_keys: usize,
}

impl<K: Hash + Eq + Clone> KeyedLimit<K> {
    /// `per_minute` attempts of each key, all at once if it likes.
    #[must_use]
    pub fn per_minute(per_minute: u32) -> Self {
        Self::bounded(per_minute, SWEEP_AT, MAX_KEYS)
    }

    fn bounded(per_minute: u32, sweep_at: usize, max_keys: usize) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        Self {
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            sweep_at: AtomicUsize::new(sweep_at),
            max_keys,
        }
    }

    /// Counts one attempt of `key`.
    ///
    /// # Errors
    /// How long to wait, when it has had too many.
    pub fn attempt(&self, key: &K) -> Result<(), Duration> {
        self.make_room()?;
        self.limiter.check_key(key).map_err(|until| until.wait_time_from(self.clock.now()))
    }

    fn make_room(&self) -> Result<(), Duration> {
        if self.limiter.len() < self.sweep_at.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.limiter.retain_recent();
        let left = self.limiter.len();
        self.sweep_at.store((left * 2).clamp(self.sweep_floor(), self.max_keys), Ordering::Relaxed);
        if left >= self.max_keys { Err(FULL_PAUSE) } else { Ok(()) }
    }

    fn sweep_floor(&self) -> usize {
        SWEEP_AT.min(self.max_keys)
    }
}

/// An account as a key, whether it exists or not, however long its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountKey([u8; 16]);

impl AccountKey {
    /// The key of a username or e-mail address, already case-folded.
    #[must_use]
    pub fn of(login: &str) -> Self {
        let mut key = [0; 16];
        key.copy_from_slice(&blake3::hash(login.as_bytes()).as_bytes()[..16]);
        Self(key)
    }
}

/// An address as a key: IPv6 by its /64, since whoever has one of those has all of its addresses.
#[must_use]
pub fn address_key(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_allowance_and_is_told_how_long_to_wait() {
        let limit = KeyedLimit::per_minute(2);
        assert!(limit.attempt(&"a").is_ok() && limit.attempt(&"a").is_ok());
        let wait = limit.attempt(&"a").expect_err("the third is one too many");
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(30), "{wait:?}");
        assert!(limit.attempt(&"b").is_ok());
    }

    #[test]
    fn a_store_full_of_recent_keys_refuses_newcomers_instead_of_growing() {
        let limit = KeyedLimit::bounded(1, 4, 8);
        let accepted = (0..100).filter(|key| limit.attempt(key).is_ok()).count();
        assert_eq!(accepted, 8);
        assert_eq!(limit.attempt(&1000), Err(FULL_PAUSE));
    }

    #[test]
    fn neighbours_in_one_ipv6_network_share_a_key() {
        let key = |text: &str| address_key(text.parse().expect(text));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
