//! From a key to its echo: through WebSocket, server, agent, PTY and back.

use std::time::{Duration, Instant};

use carrel_load::samples::{Samples, human};

use crate::api::User;
use crate::figures::{Report, ratio};
use crate::relay::Relay;
use crate::server::{Server, pause};
use crate::socket::Socket;

/// The kernel echoes; the program reads a line at a time and says nothing. `R`: it is there.
pub const SILENT_READER: &str = "printf R; exec cat >/dev/null";

/// After so many keys comes Enter, for the line of a terminal has an end.
const LINE: usize = 64;

/// Keys in a row before it is the other's turn.
const TURN: usize = 100;

/// Turns of each, without and with pauses.
const EAGER_TURNS: usize = 50;
const PACED_TURNS: usize = 20;

/// Between two keys of somebody who types: no human is so fast, but a pause is a pause.
const PAUSE: Duration = Duration::from_millis(5);

/// Types a turn's keys, each after the echo of the last and a pause.
pub fn type_keys(socket: &mut Socket, keys: usize, between: Duration) -> anyhow::Result<Samples> {
    let mut samples = Samples::default();
    for key in 1..=keys {
        if !between.is_zero() {
            pause(between);
        }
        // Enter is echoed as two bytes and wakes the program; it is not measured.
        if key % LINE == 0 {
            socket.echo(b'\r', 2)?;
        } else {
            samples.push(socket.echo(b'x', 1)?);
        }
    }
    socket.echo(b'\r', 2)?;
    Ok(samples)
}

/// A terminal of the server whose keys are echoed.
pub fn open(user: &User, session: &str) -> anyhow::Result<Socket> {
    let mut socket = user.attach(&user.open_terminal(session, Some(SILENT_READER))?)?;
    socket.wait_for(b"R")?;
    Ok(socket)
}

/// The same of the relay.
pub fn open_relay(relay: &Relay) -> anyhow::Result<Socket> {
    let mut socket = relay.open(SILENT_READER)?;
    socket.wait_for(b"R")?;
    Ok(socket)
}

pub fn measure(server: &Server, relay: &Relay, report: &mut Report) -> anyhow::Result<()> {
    let user = User::register(&server.url)?;
    let session = user.new_session()?;
    let (mut ours, mut bare) = (open(&user, &session)?, open_relay(relay)?);
    for (name, turns, between) in [("back to back", EAGER_TURNS, Duration::ZERO), ("every 5 ms", PACED_TURNS, PAUSE)] {
        let (mut carrel, mut floor) = (Samples::default(), Samples::default());
        let start = Instant::now();
        for turn in 0..=turns {
            let (typed, relayed) = (type_keys(&mut ours, TURN, between)?, type_keys(&mut bare, TURN, between)?);
            // The first turn warms up.
            if turn > 0 {
                carrel.extend(&typed);
                floor.extend(&relayed);
            }
        }
        eprintln!("echo {name}: {} keys each, {:.1} s", carrel.count(), start.elapsed().as_secs_f64());
        for (percent, most) in [(50.0, 2.0), (99.0, 4.0)] {
            let (carrel, floor) = (carrel.percentile(percent), floor.percentile(percent));
            let ratio = ratio(carrel, floor);
            let what = format!("key to echo, {name}, p{percent}");
            report.judge(
                &what,
                human(carrel),
                human(floor),
                format!("{ratio:.2}"),
                &format!("≤ {most}"),
                ratio <= most,
            );
        }
    }
    user.delete_session(&session)
}
