//! The whole server, put together: what `carrel serve` runs and what tests start.
//!
//! ```text
//!   data directory ─▶ PostgreSQL ─▶ schema ─▶ Docker Engine ─▶ actors ─▶ adoption ─▶ HTTP        (the image is prepared meanwhile)
//!   and back: refuse ─▶ close WebSockets (1001) ─▶ HTTP ─▶ sessions ─▶ pool ─▶ PostgreSQL, engine
//! ```

mod backing;
pub mod data_dir;
mod kernel;
mod readiness;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_web::dev::ServerHandle;
use anyhow::Context as _;
use tokio::runtime::Handle;

use crate::accounts::Accounts;
use crate::actors::engine_watch::EngineWatch;
use crate::actors::registry::Registry;
use crate::actors::sandbox::SandboxFactory;
use crate::actors::supervisor::{SessionSupervisor, Supervisors};
use crate::actors::warm_pool::{AdoptSandboxes, LeavePool, PoolHandle, WarmPool};
use crate::actors::{Deps, Sessions};
use crate::config::Config;
use crate::db::Db;
use crate::engine::Engine;
use crate::http::{AppParts, Metrics, Server, Sockets};
pub use backing::{down, with_database};

use backing::Backing;
use data_dir::DataDir;

/// Of the time a shutdown may take, the part for viewers to be told and requests to be finished.
const HTTP_SHARE: u32 = 3;

/// A server that listens.
pub struct App {
    address: SocketAddr,
    sessions: Sessions,
    pool: Addr<WarmPool>,
    sockets: Sockets,
    server: ServerHandle,
    supervisors: Vec<Arbiter>,
    db: Db,
    backing: Backing,
    patience: Duration,
    watchers: Vec<tokio::task::JoinHandle<()>>,
    data: DataDir,
}

impl App {
    /// Starts everything and listens; must run inside an actix `System`.
    ///
    /// # Errors
    /// The first thing that does not work, with the remedy. What was started before it is stopped again.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let config = Arc::new(config);
        // First of all: the address may be taken, and nobody wants to wait to learn that.
        let listener = TcpListener::bind(&config.server.listen)
            .with_context(|| format!("cannot listen on {}; choose another with --listen", config.server.listen))?;
        let data = DataDir::open(&config.server.data_dir)?;
        kernel::make_room(config.pool.max_sandboxes);
        let backing = Backing::start(&config, &data).await?;
        match Self::build_on(&backing, &config, &data, listener).await {
            Ok(parts) => {
                let Parts { address, sessions, pool, sockets, server, supervisors, db, watchers } = parts;
                let patience = Duration::from_secs(config.server.shutdown_seconds);
                Ok(Self {
                    address,
                    sessions,
                    pool,
                    sockets,
                    server,
                    supervisors,
                    db,
                    backing,
                    patience,
                    watchers,
                    data,
                })
            }
            Err(error) => {
                backing.stop().await;
                Err(error)
            }
        }
    }

    async fn build_on(
        backing: &Backing,
        config: &Arc<Config>,
        data: &DataDir,
        listener: TcpListener,
    ) -> anyhow::Result<Parts> {
        let io = Handle::current();
        let db = Db::connect(&config.database, &backing.database_url).await?;
        let durability = db.durability();
        anyhow::ensure!(
            durability.is_full() || !backing.has_own_database(),
            "the embedded PostgreSQL does not keep what it acknowledges ({durability:?}); remove that from its postgresql.conf"
        );
        if !durability.is_full() {
            tracing::warn!(?durability, "this PostgreSQL may lose acknowledged saves when its machine fails");
        }
        crate::db::schema::apply(&db).await?;
        let engine = Engine::connect(&config.engine, &backing.engine_host, data.instance()).await?;
        let (image, preparing) = readiness::prepare_image(engine.clone(), Arc::clone(config), data.join("images"));
        let (ready, checking) = readiness::watch(db.clone(), engine.clone(), image.clone());

        let sandboxes =
            Arc::new(SandboxFactory::new(engine, image, Arc::clone(config), data.run().to_owned(), io.clone()));
        let arbiters: Vec<_> = (0..=config.actors.supervisors).map(|_| Arbiter::new()).collect();
        let (own, for_supervisors) = arbiters.split_first().context("no arbiter")?;
        let (pool_config, factory, mailbox) = (config.pool.clone(), Arc::clone(&sandboxes), config.actors.pool_mailbox);
        let pool = WarmPool::start_in_arbiter(&own.handle(), move |ctx| {
            ctx.set_mailbox_capacity(mailbox);
            WarmPool::new(pool_config, factory)
        });
        let deps = Deps {
            db: db.clone(),
            sandboxes,
            pool: PoolHandle::new(pool.clone()),
            registry: Arc::new(Registry::default()),
            config: Arc::clone(config),
            io: io.clone(),
        };
        let supervisors: Supervisors = for_supervisors
            .iter()
            .enumerate()
            .map(|(number, arbiter)| {
                let deps = deps.clone();
                SessionSupervisor::start_in_arbiter(&arbiter.handle(), move |_| SessionSupervisor::new(number, deps))
            })
            .collect();
        let watch = {
            let (deps, pool) = (deps.clone(), pool.clone());
            EngineWatch::start_in_arbiter(&own.handle(), move |_| EngineWatch::new(deps, pool))
        };
        let sessions = Sessions::new(deps.clone(), supervisors, vec![pool.clone().recipient(), watch.recipient()]);
        adopt(&deps, &sessions, &pool).await?;

        let accounts = Accounts::new(db.clone(), &config.auth);
        let metrics = Metrics::new().context("cannot set up figures")?;
        let sockets = Sockets::new(metrics.clone());
        let parts = AppParts {
            config: Arc::clone(config),
            accounts,
            sessions: sessions.clone(),
            db: db.clone(),
            readiness: ready,
            sockets: sockets.clone(),
            metrics,
            runtime: io,
        };
        let server = Server::build(parts, listener).context("cannot start the HTTP server")?;
        let address = server.address();
        let running = server.into_inner();
        let server = running.handle();
        actix::spawn(running);
        Ok(Parts {
            address,
            sessions,
            pool,
            sockets,
            server,
            supervisors: arbiters,
            db,
            watchers: vec![preparing, checking],
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The door to its sessions, for tests and benches.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Stops in order; sandboxes keep running for the next start, unless `everything` goes.
    pub async fn stop(self, everything: bool) {
        let Self { sessions, pool, sockets, server, supervisors, db, backing, patience, watchers, data, .. } = self;
        for watcher in watchers {
            watcher.abort();
        }
        let left = sockets.close_all(patience / HTTP_SHARE).await;
        if left > 0 {
            tracing::info!(sockets.left = left, "some viewers did not answer the goodbye");
        }
        if tokio::time::timeout(patience / HTTP_SHARE, server.stop(true)).await.is_err() {
            tracing::warn!("requests were cut off: the HTTP server did not end in time");
        }
        if tokio::time::timeout(patience, sessions.stop_all()).await.is_err() {
            tracing::warn!("sessions did not end in time; the next start lists their sandboxes");
        }
        // A pool that has ended has nothing to leave.
        pool.send(LeavePool).await.ok();
        for arbiter in supervisors {
            arbiter.stop();
            // Its thread may be in the middle of something; the process ends soon either way.
            drop(arbiter);
        }
        db.close().await;
        if everything {
            backing.down(&data).await;
        } else {
            backing.stop().await;
        }
    }
}

struct Parts {
    address: SocketAddr,
    sessions: Sessions,
    pool: Addr<WarmPool>,
    sockets: Sockets,
    server: ServerHandle,
    supervisors: Vec<Arbiter>,
    db: Db,
    watchers: Vec<tokio::task::JoinHandle<()>>,
}

/// Takes over what an earlier server has left: its sessions' sandboxes, its waiting ones; what is neither is swept.
async fn adopt(deps: &Deps, sessions: &Sessions, pool: &Addr<WarmPool>) -> anyhow::Result<()> {
    let found = deps.sandboxes.engine().list().await?;
    let adopted = sessions.adopt_all().await?;
    let known: Vec<_> = found.iter().map(|found| found.sandbox).collect();
    deps.sandboxes.sweep_dirs(&known)?;
    let waiting: Vec<_> =
        found.into_iter().filter(|found| found.running && !deps.sandboxes.is_claimed(found.sandbox)).collect();
    if adopted + waiting.len() > 0 {
        tracing::info!(sessions = adopted, waiting = waiting.len(), "took over what an earlier server left running");
    }
    pool.send(AdoptSandboxes(waiting)).await.context("the warm pool has ended")
}
