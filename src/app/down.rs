//! `carrel down`: what a server has left running in its data directory is ended, after what it holds was collected.
//!
//! ```text
//!   sandboxes hold files ──▶ a server without visitors takes them over ──▶ their sessions are stopped ──▶ everything ends
//!            │ --discard                                                          │ one cannot be collected
//!            └──────────────▶ everything ends                                     └──▶ refused; nothing is lost
//! ```

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::StreamExt;

use super::data_dir::DataDir;
use super::{App, backing};
use crate::actors::Sessions;
use crate::actors::api::{Missed, Notices};
use crate::config::Config;
use crate::db;
use crate::link::LinkDir;
use crate::model::{Session, SessionId, SessionNotice, SessionState};
use crate::volumes::Volumes;

/// The reason a session's user reads afterwards.
const REASON: &str = "stopped by an operator";

/// How long stopping all sessions may take altogether. One that does not collect is tried again by itself for a minute.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sessions stopped at the same time; more wait.
const AT_ONCE: usize = 8;

/// Ends everything a server has left behind: sandboxes, engine, database, sockets. What was never started is not. `discard`: without
/// collecting what programs have written since the server stopped. Answers how many sandboxes were collected; `None` when nothing of
/// Carrel's is there.
///
/// # Errors
/// When something could not be collected or ended; trying again is right.
pub async fn down(config: Config, discard: bool) -> anyhow::Result<Option<usize>> {
    if !config.server.data_dir.exists() {
        return Ok(None);
    }
    let held = held(&config)?;
    if held > 0 && !discard {
        collect(config.clone(), held).await?;
    }
    let data = DataDir::open(&config.server.data_dir)?;
    backing::down(&config, &data).await?;
    Ok(Some(if discard { 0 } else { held }))
}

/// Sandboxes that may hold somebody's files, those among them of which only a volume is left. One that has ended and left nothing is not
/// among them for long: its session's next actor removes it.
fn held(config: &Config) -> anyhow::Result<usize> {
    let data = DataDir::open(&config.server.data_dir)?;
    let (run, volumes) = (data.run(), Volumes::of(data.root()));
    let claimed = LinkDir::list(run)?.into_iter().filter(|id| LinkDir::of(run, *id).is_claimed());
    let filled = volumes.list()?.into_iter().filter(|id| volumes.of_sandbox(*id).is_filled());
    Ok(claimed.chain(filled).collect::<HashSet<_>>().len())
}

async fn collect(mut config: Config, held: usize) -> anyhow::Result<()> {
    tracing::info!(sandboxes = held, "collecting what programs have written before everything is ended");
    config.server.listen = "127.0.0.1:0".into();
    config.pool.size = 0;
    let app = App::build(config).await.with_context(|| {
        format!(
            "{held} sandboxes may hold what was not saved and cannot be asked; `carrel down --discard` gives that up"
        )
    })?;
    let left = tokio::time::timeout(PATIENCE, stop_all(&app)).await.unwrap_or_else(|_| bail!("that takes too long"));
    // With sandboxes left they keep running, as after any stop.
    app.stop(matches!(left, Ok(0))).await;
    match left {
        Ok(0) => Ok(()),
        Ok(left) => bail!(
            "{left} sandboxes hold what could not be collected (the log says why) and keep running; try again, or give that up with \
             `carrel down --discard`"
        ),
        Err(error) => {
            Err(error.context("cannot collect what sandboxes hold; try again, or give that up with --discard"))
        }
    }
}

/// Stops every session of this server that has a sandbox; how many still have one.
async fn stop_all(app: &App) -> anyhow::Result<usize> {
    let live = live(app).await?;
    let sessions = app.sessions();
    let stopping = live.into_iter().map(|session| stop(sessions, session.id));
    let outcomes: Vec<_> = futures_util::stream::iter(stopping).buffer_unordered(AT_ONCE).collect().await;
    for error in outcomes.into_iter().filter_map(Result::err) {
        tracing::warn!(error = %error, "a session cannot be stopped");
    }
    Ok(self::live(app).await?.len())
}

async fn live(app: &App) -> anyhow::Result<Vec<Session>> {
    // Other servers on the same database look after their own.
    let ours = app.parts.leases.to_look_after(&[]).await?;
    let live = db::sessions::live(&app.parts.db.bulk().await?).await?;
    Ok(live.into_iter().filter(|session| session.sandbox.is_some() && ours.contains(&session.id)).collect())
}

/// Stops one session and waits until it is over, one way or the other. Its sandbox may turn out to be dead: then the second stop collects
/// what that has left.
async fn stop(sessions: &Sessions, id: SessionId) -> anyhow::Result<()> {
    for _ in 0..2 {
        let notices = sessions.subscribe(id).await?.notices;
        let stopped = sessions.stop(id, REASON, false).await?;
        if stopped.sandbox.is_none() || is_over(stopped.state) {
            return Ok(());
        }
        wait(sessions, id, notices).await?;
        let now = sessions.subscribe(id).await?.session;
        if now.sandbox.is_none() || now.state != SessionState::Cold {
            return Ok(());
        }
    }
    Ok(())
}

async fn wait(sessions: &Sessions, id: SessionId, mut notices: Notices) -> anyhow::Result<()> {
    let mut stopping = false;
    while let Some(notice) = notices.next().await {
        let state = match notice {
            Ok(SessionNotice::State { state, .. }) => state,
            Ok(_) => continue,
            Err(Missed) => {
                let now = sessions.subscribe(id).await?;
                (notices, stopping) = (now.notices, true);
                now.session.state
            }
        };
        // One that is ready again could not be collected.
        if is_over(state) || (stopping && state == SessionState::Ready) {
            break;
        }
        stopping |= state == SessionState::Stopping;
    }
    Ok(())
}

fn is_over(state: SessionState) -> bool {
    matches!(state, SessionState::Cold | SessionState::Failed | SessionState::Deleted)
}
