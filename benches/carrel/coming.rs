//! Coming back to a terminal with a mebibyte to catch up on, and one terminal more in a session that lives.

use std::time::Duration;

use carrel_load::samples::{Samples, human};

use crate::api::{User, timed};
use crate::figures::{Report, ratio};
use crate::relay::Relay;
use crate::server::Server;

/// How often each is done.
const TURNS: usize = 100;

const REPLAY_BYTES: usize = 1 << 20;

/// Says that it is there, and waits.
const PROGRAM: &str = "printf R; exec cat";

const REPLAY_TARGET: Duration = Duration::from_millis(100);
const TERMINAL_TARGET: Duration = Duration::from_millis(20);

/// From the beginning of the connection until the last of the missed bytes is there.
pub fn reconnect(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let user = User::register(&server.url)?;
    let session = user.new_session()?;
    let script = format!("stty -opost; head -c {REPLAY_BYTES} /dev/zero; exec sleep 1000000");
    let terminal = user.open_terminal(&session, Some(&script))?;
    let mut socket = user.attach(&terminal)?;
    socket.skip(REPLAY_BYTES)?;
    let since = socket.next_seq() - REPLAY_BYTES as u64;
    drop(socket);
    let mut samples = Samples::default();
    for turn in 0..=TURNS {
        let (_, took) = timed(|| user.attach_since(&terminal, Some(since))?.skip(REPLAY_BYTES))?;
        // The first one warms up.
        if turn > 0 {
            samples.push(took);
        }
    }
    let (p50, p95) = (samples.percentile(50.0), samples.percentile(95.0));
    let what = format!("reconnect with 1 MiB of replay, p95 of {TURNS} (p50 {})", human(p50));
    report.judge(&what, human(p95), "", "", "≤ 100 ms", p95 <= REPLAY_TARGET);
    user.delete_session(&session)
}

/// From the request until what runs in it is seen, against the relay's fork of the same program.
pub fn terminal(server: &Server, relay: &Relay, report: &mut Report) -> anyhow::Result<()> {
    let user = User::register(&server.url)?;
    let session = user.new_session()?;
    user.open_terminal(&session, None)?;
    let [mut programs, mut shells, mut floor] = [const { Samples::new() }; 3];
    for turn in 0..=TURNS {
        let (_, bare) = timed(|| relay.open(PROGRAM)?.wait_for(b"R"))?;
        if turn > 0 {
            floor.push(bare);
        }
        for (script, first, samples) in [(Some(PROGRAM), "R", &mut programs), (None, "$ ", &mut shells)] {
            let (terminal, took) = timed(|| {
                let terminal = user.open_terminal(&session, script)?;
                user.attach(&terminal)?.wait_for(first.as_bytes())?;
                Ok(terminal)
            })?;
            user.close_terminal(&terminal)?;
            if turn > 0 {
                samples.push(took);
            }
        }
    }
    let (p50, p95, bare) = (programs.percentile(50.0), programs.percentile(95.0), floor.percentile(95.0));
    let what =
        format!("new terminal in a live session, to its program's first byte, p95 of {TURNS} (p50 {})", human(p50));
    let times = format!("{:.2}", ratio(p95, bare));
    report.judge(&what, human(p95), human(bare), times, "≤ 20 ms", p95 <= TERMINAL_TARGET);
    let (p50, p95) = (shells.percentile(50.0), shells.percentile(95.0));
    report.note(&format!("the same to a login shell's prompt, p95 (p50 {})", human(p50)), human(p95), "");
    user.delete_session(&session)
}
