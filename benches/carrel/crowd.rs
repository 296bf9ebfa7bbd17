//! Many at once, by the load driver: five hundred terminals that print, and a hundred real sandboxes of which ten flood.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use carrel_load::drive::drive;
use carrel_load::outcome::Outcome;
use carrel_load::plan::{Plan, parse_duration};
use carrel_load::samples::{Samples, human};

use crate::SETTINGS;
use crate::echo;
use crate::figures::Report;
use crate::relay::Relay;
use crate::server::Server;
use crate::stand_in::StandIn;

/// How long the two run: `CARREL_BENCH_DURATION`, such as `30s`, or this.
const DURATION: &str = "CARREL_BENCH_DURATION";
const TERMINALS_RUN: Duration = Duration::from_secs(300);
const SANDBOXES_RUN: Duration = Duration::from_secs(60);

/// Bytes a second of each printing terminal.
const RATE: u64 = 40_000;

/// At the relay: keys of a turn, and the pause between two.
const KEYS: usize = 10;
const PAUSE: Duration = Duration::from_millis(50);

fn duration(otherwise: Duration) -> anyhow::Result<Duration> {
    std::env::var(DURATION).map_or(Ok(otherwise), |text| parse_duration(&text).map_err(anyhow::Error::msg))
}

fn run(plan: &Plan) -> anyhow::Result<Outcome> {
    plan.check(false)?;
    // A runtime of one thread per processor, as the driver's own program has.
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(drive(plan, std::future::pending(), |text| eprintln!("  {text}")))?;
    eprint!("{outcome}");
    let (asked, opened) = (outcome.asked.terminals, outcome.opened.terminals);
    anyhow::ensure!(opened == asked, "only {opened} of {asked} terminals were opened: {:?}", outcome.failed);
    Ok(outcome)
}

/// 500 sessions with one terminal each, whose sandboxes are processes: a machine of this size has no room for as many containers.
pub fn terminals(binary: &Path, data: &Path, agent: &Path, report: &mut Report) -> anyhow::Result<()> {
    let engine = StandIn::start(agent, &data.with_extension("stand-in"))?;
    let settings = [
        ("CARREL_ENGINE__HOST", engine.host.as_str()),
        ("CARREL_ENGINE__EMBEDDED", "never"),
        ("CARREL_SANDBOX__IMAGE", "stand-in"),
        ("CARREL_POOL__SIZE", "0"),
        ("CARREL_POOL__MAX_SANDBOXES", "600"),
    ];
    let settings = [&SETTINGS[1..], &settings].concat();
    let server = Server::start(binary, &data.with_extension("processes"), &settings)?;
    let plan = Plan {
        users: 10,
        sessions: 50,
        rate: RATE,
        duration: duration(TERMINALS_RUN)?,
        server_pid: Some(server.pid()),
        ..Plan::of(&server.url)
    };
    let outcome = run(&plan)?;
    let (rate, held) = (outcome.throughput, outcome.throughput.held * 100.0);
    let what = format!("500 terminals at 40 KB/s for {:?}: rate held", plan.duration);
    report.judge(&what, format!("{held:.1} %"), "", "", "≥ 95 %", held >= 95.0);
    report.note("the same of the slowest terminal", format!("{:.1} %", rate.least_held * 100.0), "");
    let cut = outcome.disconnected_percent;
    report.judge("disconnects of them", format!("{cut:.2} %"), "", "", "< 0.1 %", cut < 0.1);
    if let Some(machine) = outcome.server {
        let most = machine.most_memory_mib;
        // The target is in MB.
        let met = most * 1.048_576 <= 300.0;
        report.judge("server memory at the most", format!("{most:.0} MiB"), "", "", "≤ 300 MB", met);
        report.note("server's share of a CPU", format!("{:.0} %", machine.cpu_percent), "");
    }
    echo(report, "key to echo in terminals that print 40 KB/s", &outcome);
    Ok(())
}

/// 100 real sandboxes with one terminal each, ten of which print as fast as they are read.
pub fn sandboxes(server: &Server, relay: &Relay, report: &mut Report) -> anyhow::Result<()> {
    let plan = Plan {
        users: 5,
        sessions: 20,
        floods: 10,
        at_once: 4,
        duration: duration(SANDBOXES_RUN)?,
        server_pid: Some(server.pid()),
        ..Plan::of(&server.url)
    };
    // Somebody at the relay meanwhile, who shares nothing with them but the processors.
    let mut bare = echo::open_relay(relay)?;
    let over = Arc::new(AtomicBool::new(false));
    let typing = std::thread::spawn({
        let over = Arc::clone(&over);
        move || {
            let mut typed = Vec::new();
            while !over.load(Ordering::Relaxed) {
                typed.push((Instant::now(), echo::type_keys(&mut bare, KEYS, PAUSE)?));
            }
            anyhow::Ok(typed)
        }
    });
    let outcome = run(&plan);
    let ended = Instant::now();
    over.store(true, Ordering::Relaxed);
    let typed = typing.join().map_err(|_| anyhow::anyhow!("who typed at the relay fell over"))??;
    let outcome = outcome?;
    let mut floor = Samples::new();
    // Not while sandboxes were still being opened.
    let during = typed.iter().filter(|(begun, _)| ended.duration_since(*begun) <= plan.duration);
    during.for_each(|(_, keys)| floor.extend(keys));
    let p95 = outcome.echo.p95;
    let what = format!("key to echo in 90 sandboxes beside ten that flood, p95 of {}", outcome.echo.count);
    let met = p95 <= 20.0 && outcome.keys_lost == 0;
    let times = format!("{:.1}", p95 / floor.summary().p95.max(f64::MIN_POSITIVE));
    report.judge(&what, format!("{p95:.1} ms"), human(floor.percentile(95.0)), times, "≤ 20 ms", met);
    let (p50, p99) = (outcome.echo.p50, outcome.echo.p99);
    report.note("the same, p50 and p99", format!("{p50:.1} and {p99:.1} ms"), "");
    report.note("what the ten print", format!("{:.1} MB/s", outcome.flood_bytes_per_second / 1e6), "");
    report.note("key to echo in the ten, p95", format!("{:.1} ms", outcome.flooded_echo.p95), "");
    let disconnects = outcome.disconnects.values().sum::<u64>();
    report.judge("disconnects of all", disconnects, "", "", "0", disconnects == 0);
    if let Some(machine) = outcome.server {
        report.note("server memory at the most", format!("{:.0} MiB", machine.most_memory_mib), "");
    }
    let (p50, p95) = (outcome.session_open.p50, outcome.session_open.p95);
    report.note("open one of them, four at once, p50 and p95", format!("{p50:.0} and {p95:.0} ms"), "");
    Ok(())
}

fn echo(report: &mut Report, what: &str, outcome: &Outcome) {
    let echo = outcome.echo;
    let (p50, p95, p99) = (echo.p50, echo.p95, echo.p99);
    report.note(&format!("{what}, p50, p95, p99"), format!("{p50:.1}, {p95:.1}, {p99:.1} ms"), "");
    report.note("keys without an echo", outcome.keys_lost, "");
}
