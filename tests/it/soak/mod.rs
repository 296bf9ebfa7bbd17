//! Under fire for long: cuts, kills, crowds and hostile clients at random moments, again and again.
//!
//! In `cargo test` each is as short as it can be and still mean something; `CARREL_SOAK=full` (`make soak`) runs them at full size. Moments
//! are random; the seed is printed when a test fails, and `CARREL_SOAK_SEED` takes it again.

mod converge;
mod drain;
mod driven;
mod hostile;
mod killed;
mod load;
mod replay;
mod round_trip;
mod rush;
mod storm;
mod upheaval;
mod wire;

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// One of two sizes: that of `cargo test`, or that of `make soak`.
fn size<T>(small: T, full: T) -> T {
    if std::env::var("CARREL_SOAK").is_ok_and(|size| size == "full") { full } else { small }
}

/// Chance, as a test can have it again.
struct Chance {
    seed: u64,
    random: StdRng,
}

impl Chance {
    fn new() -> Self {
        let given = std::env::var("CARREL_SOAK_SEED").ok();
        let seed = given.map_or_else(rand::random, |seed| seed.parse().expect("CARREL_SOAK_SEED is a number"));
        Self { seed, random: StdRng::seed_from_u64(seed) }
    }

    /// A time in a range of milliseconds.
    fn ms(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.random.random_range(range))
    }
}

impl Drop for Chance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("── CARREL_SOAK_SEED={} makes the same choices again", self.seed);
        }
    }
}
