//! What runs in a session's sandbox, and ending one program of it. The agent looks; everything it says is hostile.

use actix::prelude::*;
use carrel_protocol::{AgentError, Reply, Request};

use std::collections::HashMap;

use super::{Duration, Instant, Phase, SessionActor, SessionError};
use crate::link::LinkError;
use crate::model::TerminalId;
use crate::model::process::{MAX_COMMAND_CHARS, Process};
use crate::model::session::is_control;

/// Most programs told of; a sandbox has fewer, whatever its agent says.
const MAX_PROCESSES: usize = 512;

/// The agent's process id, which is nobody's to see or stop.
const AGENT: u32 = 1;

/// Two looks closer than this are one: over shorter times CPU comes in lumps.
const SHORTEST: Duration = Duration::from_secs(1);

/// What the last look has found.
#[derive(Default)]
pub(super) struct Looks {
    at: Option<Instant>,
    /// CPU time by process id, in milliseconds.
    cpu_ms: HashMap<u32, u64>,
}

/// Ask for the programs that run. The reply comes when the agent has looked; nothing runs without a sandbox.
#[derive(Message)]
#[rtype(result = "Result<Vec<Process>, SessionError>")]
pub struct ListProcesses;

/// Ask a program to end, and end it after two seconds. The reply comes when it was asked.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct StopProcess(pub u32);

impl Handler<ListProcesses> for SessionActor {
    type Result = ResponseActFuture<Self, Result<Vec<Process>, SessionError>>;

    fn handle(&mut self, _: ListProcesses, _: &mut Self::Context) -> Self::Result {
        // Looking is no use: a page may do it every few seconds.
        self.tally.handled += 1;
        if self.session.is_none() {
            return Box::pin(fut::err(SessionError::NotFound));
        }
        if matches!(self.phase, Phase::Idle | Phase::Closing) {
            return Box::pin(fut::ok(Vec::new()));
        }
        let link = match self.link() {
            Ok(link) => link,
            Err(error) => return Box::pin(fut::err(error)),
        };
        let asking = async move {
            match link.request(Request::Processes).await? {
                Reply::Processes(list) => Ok(list),
                _ => Err(LinkError::Nonsense.into()),
            }
        };
        Box::pin(asking.into_actor(self).map(
            |listed: Result<Vec<carrel_protocol::Process>, SessionError>, actor, _| {
                let mut listed = listed?;
                listed.retain(|process| process.pid != AGENT);
                listed.truncate(MAX_PROCESSES);
                let most = 100.0 * actor.quotas().cpus;
                let percents = actor.looks.percents(&listed, Instant::now());
                let known = |terminal: &TerminalId| actor.terminals.contains_key(terminal);
                let shown = listed.into_iter().zip(percents).map(|(process, percent)| {
                    let terminal = process.terminal.map(TerminalId).filter(known);
                    shown(process, percent.min(most), terminal)
                });
                Ok(shown.collect())
            },
        ))
    }
}

impl Handler<StopProcess> for SessionActor {
    type Result = ResponseActFuture<Self, Result<(), SessionError>>;

    fn handle(&mut self, StopProcess(pid): StopProcess, _: &mut Self::Context) -> Self::Result {
        self.used();
        let link = match self.link() {
            Ok(link) => link,
            Err(SessionError::NotReady { .. }) => return Box::pin(fut::err(SessionError::NoItem)),
            Err(error) => return Box::pin(fut::err(error)),
        };
        if pid == AGENT {
            return Box::pin(fut::err(SessionError::NoItem));
        }
        let stopping = async move {
            match link.command(Request::StopProcess { pid }).await {
                Err(LinkError::Agent(AgentError::NotFound)) => Err(SessionError::NoItem),
                answer => Ok(answer?),
            }
        };
        Box::pin(stopping.into_actor(self))
    }
}

impl Looks {
    /// Per cent of one CPU that each process has taken since the last look, or since it began where that is later.
    fn percents(&mut self, listed: &[carrel_protocol::Process], now: Instant) -> Vec<f64> {
        let passed = self.at.map(|at| now.saturating_duration_since(at));
        let percent = |process: &carrel_protocol::Process| {
            let age = Duration::from_millis(process.age_ms);
            let before = self.cpu_ms.get(&process.pid).filter(|before| **before <= process.cpu_ms);
            let (used, over) = match (before, passed) {
                (Some(before), Some(passed)) if passed < age => (process.cpu_ms - before, passed),
                _ => (process.cpu_ms, age),
            };
            let percent = 100.0 * Duration::from_millis(used).as_secs_f64() / over.as_secs_f64();
            if percent.is_finite() { (percent * 10.0).round() / 10.0 } else { 0.0 }
        };
        let percents = listed.iter().map(percent).collect();
        if passed.is_none_or(|passed| passed >= SHORTEST) {
            self.at = Some(now);
            self.cpu_ms = listed.iter().map(|process| (process.pid, process.cpu_ms)).collect();
        }
        percents
    }
}

fn shown(process: carrel_protocol::Process, cpu_percent: f64, terminal: Option<TerminalId>) -> Process {
    Process {
        pid: process.pid,
        parent: process.parent,
        command: process.command.chars().filter(|c| !is_control(*c)).take(MAX_COMMAND_CHARS).collect(),
        cpu_percent,
        cpu_ms: process.cpu_ms,
        memory_bytes: process.memory_bytes,
        age_ms: process.age_ms,
        terminal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, cpu_ms: u64, age_ms: u64) -> carrel_protocol::Process {
        carrel_protocol::Process {
            pid,
            parent: 1,
            command: "x".into(),
            cpu_ms,
            memory_bytes: 0,
            age_ms,
            terminal: None,
        }
    }

    #[test]
    fn cpu_is_counted_since_the_last_look_or_since_the_beginning() {
        let (mut looks, now) = (Looks::default(), Instant::now());
        let after = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(looks.percents(&[process(7, 500, 1000), process(8, 0, 0)], now), [50.0, 0.0]);
        // Two seconds later: one went on, one is new, one has the number of an earlier one.
        let later = [process(7, 2500, 3000), process(9, 300, 1000), process(8, 0, 1)];
        assert_eq!(looks.percents(&later, after(2)), [100.0, 30.0, 0.0]);
        // Somebody else looks at once: counted from the same look, not from the one just before.
        let at_once = after(2) + Duration::from_millis(100);
        assert_eq!(looks.percents(&[process(7, 2500, 3100)], at_once), [0.0]);
        assert_eq!(looks.percents(&[process(7, 4500, 5000)], after(4)), [100.0]);
        assert_eq!(looks.percents(&[process(7, 0, u64::MAX)], after(6)), [0.0]);
    }

    #[test]
    fn a_command_line_cannot_steer_the_page() {
        let hostile =
            carrel_protocol::Process { command: format!("a\u{1b}[2J\u{202e}{}", "b".repeat(999)), ..process(7, 0, 0) };
        let shown = shown(hostile, 0.0, None);
        assert!(shown.command.starts_with("a[2Jb") && shown.command.chars().count() == 256, "{}", shown.command);
    }
}
