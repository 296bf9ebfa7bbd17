//! Who serves which session, and whose sandbox is whose. Written by supervisors and sessions, read by everybody.

use actix::{Addr, WeakAddr};
use dashmap::DashMap;

use super::quarantine::Quarantine;
use super::session::SessionActor;
use super::sync::WorkspaceSyncActor;
use super::watch::Watch;
use crate::model::{SandboxId, SessionId};

/// The living.
#[derive(Default)]
pub struct Registry {
    sessions: DashMap<SessionId, Entry>,
    sandboxes: DashMap<SandboxId, SessionId>,
    /// Their WorkspaceSyncActors; weak, for each belongs to its session alone.
    workspaces: DashMap<SessionId, (WeakAddr<WorkspaceSyncActor>, Watch)>,
    /// What is kept from whom.
    pub quarantine: Quarantine,
}

/// One served session.
#[derive(Clone)]
pub struct Entry {
    /// Its actor; may have stopped a moment ago.
    pub addr: Addr<SessionActor>,
    /// Which replacement of that actor it is.
    pub generation: u64,
    /// What is known of its requests.
    pub watch: Watch,
}

impl Registry {
    /// The actor of a session, if one lives.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<Addr<SessionActor>> {
        self.sessions.get(&id).map(|entry| entry.addr.clone()).filter(Addr::connected)
    }

    /// What is known of the requests to a session's actor.
    #[must_use]
    pub fn watch(&self, id: SessionId) -> Option<Watch> {
        self.sessions.get(&id).map(|entry| entry.watch.clone())
    }

    /// What is known of the requests to a session's WorkspaceSyncActor.
    #[must_use]
    pub fn workspace_watch(&self, id: SessionId) -> Option<Watch> {
        self.workspaces.get(&id).map(|entry| entry.1.clone())
    }

    /// The WorkspaceSyncActors that live.
    #[must_use]
    pub fn workspaces(&self) -> Vec<(SessionId, Addr<WorkspaceSyncActor>)> {
        self.workspaces.iter().filter_map(|entry| Some((*entry.key(), entry.0.upgrade()?))).collect()
    }

    /// Every session served now.
    #[must_use]
    pub fn sessions(&self) -> Vec<(SessionId, Entry)> {
        self.sessions.iter().map(|entry| (*entry.key(), entry.value().clone())).collect()
    }

    /// How many sessions are served.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether no session is served.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// The session that has claimed a sandbox.
    #[must_use]
    pub fn owner(&self, sandbox: SandboxId) -> Option<SessionId> {
        self.sandboxes.get(&sandbox).map(|entry| *entry)
    }

    pub(super) fn insert(&self, id: SessionId, entry: Entry) {
        self.sessions.insert(id, entry);
    }

    /// Removes the entry of this generation; a newer one stays.
    pub(super) fn remove(&self, id: SessionId, generation: u64) {
        if self.sessions.remove_if(&id, |_, entry| entry.generation == generation).is_some() {
            self.workspaces.remove(&id);
        }
    }

    pub(super) fn insert_workspace(&self, id: SessionId, workspace: &Addr<WorkspaceSyncActor>, watch: Watch) {
        self.workspaces.insert(id, (workspace.downgrade(), watch));
    }

    /// Notes a claim for as long as the returned guard lives.
    pub(super) fn claim(self: &std::sync::Arc<Self>, sandbox: SandboxId, session: SessionId) -> Claim {
        self.sandboxes.insert(sandbox, session);
        Claim { registry: std::sync::Arc::clone(self), sandbox }
    }
}

/// A session's hold on a sandbox, so that news of the container finds its way.
pub struct Claim {
    registry: std::sync::Arc<Registry>,
    sandbox: SandboxId,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.registry.sandboxes.remove(&self.sandbox);
    }
}
