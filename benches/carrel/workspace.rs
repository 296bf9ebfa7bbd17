//! A large workspace: made by a program, changed, left alone, and put into a sandbox again.

use std::time::{Duration, Instant};

use anyhow::Context;
use carrel_load::process::cpu_time;
use carrel_load::samples::{Samples, human};

use crate::api::User;
use crate::engine::Engine;
use crate::figures::Report;
use crate::server::{LOOK_AGAIN, Server, pause};
use crate::socket::Socket;

/// Files and folders made, and bytes of each file: 100 MB.
const FILES: u64 = 10_000;
const FOLDERS: u64 = 100;
const FILE_BYTES: u64 = 10_000;

/// Single changes, and the pause before each: what was done before has settled.
const CHANGES: u64 = 20;
const SETTLED: Duration = Duration::from_millis(500);

/// How long nothing is done.
const IDLE: Duration = Duration::from_secs(20);

/// Restores.
const RESTORES: usize = 5;

/// Something is broken when it takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

const COMMITTED: Duration = Duration::from_secs(5);
const CHANGED: Duration = Duration::from_millis(300);
const RESTORED: Duration = Duration::from_secs(2);
/// Of a CPU, in percent: the clock of `/proc` ticks 100 times a second.
const IDLE_PERCENT: f64 = 0.2;

/// Makes the files, tells that it has, and then appends as many bytes as lines come to one after the other.
const PROGRAM: &str = r#"exec python3 -c '
import os, sys
files, folders, size = %FILES%, %FOLDERS%, %BYTES%
for folder in range(folders):
    os.mkdir(f"/workspace/d{folder:03}")
for number in range(files):
    line = f"x{number} = {number * 7919 % 10007}  # nobody has written this line before: {os.urandom(8).hex()}\n"
    with open(f"/workspace/d{number % folders:03}/f{number:05}.py", "w") as file:
        file.write((line * (size // len(line) + 1))[:size])
print("MADE", flush=True)
for number, line in enumerate(sys.stdin):
    with open(f"/workspace/d{number % folders:03}/f{number:05}.py", "a") as file:
        file.write(" \n")
    print(f"CHANGED{number}.", flush=True)
'"#;

pub fn measure(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let (user, engine) = (User::register(&server.url)?, Engine::below(&server.run_dir())?);
    // What it does for itself, with no workspace to watch; after the first sandbox, for which the engine is given its image.
    let first = user.new_session()?;
    user.open_terminal(&first, Some("exec cat"))?;
    user.delete_session(&first)?;
    pause(SETTLED);
    let alone = idle_percent(server.pid())?;
    let session = user.new_session()?;
    let before = engine.containers()?;
    let program = PROGRAM
        .replace("%FILES%", &FILES.to_string())
        .replace("%FOLDERS%", &FOLDERS.to_string())
        .replace("%BYTES%", &FILE_BYTES.to_string());
    let terminal = user.open_terminal(&session, Some(&program))?;
    let mut socket = user.attach(&terminal)?;
    let after = engine.containers()?;
    let container = after.iter().find(|container| !before.contains(container)).context("no sandbox")?;
    let agent = engine.agent(container)?;

    let (items, bytes) = (FILES + FOLDERS, FILES * FILE_BYTES);
    let start = Instant::now();
    socket.wait_for(b"MADE")?;
    let (made, memory) = (start.elapsed(), server.resident_kib()?);
    let committed = until(&user, &session, (items, bytes))?;
    let what =
        format!("{FILES} new files, 100 MB: from the end of their program (which took {}) to committed", human(made));
    report.judge(&what, human(committed), "", "", "≤ 5 s", committed <= COMMITTED);
    let grown = server.resident_kib()?.saturating_sub(memory);
    report.note("growth of the server meanwhile", format!("{:.1} MiB", grown as f64 / 1024.0), "");

    let samples = changes(&user, &session, &mut socket, (items, bytes))?;
    let p95 = samples.percentile(95.0);
    let what = format!("one of them changed: to committed, p95 of {CHANGES} (p50 {})", human(samples.percentile(50.0)));
    report.judge(&what, human(p95), "", "", "≤ 300 ms", p95 <= CHANGED);

    pause(SETTLED);
    for (what, pid, floor) in [("its agent", agent, None), ("the server", server.pid(), Some(alone))] {
        let percent = idle_percent(pid)?;
        let more = percent - floor.unwrap_or_default();
        let above = floor.map_or("", |_| "; floor: with no workspace");
        let what = format!("CPU of {what} while nobody touches them, of one{above}");
        let floor = floor.map(|floor| format!("{floor:.2} %")).unwrap_or_default();
        report.judge(
            &what,
            format!("{percent:.2} %"),
            floor,
            format!("{more:+.2} %"),
            "≤ +0.2 %",
            more <= IDLE_PERCENT,
        );
    }
    drop(socket);
    restores(&user, &session, server, report)?;
    user.delete_session(&session)
}

/// The part of a processor a process uses while nothing is done.
fn idle_percent(pid: u32) -> anyhow::Result<f64> {
    let (start, before) = (Instant::now(), cpu_time(pid)?);
    pause(IDLE);
    Ok((cpu_time(pid)? - before).as_secs_f64() / start.elapsed().as_secs_f64() * 100.0)
}

/// Waits until the database knows of so much; how long that took.
fn until(user: &User, session: &str, expected: (u64, u64)) -> anyhow::Result<Duration> {
    let start = Instant::now();
    loop {
        let usage = user.usage(session)?;
        if usage == expected {
            return Ok(start.elapsed());
        }
        anyhow::ensure!(start.elapsed() < PATIENCE, "the workspace holds {usage:?} instead of {expected:?}");
        pause(LOOK_AGAIN / 4);
    }
}

fn changes(user: &User, session: &str, socket: &mut Socket, (items, bytes): (u64, u64)) -> anyhow::Result<Samples> {
    let mut samples = Samples::default();
    for number in 0..CHANGES {
        pause(SETTLED);
        socket.input(b"\n")?;
        socket.wait_for(format!("CHANGED{number}.").as_bytes())?;
        samples.push(until(user, session, (items, bytes + 2 * (number + 1)))?);
    }
    Ok(samples)
}

/// How much longer it takes to open the session than an empty one.
fn restores(user: &User, session: &str, server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let empty = user.new_session()?;
    let (mut full, mut bare) = (Samples::default(), Samples::default());
    for _ in 0..RESTORES {
        for (session, samples) in [(session, &mut full), (&empty, &mut bare)] {
            user.stop_session(session)?;
            let start = Instant::now();
            let terminal = user.open_terminal(session, Some("exec cat"))?;
            samples.push(start.elapsed());
            user.close_terminal(&terminal)?;
        }
    }
    let (took, floor) = (full.percentile(50.0), bare.percentile(50.0));
    let more = took.saturating_sub(floor);
    let what = format!("open a session with {FILES} files, 100 MB, p50 of {RESTORES}; floor: an empty one");
    report.judge(&what, human(took), human(floor), format!("+{}", human(more)), "≤ +2 s", more <= RESTORED);
    report.note("server memory after that", format!("{:.1} MiB", server.resident_kib()? as f64 / 1024.0), "");
    user.delete_session(&empty)
}
