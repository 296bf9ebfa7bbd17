//! What is prepared and watched beside everything else: the sandbox image, and whether the services answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::actors::Sessions;
use crate::actors::sandbox::ImageState;
use crate::config::Config;
use crate::db::Db;
use crate::engine::{Engine, ImageProgress, ImageSource};
use crate::http::Readiness;
use crate::model::Level;
use crate::model::backoff::Backoff;

/// How often the services are asked whether they are there.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// How long a service may take to say so.
const CHECK_PATIENCE: Duration = Duration::from_secs(2);

/// What pages are told; true whatever they show.
const DATABASE_AWAY: &str = "The database does not answer. What runs in your terminals goes on; nothing can be saved or opened until it is back.";
const ENGINE_AWAY: &str =
    "The container engine does not answer. What runs goes on; no session can be started or stopped until it is back.";

/// Pauses before the image is tried again.
const RETRY: Backoff = Backoff { first: Duration::from_secs(5), most: Duration::from_secs(300) };

/// Prepares the image; sessions wait for it. A failure is tried again: an operator may be mending its cause.
pub(super) fn prepare_image(
    engine: Engine,
    config: Arc<Config>,
    images: PathBuf,
) -> (watch::Receiver<ImageState>, JoinHandle<()>) {
    let (sender, receiver) = watch::channel(ImageState::Preparing);
    let preparing = tokio::spawn(async move {
        for attempt in 0.. {
            let prepared = async {
                let exe = std::env::current_exe().map_err(|error| error.to_string())?;
                let source = ImageSource::locate(&config.sandbox, &exe, &images).map_err(|error| error.to_string())?;
                let quarters = AtomicU64::new(0);
                engine
                    .ensure_image(&source, |progress| report(progress, &quarters))
                    .await
                    .map_err(|error| error.to_string())
            };
            match prepared.await {
                Ok(tag) => {
                    tracing::info!(image.tag = tag.as_str(), "the sandbox image is ready");
                    sender.send_replace(ImageState::Ready(tag));
                    return;
                }
                Err(error) => {
                    let pause = RETRY.pause(attempt);
                    tracing::error!(
                        error,
                        pause_s = pause.as_secs(),
                        "the sandbox image cannot be prepared; trying again"
                    );
                    sender.send_replace(ImageState::Failed(error));
                    tokio::time::sleep(pause).await;
                }
            }
        }
    });
    (receiver, preparing)
}

/// Logs how far the image is, by quarters: it takes seconds to minutes, once.
fn report(progress: ImageProgress, quarters: &AtomicU64) {
    match progress {
        ImageProgress::Importing { done, total } => {
            let quarter = done * 4 / total.max(1);
            if quarters.fetch_max(quarter, Ordering::Relaxed) < quarter {
                tracing::info!(image.percent = quarter * 25, "giving the sandbox image to the engine");
            }
        }
        other => tracing::info!(image.progress = ?other, "preparing the sandbox image"),
    }
}

/// Asks the services again and again.
pub(super) fn watch(
    db: Db,
    engine: Engine,
    image: watch::Receiver<ImageState>,
) -> (watch::Receiver<Readiness>, JoinHandle<()>) {
    let (sender, receiver) = watch::channel(Readiness::default());
    let checking = tokio::spawn(async move {
        let mut image = image;
        let mut tick = tokio::time::interval(CHECK_INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let (database, engine) = tokio::join!(answers(db.ping()), answers(engine.ping()));
            let image_ready = matches!(*image.borrow_and_update(), ImageState::Ready(_));
            let now = Readiness { database, engine, image: image_ready };
            sender.send_if_modified(|before| {
                if *before != now {
                    tracing::info!(
                        ready.database = database,
                        ready.engine = engine,
                        ready.image = image_ready,
                        "readiness changed"
                    );
                }
                std::mem::replace(before, now) != now
            });
            tokio::select! {
                _ = tick.tick() => {}
                // An image that will not change any more ends its channel; the tick goes on.
                Ok(()) = image.changed() => {}
            }
        }
    });
    (receiver, checking)
}

/// Tells every page when a service stops answering, and when it answers again.
pub(super) async fn tell(mut readiness: watch::Receiver<Readiness>, sessions: Sessions) {
    let mut before = *readiness.borrow_and_update();
    while readiness.changed().await.is_ok() {
        let now = *readiness.borrow_and_update();
        match (before.database, now.database) {
            (true, false) => sessions.announce(Level::Warning, DATABASE_AWAY),
            (false, true) => sessions.announce(Level::Info, "The database answers again."),
            _ => {}
        }
        match (before.engine, now.engine) {
            (true, false) => sessions.announce(Level::Warning, ENGINE_AWAY),
            (false, true) => sessions.announce(Level::Info, "The container engine answers again."),
            _ => {}
        }
        before = now;
    }
}

async fn answers<E>(question: impl Future<Output = Result<(), E>>) -> bool {
    matches!(tokio::time::timeout(CHECK_PATIENCE, question).await, Ok(Ok(())))
}
