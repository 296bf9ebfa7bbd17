//! What of a session's sandbox is not kept.

use actix::prelude::*;

use super::{SessionActor, SessionError};
use crate::model::unkept::UnkeptList;

/// Ask what the sandbox holds and the database does not. The reply comes at once; without a sandbox that is nothing.
#[derive(Message)]
#[rtype(result = "Result<UnkeptList, SessionError>")]
pub struct ListUnkept;

impl Handler<ListUnkept> for SessionActor {
    type Result = Result<UnkeptList, SessionError>;

    fn handle(&mut self, _: ListUnkept, _: &mut Self::Context) -> Self::Result {
        // Looking is no use: a page does it by itself.
        self.tally.handled += 1;
        if self.session.is_none() {
            return Err(SessionError::NotFound);
        }
        Ok(if self.live().is_some() { self.unkept.list() } else { UnkeptList::default() })
    }
}
