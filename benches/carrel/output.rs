//! How fast a program's output reaches a client that acknowledges it.

use std::time::Instant;

use carrel_load::samples::Samples;

use crate::api::User;
use crate::figures::Report;
use crate::relay::Relay;
use crate::server::Server;
use crate::socket::Socket;

/// Lines of 79 characters, as one program after the other prints them; the terminal makes CR LF of each line's end.
const LINES: usize = 838_860;
const LINE_BYTES: usize = 81;

/// Turns of each.
const TURNS: usize = 8;

fn script() -> String {
    let line = "0123456789abcdef".repeat(5).split_off(1);
    format!("stty -echo; printf R; read _; yes {line} | head -c {}", LINES * (LINE_BYTES - 1))
}

/// Time until all has come.
fn receive(mut socket: Socket, samples: &mut Samples) -> anyhow::Result<()> {
    socket.wait_for(b"R")?;
    let start = Instant::now();
    socket.input(b"\r")?;
    socket.skip(LINES * LINE_BYTES)?;
    samples.push(start.elapsed());
    Ok(())
}

/// `how` names what is special about the server.
pub fn measure(server: &Server, relay: &Relay, report: &mut Report, how: &str, target: f64) -> anyhow::Result<()> {
    let user = User::register(&server.url)?;
    let session = user.new_session()?;
    let (mut carrel, mut floor) = (Samples::default(), Samples::default());
    for _ in 0..TURNS {
        let terminal = user.open_terminal(&session, Some(&script()))?;
        receive(user.attach(&terminal)?, &mut carrel)?;
        user.close_terminal(&terminal)?;
        receive(relay.open(&script())?, &mut floor)?;
    }
    let rate = |samples: &Samples| (LINES * LINE_BYTES) as f64 / 1e6 / samples.percentile(50.0).as_secs_f64();
    let (carrel, floor) = (rate(&carrel), rate(&floor));
    let ratio = carrel / floor;
    let what = format!("64 MiB of output, median of {TURNS}{how}");
    report.judge(
        &what,
        format!("{carrel:.1} MB/s"),
        format!("{floor:.1} MB/s"),
        format!("{ratio:.2}"),
        &format!("≥ {target}"),
        ratio >= target,
    );
    user.delete_session(&session)
}
