//! The services Carrel stands on: given ones, or its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use nix::unistd::geteuid;
use tokio::task::JoinHandle;

use super::data_dir::DataDir;
use crate::config::Config;
use crate::db::embedded::EmbeddedPostgres;
use crate::engine::host::Host;
use crate::engine::{EmbeddedEngine, Engine};
use crate::volumes::Volumes;

/// How often it is seen whether our own engine runs.
const LOOK_AFTER: Duration = Duration::from_secs(2);

/// In which of these looks it is asked for an answer, too. Not in each: it takes a connection of its own, and is half of what an idle server does.
const ASK_EVERY: u32 = 5;

/// PostgreSQL and a Docker Engine.
pub(super) struct Backing {
    pub(super) database_url: String,
    pub(super) engine_host: String,
    postgres: Option<EmbeddedPostgres>,
    engine: Option<Arc<EmbeddedEngine>>,
    keeper: Option<JoinHandle<()>>,
}

impl Backing {
    /// Finds or starts both.
    pub(super) async fn start(config: &Config, data: &DataDir) -> anyhow::Result<Self> {
        let (postgres, engine) = tokio::join!(database(config, data), engine(config, data));
        let (postgres, engine) = match (postgres, engine) {
            (Ok(postgres), Ok(engine)) => (postgres, engine),
            (Err(error), Ok(engine)) => {
                stop_engine(engine.0.as_ref()).await;
                return Err(error);
            }
            (postgres, Err(error)) => {
                if let Ok((postgres, _)) = postgres {
                    stop_postgres(postgres).await;
                }
                return Err(error);
            }
        };
        let engine_own = engine.0.map(Arc::new);
        let keeper = engine_own.clone().map(|engine| tokio::spawn(keep(engine)));
        Ok(Self { database_url: postgres.1, engine_host: engine.1, postgres: postgres.0, engine: engine_own, keeper })
    }

    pub(super) fn has_own_database(&self) -> bool {
        self.postgres.is_some()
    }

    /// Stops what is ours, both at once, within `patience`; sandboxes keep running. What has not ended by then ends by itself or is found
    /// by the next start.
    pub(super) async fn stop(self, patience: Duration) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
        let stopping = async { tokio::join!(stop_postgres(self.postgres), stop_engine(self.engine.as_deref())) };
        if tokio::time::timeout(patience, stopping).await.is_err() {
            tracing::warn!("the embedded PostgreSQL or Docker Engine takes longer to end than this server may");
        }
    }

    /// Stops what is ours and removes every sandbox.
    pub(super) async fn down(self, data: &DataDir) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
        stop_postgres(self.postgres).await;
        if let Some(engine) = self.engine
            && let Err(error) = engine.down().await
        {
            tracing::warn!(error = %error, "the embedded Docker Engine did not end");
        }
        if let Err(error) = Volumes::of(data.root()).remove_all().await {
            tracing::warn!(error = %error, "a volume stays");
        }
        if let Err(error) = data.remove_run() {
            tracing::warn!(error = %error, "the directory for sockets stays");
        }
    }
}

/// Ends everything a server has left behind in this data directory: sandboxes, engine, database, sockets. What was never started is not.
///
/// # Errors
/// When something could not be ended; trying again is right.
pub(super) async fn down(config: &Config, data: &DataDir) -> anyhow::Result<()> {
    EmbeddedPostgres::end_running(&data.join("postgres")).await?;
    let had_ours = data.join("engine").exists();
    if had_ours {
        EmbeddedEngine::at(data.root(), data.run())?.down().await?;
    }
    // As well: the machine's own engine may have come to life since ours was last needed, and have been used from then on.
    let removed = match remove_given(config, data).await {
        Err(error) if had_ours => {
            tracing::warn!(error = %format!("{error:#}"), "the machine's own Docker Engine cannot be asked for sandboxes of ours");
            Ok(())
        }
        removed => removed,
    };
    // A container that is still there keeps its own hold of its volume.
    Volumes::of(data.root()).remove_all().await?;
    removed?;
    data.remove_run()
}

/// Removes our sandboxes from an engine that is not ours, if one is to be used.
async fn remove_given(config: &Config, data: &DataDir) -> anyhow::Result<()> {
    if let Ok(Host::Given(host)) = Host::resolve(&config.engine, docker_host().as_deref(), geteuid().is_root()).await {
        let engine = Engine::connect(&config.engine, &host, data.instance()).await?;
        for found in engine.list().await? {
            engine.remove(&found.container).await?;
        }
    }
    Ok(())
}

/// Runs `work` with the URL of the database: the configured one, the one of a server that runs, or one started just for this.
///
/// # Errors
/// Of `work`, or when there is no database.
pub async fn with_database(config: &Config, work: impl AsyncFnOnce(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
    if let Some(url) = &config.database.url {
        return work(url).await;
    }
    let data = match DataDir::open(&config.server.data_dir) {
        Ok(data) => data,
        // A server has it: then its database runs.
        Err(error) => match EmbeddedPostgres::url_of_running(&config.server.data_dir.join("postgres")).await {
            Ok(Some(url)) => return work(&url).await,
            _ => return Err(error),
        },
    };
    let (postgres, url) = database(config, &data).await?;
    let done = work(&url).await;
    stop_postgres(postgres).await;
    done
}

async fn database(config: &Config, data: &DataDir) -> anyhow::Result<(Option<EmbeddedPostgres>, String)> {
    if let Some(url) = &config.database.url {
        return Ok((None, url.clone()));
    }
    let connections = config.database.interactive_connections + config.database.bulk_connections;
    let (dir, run) = (data.join("postgres"), data.run().join("pg"));
    let (postgres, url) = EmbeddedPostgres::start(&dir, &run, &config.database.embedded_user, connections)
        .await
        .context("cannot run the embedded PostgreSQL; or set database.url to one of your own")?;
    Ok((Some(postgres), url))
}

async fn engine(config: &Config, data: &DataDir) -> anyhow::Result<(Option<EmbeddedEngine>, String)> {
    match Host::resolve(&config.engine, docker_host().as_deref(), geteuid().is_root()).await? {
        Host::Given(host) => Ok((None, host)),
        Host::Embedded => {
            let started = EmbeddedEngine::start(data.root(), data.run()).await;
            let (engine, host) =
                started.context("cannot run the embedded Docker Engine; or set engine.host to one of your own")?;
            Ok((Some(engine), host))
        }
    }
}

fn docker_host() -> Option<String> {
    std::env::var("DOCKER_HOST").ok()
}

/// Brings our engine back whenever it dies or is stuck; its containers run on meanwhile.
async fn keep(engine: Arc<EmbeddedEngine>) {
    let mut look = tokio::time::interval(LOOK_AFTER);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for round in (0..ASK_EVERY).cycle() {
        look.tick().await;
        let runs = engine.pid().is_some();
        if !runs {
            tracing::warn!("the embedded Docker Engine has died; starting it again");
        }
        if runs && round > 0 {
            continue;
        }
        if let Err(error) = engine.ensure_running().await {
            tracing::error!(error = %error, "the embedded Docker Engine does not answer, or does not start");
        }
    }
}

async fn stop_postgres(postgres: Option<EmbeddedPostgres>) {
    if let Some(postgres) = postgres
        && let Err(error) = postgres.stop().await
    {
        tracing::warn!(error = %error, "the embedded PostgreSQL did not end");
    }
}

async fn stop_engine(engine: Option<&EmbeddedEngine>) {
    if let Some(engine) = engine
        && let Err(error) = engine.stop().await
    {
        tracing::warn!(error = %error, "the embedded Docker Engine did not end");
    }
}
