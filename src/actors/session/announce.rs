//! What every page is told that looks at a session of this server.

use actix::prelude::*;

use super::{Level, SessionActor, SessionNotice};

/// Tell everybody who looks at the session. The reply comes at once.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Announce {
    /// How bad it is.
    pub level: Level,
    /// In words for its user.
    pub text: String,
}

impl Handler<Announce> for SessionActor {
    type Result = ();

    fn handle(&mut self, Announce { level, text }: Announce, _: &mut Context<Self>) {
        self.tally.handled += 1;
        self.tell(SessionNotice::Message { level, text });
    }
}
