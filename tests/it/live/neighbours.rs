//! Noisy neighbours: what they do to a quiet session and to the server.

use std::time::{Duration, Instant};

use crate::support::client::Session;
use crate::support::process::Server;
use crate::support::terminal::{PATIENCE, Terminal};

/// Echoes measured.
const ECHOES: usize = 60;

/// Far above the figure the benches hold (`benches/README.md`): this machine runs other tests beside.
const MOST_P95: Duration = Duration::from_millis(500);

/// How much more memory the server may hold with the floods than without: windows, not output.
const MOST_GROWTH_KIB: u64 = 24 * 1024;

/// The 95th percentile of the time from a key to its echo.
async fn echo_p95(shell: &mut Terminal) -> Duration {
    let mut times = Vec::new();
    for round in 0..ECHOES {
        let key = char::from(b'a' + (round % 26) as u8).to_string();
        let began = Instant::now();
        shell.type_text(&key).await;
        shell.expect(&key).await;
        times.push(began.elapsed());
    }
    shell.type_text("\u{15}").await;
    times.sort();
    times[ECHOES * 95 / 100]
}

/// Reads what a terminal prints in `time`, and says how many bytes those were.
async fn printed_in(time: Duration, terminal: &mut Terminal) -> u64 {
    let (begin, until) = (terminal.next_seq(), Instant::now() + time);
    while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        terminal.receive(left).await;
    }
    terminal.next_seq() - begin
}

/// Reads a flood for ever.
async fn read_on(mut terminal: Terminal) {
    while terminal.receive(PATIENCE).await {
        // What was seen is not kept: the flood is endless.
        if terminal.bytes.len() > 4 << 20 {
            terminal.start += terminal.bytes.len() as u64;
            terminal.bytes.clear();
        }
    }
}

#[tokio::test]
async fn a_quiet_session_and_the_servers_memory_do_not_notice_busy_neighbours() {
    let server = Server::start_with(&[("CARREL_SANDBOX__CPUS", "0.5"), ("CARREL_SERVER__LOG_FILTER", "info")]).await;
    let user = server.user().await;
    let sessions: [Session; 3] = [user.ready_session().await, user.ready_session().await, user.ready_session().await];
    let mut quiet = sessions[2].shell().await;
    let before = echo_p95(&mut quiet).await;

    let busy = sessions[0].program(&["python3", "-c", "while True: pass"]).await;
    let mut deaf = sessions[1].program(&["yes", "to nobody"]).await;
    deaf.acks = false;
    let reading = tokio::spawn(read_on(sessions[1].program(&["yes", "to a reader"]).await));
    // Both floods are in full flow.
    let window = deaf.hello["window"].as_u64().unwrap();
    deaf.until("a full window", PATIENCE, |deaf| (deaf.bytes.len() as u64 == window).then_some(())).await;
    let at_first = server.resident_kib();
    let began = Instant::now();
    let mut during = Duration::ZERO;
    while began.elapsed() < Duration::from_secs(8) {
        during = during.max(echo_p95(&mut quiet).await);
    }
    let at_last = server.resident_kib();
    eprintln!(
        "echo p95 {before:?} alone, {during:?} at worst with neighbours; server {at_first} KiB, then {at_last} KiB"
    );
    assert!(during < MOST_P95, "{during:?} (alone {before:?})");
    assert!(at_last < at_first + MOST_GROWTH_KIB, "{at_first} KiB, then {at_last} KiB");
    assert_eq!(deaf.bytes.len() as u64, window, "a viewer that acknowledges nothing gets nothing more");
    assert!(!reading.is_finished());
    reading.abort();
    drop(busy);
}

#[tokio::test]
async fn a_flood_gives_way_while_somebody_types_elsewhere_and_only_then() {
    const PACE: u64 = 128 * 1024;
    const BURST: u64 = 2 << 20;
    let server = Server::start_with(&[("CARREL_TERMINAL__FLOOD_BYTES_PER_SECOND", &PACE.to_string())]).await;
    let user = server.user().await;
    let (ours, theirs) = (user.ready_session().await, user.ready_session().await);
    let mut flood = ours.program(&["yes", "a flood"]).await;
    let window = flood.hello["window"].as_u64().unwrap();
    let mut shell = theirs.shell().await;
    let typing = tokio::spawn(async move {
        loop {
            shell.type_text("x").await;
            shell.receive(Duration::from_millis(200)).await;
        }
    });
    flood.until("its burst", PATIENCE, |flood| (flood.bytes.len() as u64 > BURST + window).then_some(())).await;
    let began = Instant::now();
    let beside = printed_in(Duration::from_secs(4), &mut flood).await;
    let most = PACE * (began.elapsed().as_millis() as u64 + 100) / 1000 + window;
    assert!((PACE..=most).contains(&beside), "{beside} bytes, at most {most}, and more than none");
    typing.abort();
    let at = flood.bytes.len();
    flood.until("full speed again", PATIENCE, |flood| (flood.bytes.len() > at + (16 << 20)).then_some(())).await;
}
