//! What all WebSockets share: who may open one, and how it lives and ends.
//!
//! ```text
//!   request ──▶ own origin? 403 ──▶ signed in? 401 ──▶ may see it? 404 ──▶ handshake with our subprotocol? 400 ──▶ open
//!   open ──▶ closing: a close frame is sent, everything that arrives is ignored ──▶ stopped: the client has answered, or had its time
//! ```

use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, AsyncContext, Handler};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{self, CloseCode, CloseReason, Message, ProtocolError, WebsocketContext};

use super::error::{ApiError, Code};
use super::origin;
use super::signed_in::SignedIn;
use super::sockets::Place;
use super::state::HttpState;
use crate::accounts::LoginEnd;
use crate::actors::describe::Describe;

/// How long a client may take to answer a close frame.
pub(super) const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// The close code that says that another server has the session.
pub(super) const ELSEWHERE: u16 = 4409;

/// Pings that may stay unanswered.
const MISSED_PINGS: u32 = 3;

/// Pings, pongs and resizes a client may send per second; a window that is dragged makes 60.
const MAX_CONTROLS_PER_SECOND: u32 = 200;

/// Why a socket is closed: code and reason of its close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// The terminal was closed.
    TerminalClosed,
    /// The server is going away.
    GoingAway,
    /// The client broke the protocol.
    Protocol(&'static str),
    /// The client sent a kind of frame that has no meaning here.
    Unsupported,
    /// A text frame that is not UTF-8.
    Invalid,
    /// More control frames than anybody needs.
    Flood,
    /// A frame over the limit.
    TooLarge,
    /// The login has ended.
    LoginEnded,
    /// The session is gone.
    Gone,
    /// The viewer did not keep up.
    Stalled,
    /// The sandbox is not connected; connecting again may help.
    SandboxGone,
    /// Another server has the session; connecting again tells which.
    Elsewhere,
    /// A fault of ours.
    Internal,
}

impl Closing {
    fn reason(self) -> CloseReason {
        let (code, text) = match self {
            Self::TerminalClosed => (CloseCode::Normal, "the terminal was closed"),
            Self::GoingAway => (CloseCode::Away, "the server is going away"),
            Self::Protocol(what) => (CloseCode::Protocol, what),
            Self::Unsupported => (CloseCode::Unsupported, "this kind of frame has no meaning here"),
            Self::Invalid => (CloseCode::Invalid, "not UTF-8"),
            Self::Flood => (CloseCode::Policy, "too many control frames"),
            Self::TooLarge => (CloseCode::Size, "the frame is too large"),
            Self::Internal => (CloseCode::Error, "something went wrong on our side"),
            Self::LoginEnded => (CloseCode::Other(4401), "the login has ended"),
            Self::Gone => (CloseCode::Other(4404), "the session is gone"),
            Self::Stalled => (CloseCode::Other(4408), "the viewer did not keep up"),
            Self::SandboxGone => (CloseCode::Other(4503), "the sandbox is not connected"),
            Self::Elsewhere => (CloseCode::Other(ELSEWHERE), ""),
        };
        CloseReason { code, description: Some(text.to_owned()) }
    }
}

/// What an open socket needs to live, taken before the handshake is answered.
#[derive(Debug)]
pub(super) struct Admission {
    place: Place,
    end: LoginEnd,
    ping: Duration,
}

/// Lets a signed-in user open a socket. To be called after they were found to have a right to what it shows.
///
/// # Errors
/// [`Code::WebsocketRequired`], or what [`super::sockets::Sockets::admit`] and a login that has just ended come to.
pub(super) async fn admit(
    request: &HttpRequest,
    state: &HttpState,
    who: &SignedIn,
    protocol: &'static str,
) -> Result<Admission, ApiError> {
    // The middleware has checked it for everything that looks like a handshake; this holds for what does not, too.
    origin::require_own(request)?;
    let answer = ws::handshake_with_protocols(request, &[protocol]);
    let mut answer = answer.map_err(|error| ApiError::because(Code::WebsocketRequired, error))?;
    if !answer.finish().headers().contains_key("sec-websocket-protocol") {
        let detail = format!("The subprotocol {protocol} is needed here.");
        return Err(ApiError::because(Code::WebsocketRequired, detail));
    }
    let place = state.sockets.admit(who.user.id, protocol)?;
    let end = state.accounts.listen(who.login);
    // It may have ended between the first look and our listening.
    if state.accounts.by_token(&who.token).await?.is_none() {
        return Err(ApiError::new(Code::Unauthenticated));
    }
    Ok(Admission { place, end, ping: Duration::from_secs(state.config.terminal.ping_seconds) })
}

/// Answers the handshake and starts `actor`.
///
/// # Errors
/// [`Code::WebsocketRequired`].
pub(super) fn start<A: Socket>(
    actor: A,
    request: &HttpRequest,
    payload: web::Payload,
    protocol: &'static str,
    max_frame_bytes: usize,
) -> Result<HttpResponse, ApiError> {
    ws::WsResponseBuilder::new(actor, request, payload)
        .protocols(&[protocol])
        .frame_size(max_frame_bytes)
        .start()
        .map_err(|error| ApiError::because(Code::WebsocketRequired, error))
}

/// An actor behind a WebSocket.
pub(super) trait Socket:
    Actor<Context = WebsocketContext<Self>> + Handler<Describe> + actix::StreamHandler<Result<Message, ProtocolError>>
{
    /// Its life.
    fn life(&mut self) -> &mut Life;
}

/// How an open socket stands.
#[derive(Debug)]
pub(super) struct Life {
    admission: Option<Admission>,
    place: Option<Place>,
    last_heard: Instant,
    second: Instant,
    controls: u32,
    closing: bool,
    /// Frames handled, for descriptions.
    pub(super) handled: u64,
    /// Requests refused, for descriptions.
    pub(super) refused: u64,
}

impl Life {
    /// Of a socket that is about to open.
    pub(super) fn new(admission: Admission) -> Self {
        let now = Instant::now();
        Self {
            admission: Some(admission),
            place: None,
            last_heard: now,
            second: now,
            controls: 0,
            closing: false,
            handled: 0,
            refused: 0,
        }
    }

    /// Whether a close frame was sent: nothing that arrives counts any more.
    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    /// The socket's name in descriptions.
    pub(super) fn name(&self) -> String {
        self.place.as_ref().map(|place| place.id().to_string()).unwrap_or_default()
    }

    /// In which phase it is, for descriptions.
    pub(super) fn phase(&self) -> &'static str {
        if self.closing { "closing" } else { "open" }
    }

    /// Counts a control frame; `false` when it is one too many.
    pub(super) fn count_control(&mut self) -> bool {
        let now = Instant::now();
        if now.duration_since(self.second) >= Duration::from_secs(1) {
            self.second = now;
            self.controls = 0;
        }
        self.controls += 1;
        self.controls <= MAX_CONTROLS_PER_SECOND
    }
}

/// To be called when the actor has started: heartbeat, end of the login, end of the server.
pub(super) fn begin<A: Socket>(actor: &mut A, ctx: &mut A::Context) {
    let Some(Admission { place, mut end, ping }) = actor.life().admission.take() else { return };
    place.settle(ctx.address().recipient());
    let mut going = place.closing();
    actor.life().place = Some(place);
    ctx.run_interval(ping, move |actor, ctx| heartbeat(actor, ctx, ping));
    let told = async move {
        tokio::select! {
            () = end.ended() => Closing::LoginEnded,
            _ = going.wait_for(|going| *going) => Closing::GoingAway,
        }
    };
    ctx.spawn(actix::fut::ActorFutureExt::map(actix::fut::wrap_future::<_, A>(told), |why, actor, ctx| {
        close(actor, ctx, why);
    }));
}

fn heartbeat<A: Socket>(actor: &mut A, ctx: &mut A::Context, ping: Duration) {
    if actor.life().last_heard.elapsed() > ping * MISSED_PINGS {
        ctx.stop();
    } else if !actor.life().closing {
        ctx.ping(b"");
    }
}

/// Sends a close frame and gives the client a moment to answer it.
pub(super) fn close<A: Socket>(actor: &mut A, ctx: &mut A::Context, why: Closing) {
    if std::mem::replace(&mut actor.life().closing, true) {
        return;
    }
    ctx.close(Some(why.reason()));
    ctx.run_later(CLOSE_GRACE, |_, ctx| ctx.stop());
}

/// Deals with everything that is the same for all sockets; gives back what is for this one.
pub(super) fn receive<A: Socket>(
    actor: &mut A,
    ctx: &mut A::Context,
    message: Result<Message, ProtocolError>,
) -> Option<Message> {
    let life = actor.life();
    life.last_heard = Instant::now();
    life.handled += 1;
    match message {
        Ok(Message::Close(_)) => {
            if !life.closing {
                ctx.close(None);
            }
            ctx.stop();
            None
        }
        Err(error) => {
            // The decoder stands still at what it could not read and would report it for ever.
            ctx.cancel_future(ctx.handle());
            close(actor, ctx, broken(&error));
            None
        }
        Ok(_) if life.closing => None,
        Ok(Message::Ping(payload)) => {
            if life.count_control() {
                ctx.pong(&payload);
            } else {
                close(actor, ctx, Closing::Flood);
            }
            None
        }
        Ok(Message::Pong(_)) => {
            if !life.count_control() {
                close(actor, ctx, Closing::Flood);
            }
            None
        }
        Ok(Message::Nop) => None,
        Ok(Message::Continuation(_)) => {
            close(actor, ctx, Closing::Protocol("fragmented messages are not taken"));
            None
        }
        Ok(message @ (Message::Text(_) | Message::Binary(_))) => Some(message),
    }
}

fn broken(error: &ProtocolError) -> Closing {
    match error {
        ProtocolError::Overflow => Closing::TooLarge,
        // What actix makes of text that is not UTF-8, and of a connection that broke: nobody is left to read the code then.
        ProtocolError::Io(_) => Closing::Invalid,
        _ => Closing::Protocol("malformed frame"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_are_those_of_the_document() {
        for (closing, code) in [
            (Closing::TerminalClosed, 1000),
            (Closing::GoingAway, 1001),
            (Closing::Protocol("x"), 1002),
            (Closing::Unsupported, 1003),
            (Closing::Invalid, 1007),
            (Closing::Flood, 1008),
            (Closing::TooLarge, 1009),
            (Closing::Internal, 1011),
            (Closing::LoginEnded, 4401),
            (Closing::Gone, 4404),
            (Closing::Stalled, 4408),
            (Closing::SandboxGone, 4503),
            (Closing::Elsewhere, 4409),
        ] {
            assert_eq!(u16::from(closing.reason().code), code, "{closing:?}");
        }
    }

    #[test]
    fn what_the_decoder_refuses_has_its_code() {
        for (error, closing) in [
            (ProtocolError::Overflow, Closing::TooLarge),
            (ProtocolError::UnmaskedFrame, Closing::Protocol("malformed frame")),
            (ProtocolError::BadOpCode, Closing::Protocol("malformed frame")),
        ] {
            assert_eq!(broken(&error), closing, "{error}");
        }
    }
}
