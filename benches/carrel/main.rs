//! What Carrel costs, against what it cannot cost less than, measured in the same run.
//!
//! Starts a real `carrel serve` with its own data directory, PostgreSQL and engine, and beside it a bare relay between a WebSocket and a PTY
//! (`relay`), then measures both in turns, so that whatever else the machine does hits both alike. `benches/README.md` says what the
//! figures mean.
//!
//! `cargo bench --bench carrel -- PART…`: without a name all but [`LONG`]. `CARREL_BIN` names the server (default `target/release/carrel`),
//! `CARREL_BENCH_DIR` the data directory (default `target/bench-carrel`), `CARREL_AGENT` the agent (default `target/sandbox/carrel-agent`),
//! `CARREL_BENCH_DURATION` how long a part of [`LONG`] runs.

mod api;
mod coming;
mod crew;
mod crowd;
mod echo;
mod engine;
mod figures;
mod memory;
mod neighbours;
mod opening;
mod output;
mod relay;
mod saving;
mod server;
mod socket;
mod stand_in;
mod workspace;

use std::path::{Path, PathBuf};

use figures::Report;
use relay::Relay;
use server::Server;

/// The parts, in the order in which they run.
const PARTS: [&str; 10] =
    ["echo", "output", "reconnect", "terminal", "saving", "workspace", "crew", "neighbours", "memory", "opening"];

/// Those that take minutes and the whole machine, and run only when they are named.
const LONG: [&str; 2] = ["sandboxes", "terminals"];

/// Settings that keep the server's own limits out of a bench's way.
const SETTINGS: [(&str, &str); 4] = [
    ("CARREL_ENGINE__EMBEDDED", "always"),
    ("CARREL_AUTH__MAX_SESSIONS", "100000"),
    ("CARREL_AUTH__BCRYPT_COST", "10"),
    ("CARREL_SERVER__LOG_FILTER", "warn"),
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().is_some_and(|argument| argument == relay::FLAG) {
        return relay::serve();
    }
    if arguments.first().is_some_and(|argument| argument == stand_in::FLAG) {
        return stand_in::serve(&arguments[1..]);
    }
    let all = [&PARTS[..], &LONG].concat();
    let unknown = arguments.iter().find(|argument| !all.contains(&argument.as_str()));
    anyhow::ensure!(
        unknown.is_none(),
        "no such part: {}; there are {}",
        unknown.map_or("", |name| name),
        all.join(", ")
    );
    let named = |part: &str| arguments.iter().any(|argument| argument == part);
    let wanted = |part: &str| arguments.is_empty() || named(part);

    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let binary = std::env::var_os("CARREL_BIN").map_or_else(|| root.join("target/release/carrel"), PathBuf::from);
    let data = std::env::var_os("CARREL_BENCH_DIR").map_or_else(|| root.join("target/bench-carrel"), PathBuf::from);
    let agent =
        std::env::var_os("CARREL_AGENT").map_or_else(|| root.join("target/sandbox/carrel-agent"), PathBuf::from);
    figures::print_machine();
    let mut report = Report::default();

    if named("terminals") {
        crowd::terminals(&binary, &data, &agent, &mut report)?;
    }
    if PARTS.iter().any(|part| wanted(part)) || named("sandboxes") {
        with_containers(&binary, &data, &wanted, named("sandboxes"), &mut report)?;
    }
    report.print();
    Ok(())
}

/// The parts that want real sandboxes.
fn with_containers(
    binary: &Path,
    data: &Path,
    wanted: &dyn Fn(&str) -> bool,
    crowded: bool,
    report: &mut Report,
) -> anyhow::Result<()> {
    // Without a warm pool nothing starts in the background of a measurement.
    let cold = [&SETTINGS[..], &[("CARREL_POOL__SIZE", "0")]].concat();
    let relay = Relay::start()?;
    if wanted("output") {
        // As many as the relay's program has: the one of the default is shared by program and agent.
        let roomy = [&cold[..], &[("CARREL_SANDBOX__CPUS", "2")]].concat();
        let server = Server::start(binary, data, &roomy)?;
        output::measure(&server, &relay, report, ", sandbox of two CPUs", 0.9)?;
    }
    let server = Server::start(binary, data, &cold)?;
    if wanted("echo") {
        echo::measure(&server, &relay, report)?;
    }
    if wanted("output") {
        output::measure(&server, &relay, report, "", 0.8)?;
    }
    if wanted("reconnect") {
        coming::reconnect(&server, report)?;
    }
    if wanted("terminal") {
        coming::terminal(&server, &relay, report)?;
    }
    if wanted("saving") {
        saving::measure(&server, report)?;
    }
    if wanted("workspace") {
        workspace::measure(&server, report)?;
    }
    if wanted("crew") {
        crew::measure(&server, report)?;
    }
    if wanted("neighbours") {
        neighbours::measure(&server, &relay, report)?;
    }
    if wanted("memory") {
        memory::measure(&server, report)?;
    }
    if crowded {
        crowd::sandboxes(&server, &relay, report)?;
    }
    if wanted("opening") {
        opening::cold(&server, report)?;
        server.stop()?;
        let warm = [&SETTINGS[..], &[("CARREL_POOL__SIZE", "2"), ("CARREL_POOL__REFILL_INTERVAL_MS", "0")]].concat();
        let server = Server::start(binary, data, &warm)?;
        opening::warm(&server, report)?;
    }
    Ok(())
}
