//! SessionSocket: one page looking at one session, `carrel.session.v1`.
//!
//! ```text
//!   subscribed before the handshake ──▶ open ──▶ closing (a close frame is sent) ──▶ stopped
//! ```
//!
//! **Invariants**: the first message is `hello`; a page that is too slow for some notices is sent away, and finds everything afresh when it
//! connects again. **Talks to**: the notices of its session (a bounded stream; the session does not know who listens).

use actix::{Actor, AsyncContext, Handler, StreamHandler};
use actix_web_actors::ws::{Message, ProtocolError, WebsocketContext};

use super::socket::{self, Admission, Closing, Life, Socket};
use super::socket_messages::SessionMessage;
use super::wire::{Session, Terms};
use crate::actors::api::{Missed, Subscription};
use crate::actors::describe::{ActorDescription, Describe};
use crate::model::{SessionId, SessionNotice};

/// The subprotocol.
pub const PROTOCOL: &str = "carrel.session.v1";

/// Clients say nothing but pings and a close.
pub const MAX_FRAME_BYTES: usize = 1024;

/// One WebSocket looking at a session.
#[derive(Debug)]
pub struct SessionSocket {
    session: SessionId,
    terms: Terms,
    life: Life,
    /// Taken when the actor starts.
    subscription: Option<Subscription>,
}

impl SessionSocket {
    /// A socket for a subscription that was just made.
    pub(super) fn new(session: SessionId, admission: Admission, subscription: Subscription, terms: Terms) -> Self {
        Self { session, terms, life: Life::new(admission), subscription: Some(subscription) }
    }
}

impl Socket for SessionSocket {
    fn life(&mut self) -> &mut Life {
        &mut self.life
    }
}

impl Actor for SessionSocket {
    type Context = WebsocketContext<Self>;

    /// Runs when the handshake is answered.
    fn started(&mut self, ctx: &mut Self::Context) {
        socket::begin(self, ctx);
        let Some(Subscription { session, terminals, progress, notices }) = self.subscription.take() else { return };
        let Some(session) = Session::of(session, self.terms) else {
            return socket::close(self, ctx, Closing::Gone);
        };
        self.tell(&SessionMessage::Hello { session: Box::new(session) }, ctx);
        self.tell(&SessionMessage::terminals(terminals), ctx);
        if let Some(progress) = progress {
            self.tell(&progress.into(), ctx);
        }
        ctx.add_stream(notices);
    }
}

/// What the client sends: nothing that means anything.
impl StreamHandler<Result<Message, ProtocolError>> for SessionSocket {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut Self::Context) {
        if socket::receive(self, ctx, message).is_some() {
            socket::close(self, ctx, Closing::Unsupported);
        }
    }
}

/// What happens to the session. Ends when its actor does: a client that connects again finds the next one.
impl StreamHandler<Result<SessionNotice, Missed>> for SessionSocket {
    fn handle(&mut self, notice: Result<SessionNotice, Missed>, ctx: &mut Self::Context) {
        if self.life.is_closing() {
            return;
        }
        let Ok(notice) = notice else { return socket::close(self, ctx, Closing::Stalled) };
        if notice == SessionNotice::Elsewhere {
            return socket::close(self, ctx, Closing::Elsewhere);
        }
        match SessionMessage::of(notice) {
            Some(message) => self.tell(&message, ctx),
            None => socket::close(self, ctx, Closing::Gone),
        }
    }

    /// The default would stop the actor without a word.
    fn finished(&mut self, ctx: &mut Self::Context) {
        socket::close(self, ctx, Closing::SandboxGone);
    }
}

impl Handler<Describe> for SessionSocket {
    type Result = actix::MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        actix::MessageResult(ActorDescription {
            kind: "SessionSocket",
            name: format!("{} {}", self.life.name(), self.session),
            phase: self.life.phase().to_owned(),
            generation: 1,
            handled: self.life.handled,
            refused: self.life.refused,
            queued: 0,
            failures: 0,
            ..ActorDescription::default()
        })
    }
}

impl SessionSocket {
    fn tell(&mut self, message: &SessionMessage, ctx: &mut <Self as Actor>::Context) {
        match serde_json::to_string(message) {
            Ok(text) => ctx.text(text),
            Err(error) => {
                tracing::error!(error.cause = %error, "a notice could not be written");
                socket::close(self, ctx, Closing::Internal);
            }
        }
    }
}
