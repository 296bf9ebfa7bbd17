//! What the server stands on fails, or another server stands beside it: what users lose (nothing), what they are told, how it ends.

mod database;
mod disk;
mod engine;
mod servers;

use std::time::Duration;

use crate::support::terminal::Terminal;

/// Within which a fault is to be seen by its users.
const SEEN: Duration = Duration::from_secs(5);

/// Types a line and waits for its echo and its result; how long that took.
async fn types(shell: &mut Terminal, word: &str) -> Duration {
    let began = std::time::Instant::now();
    let (printed, code) = shell.run_within(&format!("echo {word}"), SEEN).await;
    assert_eq!((printed.trim_end(), code), (word, 0));
    began.elapsed()
}
