//! A session's terminals: the agent keeps them, this actor knows of them.

use actix::prelude::*;
use carrel_protocol::{AgentError, ExitState, Reply, Request, TerminalInfo};
use time::OffsetDateTime;

use super::{AgentLink, Phase, SessionActor, SessionError, SessionNotice, Terminal, TerminalId};
use crate::actors::api::{Announcements, Attachment, NewTerminal};
use crate::link::LinkError;
use crate::model::terminal::{clamped, shown_name};

/// Open a terminal in a ready session. The reply comes when its program runs.
#[derive(Message)]
#[rtype(result = "Result<Terminal, SessionError>")]
pub struct OpenTerminal(pub NewTerminal);

/// Hang up a terminal and forget it. The reply comes when the agent has.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct CloseTerminal(pub TerminalId);

/// Give a terminal another name, which was checked. The reply comes when the agent keeps it.
#[derive(Message)]
#[rtype(result = "Result<Terminal, SessionError>")]
pub struct RenameTerminal {
    /// Which.
    pub terminal: TerminalId,
    /// The name.
    pub name: String,
}

/// Ask for the terminals, ended ones included, oldest first. The reply comes at once.
#[derive(Message)]
#[rtype(result = "Result<Vec<Terminal>, SessionError>")]
pub struct ListTerminals;

/// Look at a terminal. The reply comes when the agent has attached the viewer; from then on bytes go past this actor's mailbox.
#[derive(Message)]
#[rtype(result = "Result<Attachment, SessionError>")]
pub struct AttachViewer {
    /// Which terminal.
    pub terminal: TerminalId,
    /// First byte wanted; the oldest kept when there is none.
    pub since: Option<u64>,
}

impl Handler<OpenTerminal> for SessionActor {
    type Result = ResponseActFuture<Self, Result<Terminal, SessionError>>;

    fn handle(&mut self, OpenTerminal(new): OpenTerminal, _: &mut Self::Context) -> Self::Result {
        self.used();
        let link = match self.link() {
            Ok(link) => link,
            Err(error) => return Box::pin(fut::err(error)),
        };
        if self.terminals.len() + self.opening_terminals >= self.deps.config.terminal.max_terminals {
            self.tally.refused += 1;
            return Box::pin(fut::err(SessionError::TerminalLimit));
        }
        let name = new.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let name = name.map_or_else(|| self.free_name(), shown_name);
        let request = Request::OpenTerminal {
            terminal: TerminalId::new().0,
            name,
            size: clamped(new.size),
            cwd: new.cwd,
            command: new.command,
        };
        self.opening_terminals += 1;
        let opening = async move {
            match link.request(request).await {
                Ok(Reply::Opened(info)) => Ok(Terminal::from(info)),
                Ok(_) => Err(LinkError::Nonsense.into()),
                Err(LinkError::Agent(AgentError::NotFound | AgentError::WrongKind | AgentError::Refused)) => {
                    Err(SessionError::NoProgram)
                }
                Err(LinkError::Agent(AgentError::TooMany)) => Err(SessionError::TerminalLimit),
                Err(error) => Err(error.into()),
            }
        };
        Box::pin(opening.into_actor(self).map(|opened: Result<Terminal, SessionError>, actor, _| {
            actor.opening_terminals -= 1;
            if let Ok(terminal) = &opened {
                actor.terminals.insert(terminal.id, terminal.clone());
                actor.tell(SessionNotice::Terminals(actor.sorted_terminals()));
            }
            opened
        }))
    }
}

impl Handler<CloseTerminal> for SessionActor {
    type Result = ResponseActFuture<Self, Result<(), SessionError>>;

    fn handle(&mut self, CloseTerminal(id): CloseTerminal, _: &mut Self::Context) -> Self::Result {
        self.used();
        let link = match self.link_to(id) {
            Ok(link) => link,
            Err(error) => return Box::pin(fut::err(error)),
        };
        let closing = async move { Ok(link.command(Request::CloseTerminal { terminal: id.0 }).await?) };
        Box::pin(closing.into_actor(self).map(move |closed, actor, _| {
            // The agent not knowing it is as good as its being closed.
            let gone = matches!(closed, Ok(()) | Err(SessionError::NoItem));
            if gone && actor.terminals.remove(&id).is_some() {
                actor.tell(SessionNotice::Terminals(actor.sorted_terminals()));
            }
            if gone { Ok(()) } else { closed }
        }))
    }
}

impl Handler<RenameTerminal> for SessionActor {
    type Result = ResponseActFuture<Self, Result<Terminal, SessionError>>;

    fn handle(&mut self, RenameTerminal { terminal: id, name }: RenameTerminal, _: &mut Self::Context) -> Self::Result {
        self.used();
        let link = match self.link_to(id) {
            Ok(link) => link,
            Err(error) => return Box::pin(fut::err(error)),
        };
        let request = Request::RenameTerminal { terminal: id.0, name: name.clone() };
        let renaming = async move {
            link.command(request).await.map_err(|error| match error {
                LinkError::Agent(AgentError::NotFound) => SessionError::NoTerminal,
                error => error.into(),
            })
        };
        Box::pin(renaming.into_actor(self).map(move |renamed: Result<(), SessionError>, actor, _| {
            renamed?;
            // It may have been closed meanwhile.
            let terminal = actor.terminals.get_mut(&id).ok_or(SessionError::NoTerminal)?;
            terminal.name = name;
            let terminal = terminal.clone();
            actor.tell(SessionNotice::Terminals(actor.sorted_terminals()));
            Ok(terminal)
        }))
    }
}

impl Handler<ListTerminals> for SessionActor {
    type Result = Result<Vec<Terminal>, SessionError>;

    fn handle(&mut self, _: ListTerminals, _: &mut Self::Context) -> Self::Result {
        self.tally.handled += 1;
        Ok(self.sorted_terminals())
    }
}

impl Handler<AttachViewer> for SessionActor {
    type Result = ResponseFuture<Result<Attachment, SessionError>>;

    fn handle(&mut self, attach: AttachViewer, _: &mut Self::Context) -> Self::Result {
        self.used();
        let link = match self.link_to(attach.terminal) {
            Ok(link) => link,
            Err(error) => return Box::pin(async { Err(error) }),
        };
        let (window, most) = (self.deps.config.terminal.window_bytes, self.deps.config.terminal.max_viewers);
        let announcements = Announcements::new(self.announcements.subscribe());
        Box::pin(async move {
            let attached = link.attach(attach.terminal, attach.since, window, most).await;
            let attached = attached.map_err(|error| match error {
                LinkError::Agent(AgentError::NotFound) => SessionError::NoTerminal,
                error => error.into(),
            })?;
            Ok(Attachment {
                viewer: attached.viewer,
                events: attached.events,
                start: attached.start,
                end: attached.end,
                reset: attached.reset,
                window,
                terminal: attached.terminal.into(),
                announcements,
            })
        })
    }
}

impl SessionActor {
    /// The link of a ready session.
    pub(super) fn link(&self) -> Result<AgentLink, SessionError> {
        let Some(session) = &self.session else { return Err(SessionError::NotFound) };
        match &self.phase {
            Phase::Live(live) => live.link.as_deref().cloned().ok_or_else(|| LinkError::Closed.into()),
            // Its sandbox is about to be adopted, between two attempts.
            Phase::Opening if session.sandbox.is_some() => Err(LinkError::Closed.into()),
            _ => Err(SessionError::NotReady { state: session.state }),
        }
    }

    fn link_to(&self, terminal: TerminalId) -> Result<AgentLink, SessionError> {
        let link = self.link()?;
        if self.terminals.contains_key(&terminal) { Ok(link) } else { Err(SessionError::NoTerminal) }
    }

    pub(super) fn terminal_exited(&mut self, id: TerminalId, exit: ExitState) {
        if let Some(terminal) = self.terminals.get_mut(&id) {
            terminal.exit = Some(exit);
            self.tell(SessionNotice::Terminals(self.sorted_terminals()));
        }
    }

    pub(super) fn sorted_terminals(&self) -> Vec<Terminal> {
        let mut terminals: Vec<_> = self.terminals.values().cloned().collect();
        terminals.sort_by_key(|terminal| (terminal.created_at, terminal.id));
        terminals
    }

    /// "Terminal 1", "Terminal 2", …: the first that is not taken.
    fn free_name(&self) -> String {
        (1..)
            .map(|number| format!("Terminal {number}"))
            .find(|name| self.terminals.values().all(|terminal| terminal.name != *name))
            .unwrap_or_default()
    }
}

impl From<TerminalInfo> for Terminal {
    fn from(info: TerminalInfo) -> Self {
        let nanoseconds = i128::from(info.opened_at_ms) * 1_000_000;
        Self {
            id: TerminalId(info.id),
            name: shown_name(&info.name),
            size: clamped(info.size),
            pid: info.pid,
            exit: info.exit,
            created_at: OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH),
        }
    }
}
