//! A program that counts, so that a byte that is missing or came twice is seen.

use super::client::Session;
use super::terminal::{PATIENCE, Terminal};

/// The program: prints numbered lines, so many a second and so wide.
pub const COUNTER: &str = include_str!("../../../sandbox/probes/counter.py");

/// A program that prints so many numbered lines of 60 characters a second, and has begun to.
pub async fn counting(session: &Session, rate: u32) -> Terminal {
    if session.read("counter.py").await.is_none() {
        session.save("counter.py", COUNTER).await;
    }
    let rate = rate.to_string();
    let mut terminal = session.program(&["python3", "counter.py", "--rate", &rate, "--width", "60"]).await;
    terminal.expect("line 0000000010").await;
    terminal
}

/// Checks that everything a [`counting`] terminal has ever shown is byte for byte what its program printed; how many lines that is.
pub fn counted(terminal: &Terminal) -> u64 {
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
pub async fn counts_on(terminal: &mut Terminal) {
    let from = terminal.bytes.len();
    terminal.until("more lines", PATIENCE, |terminal| (terminal.bytes.len() > from + 62 * 5).then_some(())).await;
    counted(terminal);
}
