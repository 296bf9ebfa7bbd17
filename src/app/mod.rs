//! The whole server, put together: what `carrel serve` runs and what tests start.
//!
//! ```text
//!   data directory ─▶ PostgreSQL ─▶ schema ─▶ Docker Engine ─▶ actors ─▶ adoption ─▶ HTTP        (the image is prepared meanwhile)
//!   and back: refuse ─▶ close WebSockets (1001) ─▶ HTTP ─▶ sessions ─▶ pool ─▶ PostgreSQL, engine
//! ```

mod backing;
pub mod data_dir;
mod down;
mod fallen;
mod figures;
mod history;
mod kernel;
mod purge;
mod readiness;
mod release;
mod runs;
mod storage;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_web::dev::ServerHandle;
use anyhow::Context as _;
use tokio::runtime::Handle;

use crate::accounts::Accounts;
use crate::actors::engine_watch::EngineWatch;
use crate::actors::leases::Leases;
use crate::actors::registry::Registry;
use crate::actors::reviews::Reviews;
use crate::actors::sandbox::SandboxFactory;
use crate::actors::supervisor::{SessionSupervisor, Supervised, Supervisors};
use crate::actors::warm_pool::{AdoptSandboxes, LeavePool, PoolFigures, PoolHandle, WarmPool};
use crate::actors::watch::Watch;
use crate::actors::{Deps, Sessions};
use crate::config::Config;
use crate::db::Db;
use crate::db::items::GroupCommit;
use crate::engine::Engine;
use crate::http::{AppParts, Metrics, Server, Sockets};
use crate::staging::{Staging, StagingBounds};
use crate::volumes::Volumes;
pub use backing::with_database;
pub use down::down;

use backing::Backing;
use data_dir::DataDir;
use fallen::Fallen;

/// Of the time a shutdown may take, the parts for viewers to be told, for requests to be finished, and for PostgreSQL and the engine to
/// end, which get what the others have left as well.
const HTTP_SHARE: u32 = 5;
const BACKING_SHARE: u32 = 4;

/// How often logins that have ended are removed.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);

/// How often it is looked whether logins with open WebSockets have ended.
const TELL_ENDED_INTERVAL: Duration = Duration::from_secs(60);

/// How often it is looked whether every session with a sandbox has its actor.
const RECONCILE_INTERVAL: Duration = Duration::from_secs(60);

/// A server that listens.
pub struct App {
    parts: Parts,
    backing: Backing,
    patience: Duration,
    data: DataDir,
}

impl App {
    /// Starts everything and listens; must run inside an actix `System`.
    ///
    /// # Errors
    /// The first thing that does not work, with the remedy. What was started before it is stopped again.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        Self::build_unless(config, std::future::pending()).await
    }

    /// The same, until told to stop.
    ///
    /// # Errors
    /// As [`App::build`], and when it was told to stop before all was there.
    pub async fn build_unless(config: Config, told: impl Future<Output = ()>) -> anyhow::Result<Self> {
        let config = Arc::new(config);
        // First of all: the address may be taken, and nobody wants to wait to learn that.
        let listener = TcpListener::bind(&config.server.listen)
            .with_context(|| format!("cannot listen on {}; choose another with --listen", config.server.listen))?;
        let data = DataDir::open(&config.server.data_dir)?;
        kernel::make_room(config.pool.max_sandboxes);
        // A PostgreSQL or an engine that has begun to start goes on without us: it is ended once it is there.
        let backing = Backing::start(&config, &data).await?;
        let built = tokio::select! {
            built = Self::build_on(&backing, &config, &data, listener) => built,
            () = told => Err(anyhow::anyhow!("told to stop while starting")),
        };
        match built {
            Ok(parts) => {
                let patience = Duration::from_secs(config.server.shutdown_seconds);
                Ok(Self { parts, backing, patience, data })
            }
            Err(error) => {
                backing.stop(Duration::from_secs(config.server.shutdown_seconds)).await;
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
        let address = listener.local_addr().context("cannot tell where this server listens")?;
        let url = config.server.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let lease = Duration::from_secs(config.server.lease_seconds);
        let leases = Leases::register(db.clone(), data.server(), &url, lease).await?;
        let heartbeat = tokio::spawn(Arc::clone(&leases).keep());
        let fallen = Fallen::new();
        let engine = Engine::connect(&config.engine, &backing.engine_host, data.instance()).await?;
        let (image, preparing) = readiness::prepare_image(engine.clone(), Arc::clone(config), data.join("images"));
        let (ready, checking) = readiness::watch(db.clone(), engine.clone(), image.clone());

        let workspaces = storage::decide(config, &engine, Volumes::of(data.root())).await?;
        let factory = SandboxFactory::new(
            engine.clone(),
            image,
            Arc::clone(config),
            data.run().to_owned(),
            workspaces,
            io.clone(),
        );
        let sandboxes = Arc::new(factory);
        let arbiters: Vec<_> = (0..=config.actors.supervisors).map(|_| Arbiter::new()).collect();
        let (own, for_supervisors) = arbiters.split_first().context("no arbiter")?;
        let (pool_config, factory, mailbox) = (config.pool.clone(), Arc::clone(&sandboxes), config.actors.pool_mailbox);
        let (watching, pool_figures) = (fallen.clone(), Arc::new(PoolFigures::default()));
        let for_pool = Arc::clone(&pool_figures);
        let pool = WarmPool::start_in_arbiter(&own.handle(), move |ctx| {
            watching.watch("WarmPool", ctx);
            ctx.set_mailbox_capacity(mailbox);
            WarmPool::new(pool_config, factory, for_pool)
        });
        let deps = Deps {
            db: db.clone(),
            group_commit: GroupCommit::new(db.clone(), io.clone()),
            sandboxes,
            pool: PoolHandle::new(pool.clone()),
            leases: Arc::clone(&leases),
            registry: Arc::new(Registry::default()),
            config: Arc::clone(config),
            io: io.clone(),
        };
        let supervisors: Supervisors = for_supervisors
            .iter()
            .enumerate()
            .map(|(number, arbiter)| {
                let (deps, watching) = (deps.clone(), fallen.clone());
                let requests = Watch::new(config.actors.supervisor_mailbox);
                let watch = requests.clone();
                let addr = SessionSupervisor::start_in_arbiter(&arbiter.handle(), move |ctx| {
                    watching.watch("SessionSupervisor", ctx);
                    SessionSupervisor::new(number, deps, requests)
                });
                Supervised { addr, watch }
            })
            .collect();
        let watch = {
            let (deps, pool, watching) = (deps.clone(), pool.clone(), fallen.clone());
            EngineWatch::start_in_arbiter(&own.handle(), move |ctx| {
                watching.watch("EngineWatch", ctx);
                EngineWatch::new(deps, pool)
            })
        };
        let sessions = Sessions::new(
            deps.clone(),
            supervisors,
            vec![("WarmPool", pool.clone().recipient()), ("EngineWatch", watch.recipient())],
        );
        adopt(&deps, &sessions, &pool).await?;
        let reviews = Reviews::new(&deps, sessions.clone(), own.handle());
        let releasing = tokio::spawn(release::again_and_again(reviews.clone(), config.review.release_hours));
        let ending_runs = tokio::spawn(runs::again_and_again(reviews.clone()));

        let accounts = Accounts::new(db.clone(), &config.auth);
        let forgetting = tokio::spawn(forget_ended_logins(accounts.clone()));
        let ending = tokio::spawn(tell_ended_logins(accounts.clone()));
        let looking = sessions.clone();
        let looking = tokio::spawn(async move { looking.look_after().await });
        let telling = tokio::spawn(readiness::tell(ready.clone(), sessions.clone()));
        let reconciling = tokio::spawn(reconcile(deps.clone(), sessions.clone()));
        let purging = tokio::spawn(purge::again_and_again(db.clone()));
        let thinning = tokio::spawn(history::again_and_again(db.clone(), config.workspace.clone()));
        let bounds =
            StagingBounds { bytes: config.workspace.staging_mb * 1024 * 1024, uploads: config.workspace.max_uploads };
        let staging = Staging::open(&data.join("staging"), bounds).context("cannot use the directory for uploads")?;
        let sweeping = tokio::spawn(purge::sweep_staged(staging.clone()));
        let metrics = Metrics::new().context("cannot set up figures")?;
        figures::register(&metrics, db.clone(), engine, pool_figures).context("cannot set up figures")?;
        let sockets = Sockets::new(metrics.clone());
        let parts = AppParts {
            config: Arc::clone(config),
            accounts,
            sessions: sessions.clone(),
            reviews,
            db: db.clone(),
            readiness: ready,
            staging,
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
            watchers: vec![
                preparing,
                checking,
                forgetting,
                ending,
                reconciling,
                looking,
                telling,
                purging,
                releasing,
                ending_runs,
                sweeping,
                thinning,
            ],
            fallen,
            leases,
            heartbeat,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.parts.address
    }

    /// The door to its sessions, for tests and benches.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.parts.sessions
    }

    /// Ends when something has fallen over without which the server must not go on; why.
    pub async fn fell_over(&self) -> String {
        tokio::select! {
            name = self.parts.fallen.first() => format!("the {name} has fallen over"),
            () = self.parts.leases.replaced() => {
                "another process runs as this very server: has its data directory been copied?".to_owned()
            }
        }
    }

    /// Stops in order, within `server.shutdown_seconds` altogether; sandboxes keep running for the next start, unless `everything` goes.
    pub async fn stop(self, everything: bool) {
        let Self { parts, backing, patience, data } = self;
        let Parts { sessions, pool, sockets, server, supervisors, db, watchers, heartbeat, .. } = parts;
        let deadline = Instant::now() + patience;
        // The steps before the last get what is left without it.
        let before_last = deadline - patience / BACKING_SHARE;
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
        if tokio::time::timeout_at(before_last.into(), sessions.stop_all()).await.is_err() {
            tracing::warn!("sessions did not end in time; the next start lists their sandboxes");
        }
        // A pool that has ended has nothing to leave.
        tokio::time::timeout_at(before_last.into(), pool.send(LeavePool)).await.ok();
        for arbiter in supervisors {
            arbiter.stop();
            // Its thread may be in the middle of something; the process ends soon either way.
            drop(arbiter);
        }
        heartbeat.abort();
        if tokio::time::timeout_at(deadline.into(), db.close()).await.is_err() {
            tracing::warn!("database connections were cut off: they did not come back in time");
        }
        if everything {
            backing.down(&data).await;
        } else {
            backing.stop(deadline.saturating_duration_since(Instant::now()).max(patience / BACKING_SHARE)).await;
        }
    }
}

/// What stands on the backing services.
struct Parts {
    address: SocketAddr,
    sessions: Sessions,
    pool: Addr<WarmPool>,
    sockets: Sockets,
    server: ServerHandle,
    supervisors: Vec<Arbiter>,
    db: Db,
    watchers: Vec<tokio::task::JoinHandle<()>>,
    fallen: Fallen,
    leases: Arc<Leases>,
    heartbeat: tokio::task::JoinHandle<()>,
}

/// Removes logins that have ended, again and again.
async fn forget_ended_logins(accounts: Accounts) {
    let mut tick = tokio::time::interval(FORGET_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match accounts.forget_ended().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "removed logins that had ended"),
            Err(error) => {
                tracing::warn!(error = %error, "cannot remove logins that have ended; trying again in an hour")
            }
        }
    }
}

/// Closes, again and again, the WebSockets of logins that have expired, or that another server has ended.
async fn tell_ended_logins(accounts: Accounts) {
    let mut tick = tokio::time::interval(TELL_ENDED_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = accounts.tell_ended().await {
            tracing::debug!(error = %error, "cannot look whether logins have ended; trying again in a minute");
        }
    }
}

/// Brings back under an actor, again and again, what this server has to look after and does not: after an outage of the database a replaced
/// actor may be missing. The actor then finds out whether the sandbox is still there; what is nobody's EngineWatch removes.
async fn reconcile(deps: Deps, sessions: Sessions) {
    let mut tick = tokio::time::interval(RECONCILE_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let compared = async {
            let found = deps.sandboxes.engine().list().await.map_err(|error| error.to_string())?;
            let found: Vec<_> = found.into_iter().map(|found| found.sandbox).collect();
            sessions.adopt_all(&found).await.map_err(|error| error.to_string())
        };
        match compared.await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(sessions = count, "brought sessions back that had lost their actor"),
            Err(error) => tracing::debug!(error, "cannot compare sessions with what runs now"),
        }
    }
}

/// Takes over what an earlier server has left: its sessions' sandboxes, its waiting ones; what is neither is swept.
async fn adopt(deps: &Deps, sessions: &Sessions, pool: &Addr<WarmPool>) -> anyhow::Result<()> {
    let found = deps.sandboxes.engine().list().await?;
    let known: Vec<_> = found.iter().map(|found| found.sandbox).collect();
    let adopted = sessions.adopt_all(&known).await?;
    deps.sandboxes.sweep_dirs(&known)?;
    let waiting: Vec<_> =
        found.into_iter().filter(|found| found.running && !deps.sandboxes.is_claimed(found.sandbox)).collect();
    if adopted + waiting.len() > 0 {
        tracing::info!(sessions = adopted, waiting = waiting.len(), "took over what an earlier server left running");
    }
    pool.send(AdoptSandboxes(waiting)).await.context("the warm pool has ended")
}
