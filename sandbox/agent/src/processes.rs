//! What runs in the sandbox, read from `/proc`.

use std::collections::BTreeMap;
use std::fs;

use carrel_protocol::Process;
use rustix::process::{Pid, Signal, getpid, kill_process};
use uuid::Uuid;

/// Most processes listed: above any sensible process limit of a sandbox.
const MAX_PROCESSES: usize = 512;

/// Longest command line told, in bytes.
const MAX_COMMAND_BYTES: usize = 256;

/// What was read of every process, by its id.
type Stats = BTreeMap<u32, Stat>;

/// The fields of `/proc/PID/stat` that matter here.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    state: u8,
    parent: u32,
    session: u32,
    cpu_ticks: u64,
    /// CPU time of children that have ended and were waited for.
    ended_ticks: u64,
    threads: u64,
    start_ticks: u64,
    pages: u64,
}

/// What all processes of the sandbox take together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// CPU time, that of ended children included, in milliseconds.
    pub cpu_ms: u64,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// Processes and threads beside the agent's.
    pub tasks: u64,
    /// The agent's own.
    pub own_tasks: u64,
}

/// Adds up what the agent and everything it has started take.
#[must_use]
pub fn sum() -> Sum {
    let (stats, me) = (stats(), std::process::id());
    let page_bytes = system(libc::_SC_PAGESIZE, 4096);
    let others = others_among(&stats);
    let mut sum = Sum { own_tasks: stats.get(&me).map_or(0, |stat| stat.threads), ..Sum::default() };
    for stat in others.iter().chain([&me]).filter_map(|pid| stats.get(pid)) {
        sum.cpu_ms = sum.cpu_ms.saturating_add(milliseconds(stat.cpu_ticks.saturating_add(stat.ended_ticks)));
        sum.memory_bytes = sum.memory_bytes.saturating_add(stat.pages.saturating_mul(page_bytes));
        sum.tasks = sum.tasks.saturating_add(stat.threads);
    }
    sum.tasks = sum.tasks.saturating_sub(sum.own_tasks);
    sum
}

/// When a living process of the sandbox was started, in ticks since the machine was; `None` for the agent, and for what is not ours.
#[must_use]
pub fn started(pid: u32) -> Option<u64> {
    let stats = stats();
    others_among(&stats).contains(&pid).then(|| stats.get(&pid)).flatten().map(|stat| stat.start_ticks)
}

/// The processes that can be seen, in order of their ids. `terminals` are the sessions' leaders and whose they are.
#[must_use]
pub fn list(terminals: &[(u32, Uuid)]) -> Vec<Process> {
    let page_bytes = system(libc::_SC_PAGESIZE, 4096);
    let uptime_ms = fs::read_to_string("/proc/uptime")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok())
        .map_or(0, |seconds| std::time::Duration::from_secs_f64(seconds.max(0.0)).as_millis());
    let uptime_ms = u64::try_from(uptime_ms).unwrap_or(u64::MAX);
    let stats = stats();
    let terminal = |pid: u32| {
        let ancestors = std::iter::successors(stats.get(&pid), |stat| stats.get(&stat.parent));
        let of = |stat: &Stat| terminals.iter().find(|(leader, _)| *leader == stat.session).map(|(_, id)| *id);
        // Bounded: parents read at different moments might form a ring.
        ancestors.take(stats.len()).find_map(of)
    };
    let describe = |(pid, stat): (&u32, &Stat)| Process {
        pid: *pid,
        parent: stat.parent,
        command: command(*pid).unwrap_or_else(|| format!("[{}]", stat.name)),
        cpu_ms: milliseconds(stat.cpu_ticks),
        memory_bytes: stat.pages.saturating_mul(page_bytes),
        age_ms: uptime_ms.saturating_sub(milliseconds(stat.start_ticks)),
        terminal: terminal(*pid),
    };
    stats.iter().filter(|(_, stat)| lives(stat)).take(MAX_PROCESSES).map(describe).collect()
}

/// Sends signals to every process of a session.
pub fn signal_session(session: u32, signals: &[Signal]) {
    for pid in pids() {
        if read_stat(pid).is_none_or(|stat| stat.session != session) {
            continue;
        }
        let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { continue };
        for signal in signals {
            // It may have ended by now.
            let _ = kill_process(pid, *signal);
        }
    }
}

/// Whether anything but the agent still runs in the sandbox.
#[must_use]
pub fn others_run() -> bool {
    !others().is_empty()
}

/// Sends signals to everything in the sandbox but the agent.
pub fn signal_others(signals: &[Signal]) {
    if getpid().is_init() {
        for signal in signals {
            // SAFETY: takes plain numbers. As init of a namespace this reaches all in it but ourselves, and at one blow, so that
            // nothing can fork its way around it.
            unsafe { libc::kill(-1, signal.as_raw()) };
        }
        return;
    }
    for pid in others() {
        let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { continue };
        for signal in signals {
            let _ = kill_process(pid, *signal);
        }
    }
}

/// What lives in the sandbox beside the agent: as init everything, as an ordinary process our descendants, whose orphans are ours too.
fn others() -> Vec<u32> {
    others_among(&stats())
}

fn others_among(stats: &Stats) -> Vec<u32> {
    let me = std::process::id();
    let is_ours = |pid: u32| {
        let ancestors = std::iter::successors(stats.get(&pid), |stat| stats.get(&stat.parent));
        // Bounded: parents read at different moments might form a ring.
        me == 1 || ancestors.take(stats.len()).any(|stat| stat.parent == me)
    };
    stats.iter().filter(|(pid, stat)| **pid != me && lives(stat) && is_ours(**pid)).map(|(pid, _)| *pid).collect()
}

/// Whether it has not ended: a leader that has may still have threads that run.
fn lives(stat: &Stat) -> bool {
    !matches!(stat.state, b'Z' | b'X') || stat.threads > 1
}

fn stats() -> Stats {
    pids().into_iter().filter_map(|pid| Some((pid, read_stat(pid)?))).collect()
}

fn milliseconds(ticks: u64) -> u64 {
    ticks.saturating_mul(1000) / system(libc::_SC_CLK_TCK, 100)
}

fn pids() -> Vec<u32> {
    let Ok(folder) = fs::read_dir("/proc") else { return Vec::new() };
    folder.filter_map(|item| item.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn read_stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// A process may call itself `) R 1 1 1`, so the name ends at the *last* parenthesis.
fn parse_stat(text: &[u8]) -> Option<Stat> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let name = String::from_utf8_lossy(text.get(open + 1..close)?).into_owned();
    let rest = std::str::from_utf8(text.get(close + 1..)?).ok()?;
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    // The first is field 3 of proc(5).
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let small = |field| number(field).and_then(|number| u32::try_from(number).ok());
    Some(Stat {
        name,
        state: *fields.first()?.as_bytes().first()?,
        parent: small(4)?,
        session: small(6)?,
        cpu_ticks: number(14)?.saturating_add(number(15)?),
        ended_ticks: number(16)?.saturating_add(number(17)?),
        threads: number(20)?,
        start_ticks: number(22)?,
        pages: number(24)?,
    })
}

fn command(pid: u32) -> Option<String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    // Every invalid byte becomes three, so the text is cut once more.
    fs::File::open(format!("/proc/{pid}/cmdline")).ok()?.take(MAX_COMMAND_BYTES as u64).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    let mut text = text.trim_end().to_owned();
    let mut end = text.len().min(MAX_COMMAND_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    (!text.is_empty()).then_some(text)
}

fn system(name: libc::c_int, otherwise: u64) -> u64 {
    // SAFETY: takes and returns plain numbers.
    let value = unsafe { libc::sysconf(name) };
    u64::try_from(value).ok().filter(|value| *value > 0).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_cannot_lie_about_its_numbers_by_its_name() {
        let line = b"42 (x) R 9 9 9) S 7 42 41 0 -1 0 0 0 0 0 11 22 0 0 20 0 1 0 333 4096 55 0 0";
        let expected = Stat {
            name: "x) R 9 9 9".to_owned(),
            state: b'S',
            parent: 7,
            session: 41,
            cpu_ticks: 33,
            ended_ticks: 0,
            threads: 1,
            start_ticks: 333,
            pages: 55,
        };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat(b"42 (short) S 7"), None);
        assert_eq!(parse_stat(b"nothing"), None);
    }

    #[test]
    fn a_process_belongs_to_the_terminal_its_session_or_an_ancestor_has() {
        let me = std::process::id();
        let own = read_stat(me).expect("readable");
        let terminal = Uuid::from_u128(7);
        let found = |leaders: &[(u32, Uuid)]| {
            list(leaders).into_iter().find(|process| process.pid == me).and_then(|process| process.terminal)
        };
        assert_eq!(found(&[(own.session, terminal)]), Some(terminal));
        assert_eq!(found(&[(u32::MAX, terminal)]), None);
    }

    #[test]
    fn the_agent_and_strangers_are_nobody_to_be_stopped() {
        assert_eq!((started(std::process::id()), started(u32::MAX)), (None, None));
    }

    #[test]
    fn this_very_process_is_listed() {
        let me = std::process::id();
        let found = list(&[]).into_iter().find(|process| process.pid == me).expect("listed");
        assert!(found.memory_bytes > 0 && found.command.contains("carrel_agent"), "{found:?}");
    }
}
