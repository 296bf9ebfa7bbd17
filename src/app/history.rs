//! Keeping histories within their bounds.

use std::time::Duration;

use crate::config::WorkspaceConfig;
use crate::db::history::{self, Retention};
use crate::db::{Db, DbError, Transaction};
use crate::model::SessionId;

/// How often histories that have grown are weighed.
const WEIGH_EVERY: Duration = Duration::from_secs(60);

/// How often all are thinned, in times they are weighed; at start, too.
const THIN_EVERY: u32 = 60;

/// Sessions asked for at once.
const PAGE: u32 = 200;

/// What the operator wants kept.
fn retention(config: &WorkspaceConfig) -> Retention {
    let (hour, day) = (Duration::from_secs(3600), Duration::from_secs(24 * 3600));
    Retention {
        all: hour * config.history_all_hours,
        hourly: day * config.history_hourly_days,
        daily: (config.history_days > 0).then(|| day * config.history_days),
        // What there is now must have its history.
        bytes: config.history_mb.max(config.max_total_mb) << 20,
    }
}

/// Thins and weighs, again and again.
pub(super) async fn again_and_again(db: Db, config: WorkspaceConfig) {
    let retention = retention(&config);
    let mut tick = tokio::time::interval(WEIGH_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut round, mut weighed) = (0_u32, 0);
    loop {
        tick.tick().await;
        let done = match round % THIN_EVERY {
            0 => thin_all(&db, &retention).await,
            _ => weigh_grown(&db, &retention, &mut weighed).await,
        };
        match done {
            Ok(()) => round = round.wrapping_add(1),
            // The same round is tried again.
            Err(error) => tracing::warn!(error = %error, "cannot thin out histories now; trying again in a minute"),
        }
    }
}

/// Sees to it that histories which have grown since version `since` weigh what they may. One whose versions were written in an order that
/// is not theirs may be overlooked until all are thinned.
async fn weigh_grown(db: &Db, retention: &Retention, since: &mut i64) -> Result<(), DbError> {
    let (until, grown) = {
        let connection = db.bulk().await?;
        let until = history::newest(&connection).await?;
        (until, history::changed(&connection, *since, until).await?)
    };
    for session in grown {
        told(session, weigh(db, retention, session).await);
    }
    *since = until;
    Ok(())
}

async fn thin_all(db: &Db, retention: &Retention) -> Result<(), DbError> {
    let mut cursor = None;
    loop {
        let page = history::sessions(&db.bulk().await?, cursor, PAGE).await?;
        let Some(last) = page.last().copied() else { return Ok(()) };
        for session in page {
            told(session, thin(db, retention, session).await);
        }
        cursor = Some(last);
    }
}

/// One history that gives trouble keeps no other from being thinned.
fn told(session: SessionId, thinned: Result<(), DbError>) {
    if let Err(error) = thinned {
        tracing::warn!(session.id = %session, error = %error, "cannot thin out a session's history now; trying again within the hour");
    }
}

async fn thin(db: &Db, retention: &Retention, session: SessionId) -> Result<(), DbError> {
    while part(db, async |tx| history::thin(tx, session, retention).await).await? > 0 {}
    weigh(db, retention, session).await
}

async fn weigh(db: &Db, retention: &Retention, session: SessionId) -> Result<(), DbError> {
    while part(db, async |tx| history::fit(tx, session, retention).await).await? > 0 {}
    Ok(())
}

/// Does one part of the work, in a transaction and on a connection of its own: others have their turn in between.
async fn part(db: &Db, work: impl AsyncFnOnce(&Transaction<'_>) -> Result<usize, DbError>) -> Result<usize, DbError> {
    let mut connection = db.bulk().await?;
    let transaction = connection.transaction().await?;
    let removed = work(&transaction).await?;
    transaction.commit().await?;
    Ok(removed)
}
