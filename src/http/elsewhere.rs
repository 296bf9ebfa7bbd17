//! A WebSocket for a session that another server has: it opens, because a browser's page cannot read a refused handshake, and closes at
//! once with code 4409 and that server's address as its reason.

use actix::{Actor, ActorContext, AsyncContext, StreamHandler};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{CloseCode, CloseReason, Message, ProtocolError, WebsocketContext};

use super::error::{ApiError, Code};
use super::socket::{CLOSE_GRACE, ELSEWHERE};

/// Longest reason a close frame holds, in bytes.
const MAX_REASON_BYTES: usize = 123;

/// Frames this socket takes: nothing but a close is expected.
const MAX_FRAME_BYTES: usize = 1024;

/// What to answer when a socket's session could not be reached: `error` itself, unless that says the session is elsewhere.
///
/// # Errors
/// `error`.
pub(super) fn instead(
    error: impl Into<ApiError>,
    request: &HttpRequest,
    payload: web::Payload,
    protocol: &'static str,
) -> Result<HttpResponse, ApiError> {
    let error = error.into();
    match error.server_url() {
        Some(url) => {
            // An address that does not fit is told by any other request.
            let url = Some(url).filter(|url| url.len() <= MAX_REASON_BYTES).unwrap_or_default().to_owned();
            actix_web_actors::ws::WsResponseBuilder::new(Elsewhere { url }, request, payload)
                .protocols(&[protocol])
                .frame_size(MAX_FRAME_BYTES)
                .start()
                .map_err(|error| ApiError::because(Code::WebsocketRequired, error))
        }
        None => Err(error),
    }
}

struct Elsewhere {
    url: String,
}

impl Actor for Elsewhere {
    type Context = WebsocketContext<Self>;

    /// Runs when the handshake is answered.
    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.close(Some(CloseReason { code: CloseCode::Other(ELSEWHERE), description: Some(self.url.clone()) }));
        ctx.run_later(CLOSE_GRACE, |_, ctx| ctx.stop());
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Elsewhere {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut Self::Context) {
        if matches!(message, Ok(Message::Close(_)) | Err(_)) {
            ctx.stop();
        }
    }
}
