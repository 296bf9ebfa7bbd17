//! What runs in a session's sandbox, and ending one program of it. The agent looks; everything it says is hostile.

use actix::prelude::*;
use carrel_protocol::{AgentError, Reply, Request};

use super::{Phase, SessionActor, SessionError};
use crate::link::LinkError;
use crate::model::process::{MAX_COMMAND_CHARS, Process};
use crate::model::session::is_control;

/// Most programs told of; a sandbox has fewer, whatever its agent says.
const MAX_PROCESSES: usize = 512;

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
        self.used();
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
        Box::pin(asking.into_actor(self).map(|listed: Result<Vec<carrel_protocol::Process>, SessionError>, _, _| {
            let listed = listed?.into_iter().filter(|process| process.pid != 1).take(MAX_PROCESSES);
            Ok(listed.map(shown).collect())
        }))
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
        let stopping = async move {
            match link.command(Request::StopProcess { pid }).await {
                Err(LinkError::Agent(AgentError::NotFound)) => Err(SessionError::NoItem),
                answer => Ok(answer?),
            }
        };
        Box::pin(stopping.into_actor(self))
    }
}

fn shown(process: carrel_protocol::Process) -> Process {
    Process {
        pid: process.pid,
        parent: process.parent,
        command: process.command.chars().filter(|c| !is_control(*c)).take(MAX_COMMAND_CHARS).collect(),
        cpu_percent: 0.0,
        cpu_ms: process.cpu_ms,
        memory_bytes: process.memory_bytes,
        age_ms: process.age_ms,
        terminal: None,
    }
}
