//! Under fire for long: cuts, kills, crowds and hostile clients at random moments, again and again.
//!
//! In `cargo test` each is as short as it can be and still mean something; `CARREL_SOAK=full` (`make soak`) runs them at full size. Moments
//! are random; the seed is printed when a test fails, and `CARREL_SOAK_SEED` takes it again.

mod drain;
mod driven;
mod hostile;
mod killed;
mod load;
mod replay;
mod rush;
mod storm;
mod wire;

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::support::client::Session;
use crate::support::terminal::{PATIENCE, Terminal};

const COUNTER: &str = include_str!("../../../sandbox/probes/counter.py");

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

/// A program that prints so many numbered lines of 60 characters a second, and has begun to.
async fn counting(session: &Session, rate: u32) -> Terminal {
    if session.read("counter.py").await.is_none() {
        session.save("counter.py", COUNTER).await;
    }
    let rate = rate.to_string();
    let mut terminal = session.program(&["python3", "counter.py", "--rate", &rate, "--width", "60"]).await;
    terminal.expect("line 0000000010").await;
    terminal
}

/// Checks that everything a [`counting`] terminal has ever shown is byte for byte what its program printed; how many lines that is.
fn counted(terminal: &Terminal) -> u64 {
    assert_eq!(terminal.start, 0);
    let complete = terminal.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut count = 0;
    for line in terminal.bytes[..complete].split_inclusive(|byte| *byte == b'\n') {
        count += 1;
        let printed = format!("{:.<60}\r\n", format!("line {count:010}"));
        assert_eq!(String::from_utf8_lossy(line), printed, "at line {count} of {}", terminal.id);
    }
    count
}

/// Waits until it has counted some more.
async fn counts_on(terminal: &mut Terminal) {
    let from = terminal.bytes.len();
    terminal.until("more lines", PATIENCE, |terminal| (terminal.bytes.len() > from + 62 * 5).then_some(())).await;
    counted(terminal);
}
