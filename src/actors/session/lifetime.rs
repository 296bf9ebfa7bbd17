//! How long a session runs: whether it is used, what it takes, and its end when nobody needs it any more.

use actix::prelude::*;

use super::{Phase, Session, SessionActor, SessionError};

/// Keep it: counts as use, and puts an announced end off. The reply comes at once.
#[derive(Message)]
#[rtype(result = "Result<Session, SessionError>")]
pub struct ExtendSession;

impl Handler<ExtendSession> for SessionActor {
    type Result = Result<Session, SessionError>;

    fn handle(&mut self, _: ExtendSession, _: &mut Self::Context) -> Self::Result {
        self.used();
        let session = self.session.clone().ok_or(SessionError::NotFound)?;
        match self.phase {
            Phase::Live(_) => Ok(session),
            _ => Err(SessionError::NotReady { state: session.state }),
        }
    }
}
