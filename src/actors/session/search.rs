//! Searching a live sandbox's files: the agent looks, at the lowest priority; this actor only says which agent.

use actix::prelude::*;

use super::{Phase, SessionActor, SessionError};
use crate::link::AgentLink;

/// Ask whose files are to be searched. The reply comes at once: the agent of the sandbox; `None` when there is no sandbox, and so the
/// database has all there is.
#[derive(Message)]
#[rtype(result = "Result<Option<AgentLink>, SessionError>")]
pub struct WhereFilesAre;

impl Handler<WhereFilesAre> for SessionActor {
    type Result = ResponseFuture<Result<Option<AgentLink>, SessionError>>;

    fn handle(&mut self, _: WhereFilesAre, _: &mut Self::Context) -> Self::Result {
        self.used();
        let place = match self.link() {
            Ok(link) => Ok(Some(link)),
            // What a sandbox holds that is starting is in the database as well; one that is going is writing there still.
            Err(SessionError::NotReady { .. }) if !matches!(self.phase, Phase::Stopping(..)) => Ok(None),
            Err(error) => Err(error),
        };
        Box::pin(async { place })
    }
}
