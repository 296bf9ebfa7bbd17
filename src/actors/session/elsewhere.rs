//! Another server has taken this session over: this actor lets go and ends.
//!
//! **Invariants**: nothing is written any more (every write is fenced), and the sandbox is left as it is: no row names it, so that the sweep
//! of the server in whose engine it lies removes it. Pages are told where to go by that server's answer when they connect again.

use actix::prelude::*;

use super::{Live, Phase, SessionActor, SessionError, SessionNotice, sync};

impl SessionActor {
    /// Lets go as soon as the lease is known to be lost; to be called once, at the start.
    pub(super) fn watch_lease(&mut self, ctx: &mut Context<Self>) {
        let lease = self.lease.clone();
        let lost = async move { lease.lost().await };
        ctx.spawn(lost.into_actor(self).map(|(), actor, ctx| actor.let_go(ctx)));
    }

    fn let_go(&mut self, ctx: &mut Context<Self>) {
        tracing::warn!(session.id = %self.id, "another server has taken a session over; letting go of it");
        if let Some(sync) = &self.sync {
            // A full mailbox means writes, which the fence refuses.
            sync.try_send(sync::Disconnect).ok();
        }
        if let Phase::Live(live) | Phase::Stopping(live, _) = std::mem::replace(&mut self.phase, Phase::Closing) {
            let Live { sandbox, door, link, claim, .. } = *live;
            ctx.cancel_future(door);
            drop(link);
            sandbox.leave();
            drop(claim);
        }
        self.tell(SessionNotice::Elsewhere);
        self.resolve(&Err(SessionError::Moved));
        self.exit.normal();
        ctx.stop();
    }
}
