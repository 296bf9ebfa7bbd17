//! When an end of the link looks again and again instead of sleeping until it is woken.
//!
//! Waking a sleeping thread costs 5 to 50 µs, most of it for its idle processor, and a key's echo wakes the agent and the server twice
//! each. Somebody who types gives each [`ECHO`] at most per key; keys in quick succession (a paste, a program at the other end) keep both
//! awake until they stop. Where the processor is wanted by others, nobody looks on: yielding then costs more than sleeping.

use std::time::{Duration, Instant};

/// How long after a key its echo is worth staying awake for. The kernel's own echo takes a third of it.
pub const ECHO: Duration = Duration::from_micros(80);

/// Keys that follow each other within this time are no human's; the next one is waited for as well.
pub const BURST: Duration = Duration::from_micros(300);

/// Somebody else has had the processor for so long between two looks that it is wanted.
const WANTED: Duration = Duration::from_micros(200);

/// How long nobody looks on after that; twice as long each time it happens again, at most [`MOST_DOUBLINGS`] times.
const REST: Duration = Duration::from_millis(5);
const MOST_DOUBLINGS: u32 = 8;

/// Decides when to look again. One per link and end.
#[derive(Debug, Default)]
pub struct Eager {
    last_key: Option<Instant>,
    until: Option<Instant>,
    burst: bool,
    looked: Option<Instant>,
    rests_until: Option<Instant>,
    doublings: u32,
}

impl Eager {
    /// A key has been passed on.
    pub fn typed(&mut self, now: Instant) {
        let pause = self.last_key.replace(now).map(|last| now.saturating_duration_since(last));
        self.burst = pause.is_some_and(|pause| pause <= BURST);
        self.until = Some(now + if self.burst { BURST } else { ECHO });
        self.looked = None;
    }

    /// Output has come, most likely the echo.
    pub fn echoed(&mut self) {
        if self.looked.take().is_some() {
            self.doublings = self.doublings.saturating_sub(1);
        }
        if !self.burst {
            self.until = None;
        }
    }

    /// Whether to look again at once, after giving way to whoever else wants the processor. `false`: sleep.
    pub fn looks_again(&mut self, now: Instant) -> bool {
        if self.until.is_none_or(|until| now >= until) || self.rests_until.is_some_and(|until| now < until) {
            self.looked = None;
            return false;
        }
        let wanted = self.looked.replace(now).is_some_and(|last| now.saturating_duration_since(last) > WANTED);
        if wanted {
            self.rests_until = Some(now + REST * (1 << self.doublings));
            self.doublings = MOST_DOUBLINGS.min(self.doublings + 1);
            self.looked = None;
        }
        !wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn us(count: u64) -> Duration {
        Duration::from_micros(count)
    }

    #[test]
    fn nobody_looks_without_a_key() {
        assert!(!Eager::default().looks_again(Instant::now()));
    }

    #[test]
    fn a_single_key_is_followed_until_its_echo_or_for_a_moment() {
        let (mut eager, start) = (Eager::default(), Instant::now());
        eager.typed(start);
        assert!(eager.looks_again(start + us(10)) && eager.looks_again(start + us(79)));
        assert!(!eager.looks_again(start + ECHO), "the moment is over");
        eager.typed(start + us(10_000));
        eager.echoed();
        assert!(!eager.looks_again(start + us(10_001)), "its echo has come");
    }

    #[test]
    fn keys_in_quick_succession_are_waited_for_beyond_the_echo() {
        let (mut eager, start) = (Eager::default(), Instant::now());
        eager.typed(start);
        eager.typed(start + us(200));
        eager.echoed();
        assert!((1..5).all(|step| eager.looks_again(start + us(200 + step * 60))));
        assert!(!eager.looks_again(start + us(200) + BURST));
    }

    #[test]
    fn where_the_processor_is_wanted_nobody_looks_for_a_while_and_then_for_longer() {
        let (mut eager, mut now) = (Eager::default(), Instant::now());
        for rest in [REST, 2 * REST, 4 * REST] {
            eager.typed(now);
            eager.typed(now + us(10));
            assert!(eager.looks_again(now + us(20)), "rested for long enough");
            now += us(20) + WANTED + us(1);
            assert!(!eager.looks_again(now), "others ran between the two looks");
            now += rest;
            eager.typed(now - us(10));
            assert!(!eager.looks_again(now - us(5)), "still resting");
        }
        eager.typed(now);
        assert!(eager.looks_again(now));
        eager.echoed();
        eager.typed(now + us(10));
        assert!(eager.looks_again(now + us(20)), "an echo that came while looking ends nothing");
    }
}
