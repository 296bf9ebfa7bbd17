//! What every handler can reach.

use std::future::Future;
use std::sync::Arc;

use actix_web::web;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::Instrument;

use super::budget::TransferBudget;
use super::error::ApiError;
use super::metrics::Metrics;
use super::past_trees::PastTrees;
use super::slots::Slots;
use super::sockets::Sockets;
use super::typists::Typists;
use crate::accounts::Accounts;
use crate::actors::{Reviews, Sessions};
use crate::config::Config;
use crate::db::Db;
use crate::model::{SessionId, UserId};
use crate::staging::Staging;

/// Archives made at the same time, each on a thread of its own: by all, and by one user.
const ARCHIVES: usize = 8;
const ARCHIVES_EACH: usize = 2;

/// Archives imported at the same time, each of which may take a fifth of a gigabyte of memory: by all, and by one user.
const IMPORTS: usize = 3;
const IMPORTS_EACH: usize = 1;

/// Requests with a large list of paths at the same time, each of which may take 40 megabytes of memory: of all, and of one user.
const LISTS: usize = 4;
const LISTS_EACH: usize = 1;

/// Searches at the same time: of all sessions, and of one.
const SEARCHES: usize = 6;
const SEARCHES_EACH: usize = 2;

/// What [`super::Server::build`] is given.
#[derive(Clone)]
pub struct AppParts {
    /// The whole configuration.
    pub config: Arc<Config>,
    /// Registering and signing in.
    pub accounts: Accounts,
    /// Everything that is changed goes through here.
    pub sessions: Sessions,
    /// What is done to reviews.
    pub reviews: Reviews,
    /// For reads.
    pub db: Db,
    /// Whether what we need is there; kept up to date by `app`.
    pub readiness: watch::Receiver<Readiness>,
    /// What is on its way in.
    pub staging: Staging,
    /// Open WebSockets; `app` closes them first when it shuts down.
    pub sockets: Sockets,
    /// Figures; others may register theirs.
    pub metrics: Metrics,
    /// Runs what must be finished even when the browser has gone: it outlives the HTTP workers.
    pub runtime: Handle,
}

/// Whether what Carrel needs is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Readiness {
    /// PostgreSQL answers.
    pub database: bool,
    /// The Docker Engine answers.
    pub engine: bool,
    /// The sandbox image is there.
    pub image: bool,
}

impl Readiness {
    /// Whether sessions can be started.
    #[must_use]
    pub fn is_ready(self) -> bool {
        self.database && self.engine && self.image
    }
}

/// The parts, and what only `http` needs.
pub struct HttpState {
    parts: AppParts,
    /// Bytes of file bodies that may be in memory.
    pub budget: TransferBudget,
    /// Archives that are made at the moment, by who asked.
    pub archives: Slots<UserId>,
    /// Archives that are being imported, by who sends them.
    pub imports: Slots<UserId>,
    /// Requests with a large list of paths, by who sends them.
    pub lists: Slots<UserId>,
    /// Workspaces as they were, whose pages are being asked for.
    pub past_trees: PastTrees,
    /// Searches that go on, by session.
    pub searches: Slots<SessionId>,
    /// Who types at the moment, in any session.
    pub typists: Arc<Typists>,
}

/// How handlers take it.
pub type State = web::Data<HttpState>;

impl HttpState {
    /// State shared by all workers.
    #[must_use]
    pub fn new(parts: AppParts) -> Self {
        let budget = TransferBudget::for_files_of(parts.config.workspace.max_file_mb);
        Self {
            parts,
            budget,
            archives: Slots::new(ARCHIVES, ARCHIVES_EACH),
            imports: Slots::new(IMPORTS, IMPORTS_EACH),
            lists: Slots::new(LISTS, LISTS_EACH),
            past_trees: PastTrees::default(),
            searches: Slots::new(SEARCHES, SEARCHES_EACH),
            typists: Arc::default(),
        }
    }

    /// Whether people reach us under `https://`.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.config.server.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// Runs `work` to its end, even when the browser disconnects and nobody waits for the answer any more.
    ///
    /// # Errors
    /// What `work` returns; [`super::error::Code::Internal`] when it panics.
    pub async fn finish<T, E>(&self, work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, ApiError>
    where
        T: Send + 'static,
        E: Into<ApiError> + Send + 'static,
    {
        match self.runtime.spawn(work.in_current_span()).await {
            Ok(result) => result.map_err(Into::into),
            Err(error) => Err(ApiError::internal(error)),
        }
    }
}

impl std::ops::Deref for HttpState {
    type Target = AppParts;
    fn deref(&self) -> &AppParts {
        &self.parts
    }
}
