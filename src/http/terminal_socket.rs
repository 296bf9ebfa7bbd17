//! TerminalSocket: one browser looking at one terminal, `carrel.terminal.v1`.
//!
//! ```text
//!   attached before the handshake ──▶ open ──▶ closing (a close frame is sent) ──▶ stopped; dropping the viewer detaches
//! ```
//!
//! **Invariants**: output is queued only as far as the viewer's window allows, for the agent sends no more and the link checks that; input is
//! passed on exactly once and in order ([`InputFlow`]); a flood gives way to those who type elsewhere ([`OutputPace`]); nothing from a client is trusted beyond its frame's length.
//! **Talks to**: its [`Viewer`] (holds it; the terminal lives on without). Held by nobody; [`Sockets`](super::sockets::Sockets) has a
//! recipient to ask it what it does.

use std::sync::Arc;
use std::time::Instant;

use actix::{Actor, AsyncContext, Handler, StreamHandler};
use actix_web_actors::ws::{Message, ProtocolError, WebsocketContext};
use bytes::Bytes;
use carrel_protocol::{DetachReason, ViewerEvent};

use super::socket::{self, Admission, Closing, Life, Socket};
use super::socket_messages::Control;
use super::terminal_frames::{self, ClientFrame};
use super::terminal_input::InputFlow;
use super::terminal_pace::{self, OutputPace};
use super::typists::Typists;
use crate::actors::api::{Announcements, Attachment};
use crate::actors::describe::{ActorDescription, Describe};
use crate::config::TerminalConfig;
use crate::link::{InputRefused, Viewer, ViewerEvents};
use crate::model::{Announcement, SessionId, TerminalId};

/// The subprotocol.
pub const PROTOCOL: &str = "carrel.terminal.v1";

/// One WebSocket looking at a terminal.
#[derive(Debug)]
pub struct TerminalSocket {
    session: SessionId,
    terminal: TerminalId,
    life: Life,
    viewer: Viewer,
    input: InputFlow,
    pace: OutputPace,
    /// Whether a look at what the pace holds back is due.
    pacing: bool,
    typists: Arc<Typists>,
    /// Sent when the actor starts.
    hello: Control,
    /// Both taken when the actor starts.
    events: Option<ViewerEvents>,
    announcements: Option<Announcements>,
}

impl TerminalSocket {
    /// A socket for an attachment that was just made.
    pub(super) fn new(
        session: SessionId,
        admission: Admission,
        attachment: Attachment,
        typists: Arc<Typists>,
        config: &TerminalConfig,
    ) -> Self {
        let Attachment { viewer, events, start, end, reset, window, terminal, announcements } = attachment;
        let size = terminal.size;
        Self {
            session,
            terminal: terminal.id,
            life: Life::new(admission),
            viewer,
            input: InputFlow::default(),
            pace: OutputPace::new(config.flood_bytes_per_second, config.ring_bytes, start, Instant::now()),
            pacing: false,
            typists,
            hello: Control::Hello {
                seq: start,
                end,
                cols: size.cols,
                rows: size.rows,
                name: terminal.name,
                window,
                reset,
            },
            events: Some(events),
            announcements: Some(announcements),
        }
    }
}

impl Socket for TerminalSocket {
    fn life(&mut self) -> &mut Life {
        &mut self.life
    }
}

impl Actor for TerminalSocket {
    type Context = WebsocketContext<Self>;

    /// Runs when the handshake is answered.
    fn started(&mut self, ctx: &mut Self::Context) {
        socket::begin(self, ctx);
        self.tell(&self.hello.clone(), ctx);
        if let Control::Hello { reset: true, seq, .. } = self.hello {
            self.tell(&Control::Reset { seq }, ctx);
        }
        if let Some(events) = self.events.take() {
            ctx.add_stream(events);
        }
        if let Some(announcements) = self.announcements.take() {
            ctx.add_stream(announcements);
        }
    }
}

/// What the client sends.
impl StreamHandler<Result<Message, ProtocolError>> for TerminalSocket {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut Self::Context) {
        match socket::receive(self, ctx, message) {
            Some(Message::Binary(frame)) => match ClientFrame::parse(frame) {
                Ok(frame) => self.obey(frame, ctx),
                Err(_) => socket::close(self, ctx, Closing::Protocol("malformed frame")),
            },
            Some(_) => socket::close(self, ctx, Closing::Unsupported),
            None => {}
        }
    }
}

/// What the terminal sends. Ends with the link to the sandbox.
impl StreamHandler<ViewerEvent> for TerminalSocket {
    fn handle(&mut self, event: ViewerEvent, ctx: &mut Self::Context) {
        if self.life.is_closing() {
            return;
        }
        match event {
            ViewerEvent::Output { seq, bytes } => {
                self.pace.sent(seq + bytes.len() as u64);
                ctx.binary(terminal_frames::output(seq, &bytes));
            }
            ViewerEvent::InputTaken { total } => {
                if let Some(control) = self.input.taken(total) {
                    self.tell(&control, ctx);
                }
            }
            ViewerEvent::Resized(size) => self.tell(&size.into(), ctx),
            ViewerEvent::Exited(exit) => self.tell(&exit.into(), ctx),
            ViewerEvent::Detached(DetachReason::Stalled) => socket::close(self, ctx, Closing::Stalled),
            ViewerEvent::Detached(DetachReason::Closed) => socket::close(self, ctx, Closing::TerminalClosed),
        }
    }

    /// The default would stop the actor without a word.
    fn finished(&mut self, ctx: &mut Self::Context) {
        socket::close(self, ctx, Closing::SandboxGone);
    }
}

/// What the session has to say to all who look.
impl StreamHandler<Announcement> for TerminalSocket {
    fn handle(&mut self, announcement: Announcement, ctx: &mut Self::Context) {
        if !self.life.is_closing() {
            self.tell(&announcement.into(), ctx);
        }
    }

    /// The session's actor has ended; so does the link, and its end closes the socket.
    fn finished(&mut self, _: &mut Self::Context) {}
}

impl Handler<Describe> for TerminalSocket {
    type Result = actix::MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        actix::MessageResult(ActorDescription {
            kind: "TerminalSocket",
            name: format!("{} {} {}", self.life.name(), self.session, self.terminal),
            phase: if self.pace.holds() { "paced" } else { self.life.phase() }.to_owned(),
            generation: 1,
            handled: self.life.handled,
            refused: self.life.refused,
            queued: usize::try_from(self.viewer.pending_input()).unwrap_or(usize::MAX),
            failures: 0,
            ..ActorDescription::default()
        })
    }
}

impl TerminalSocket {
    fn obey(&mut self, frame: ClientFrame, ctx: &mut <Self as Actor>::Context) {
        match frame {
            ClientFrame::Input(bytes) => self.pass_on(bytes, ctx),
            ClientFrame::Ack(offset) => {
                self.pace.acknowledged(offset);
                self.acknowledge(ctx);
            }
            ClientFrame::Resize(size) if self.life.count_control() => self.viewer.resize(size),
            ClientFrame::Resize(_) => socket::close(self, ctx, Closing::Flood),
            ClientFrame::Resume(offset) => {
                if self.input.resumed(offset).is_err() {
                    socket::close(self, ctx, Closing::Protocol("resumed at the wrong offset"));
                }
            }
        }
    }

    fn pass_on(&mut self, bytes: Bytes, ctx: &mut <Self as Actor>::Context) {
        if bytes.is_empty() || !self.input.is_open() {
            return;
        }
        let length = bytes.len();
        match self.viewer.try_input(bytes) {
            Ok(()) => {
                self.input.accepted(length);
                self.typists.typed(self.terminal, Instant::now());
            }
            Err(InputRefused::Busy) => {
                self.life.refused += 1;
                let busy = self.input.refused();
                self.tell(&busy, ctx);
            }
            // The end of the events, which comes next, closes the socket.
            Err(InputRefused::Gone) => {}
        }
    }

    /// Lets the terminal print on as far as its viewer has come and the pace allows.
    fn acknowledge(&mut self, ctx: &mut <Self as Actor>::Context) {
        let now = Instant::now();
        if let Some(offset) = self.pace.pass(now, self.typists.elsewhere(self.terminal, now)) {
            self.viewer.ack(offset);
        }
        if self.pace.holds() && !self.pacing {
            self.pacing = true;
            ctx.run_later(terminal_pace::STEP, |socket, ctx| {
                socket.pacing = false;
                socket.acknowledge(ctx);
            });
        }
    }

    fn tell(&mut self, control: &Control, ctx: &mut <Self as Actor>::Context) {
        match terminal_frames::control(control) {
            Ok(frame) => ctx.binary(frame),
            Err(error) => {
                tracing::error!(error.cause = %error, "a control frame could not be written");
                socket::close(self, ctx, Closing::Internal);
            }
        }
    }
}
