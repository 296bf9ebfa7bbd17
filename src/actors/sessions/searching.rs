//! A search of a live session, from its question to its end.

use std::sync::atomic::{AtomicU64, Ordering};

use carrel_protocol::{Found, Reply, Request, SearchQuery};

use super::Sessions;
use crate::actors::api::SessionError;
use crate::actors::session::WhereFilesAre;
use crate::link::{AgentLink, LinkError};
use crate::model::SessionId;

impl Sessions {
    /// Looks through the files of a session's sandbox; `None` when it has none, and so the database has all there is. A search nobody
    /// waits for any more is stopped.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn search(&self, id: SessionId, query: SearchQuery) -> Result<Option<Found>, SessionError> {
        let Some(link) = self.ask(id, || WhereFilesAre).await? else { return Ok(None) };
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let search = NEXT.fetch_add(1, Ordering::Relaxed);
        let most = query.limit as usize;
        let waiting = Waiting { link: Some(link.clone()), search };
        let answer = link.request(Request::Search { search, query }).await;
        waiting.end();
        match answer? {
            Reply::Found(found) if found.matches.len() <= most => Ok(Some(found)),
            _ => Err(LinkError::Nonsense.into()),
        }
    }
}

/// Stops a search when whoever waits for it has gone.
struct Waiting {
    link: Option<AgentLink>,
    search: u64,
}

impl Waiting {
    fn end(mut self) {
        self.link = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let (Some(link), search) = (self.link.take(), self.search) else { return };
        // While everything ends there is nothing to be spared.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            // If that fails, its time will be over soon.
            link.command(Request::StopSearch { search }).await.ok();
        });
    }
}
