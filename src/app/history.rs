//! Keeping histories within their bounds.

use std::time::Duration;

use crate::config::WorkspaceConfig;
use crate::db::history::{self, Retention};
use crate::db::{Db, DbError};
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
        bytes: config.history_mb << 20,
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
        let done = async {
            weighed = weigh(&db, &retention, weighed).await?;
            if round % THIN_EVERY == 0 {
                thin(&db, &retention).await?;
            }
            Ok::<_, DbError>(())
        };
        match done.await {
            Ok(()) => round = round.wrapping_add(1),
            // The same round is tried again.
            Err(error) => tracing::warn!(error = %error, "cannot thin out histories now; trying again in a minute"),
        }
    }
}

/// Sees to it that histories which have grown since version `since` weigh what they may; answers the version up to which that was seen to.
async fn weigh(db: &Db, retention: &Retention, since: i64) -> Result<i64, DbError> {
    let (until, grown) = {
        let connection = db.bulk().await?;
        let until = history::newest(&connection).await?;
        (until, history::changed(&connection, since, until).await?)
    };
    for session in grown {
        while part(db, async |tx| history::fit(tx, session, retention).await).await? > 0 {}
    }
    Ok(until)
}

async fn thin(db: &Db, retention: &Retention) -> Result<(), DbError> {
    let mut cursor: Option<SessionId> = None;
    loop {
        let page = history::sessions(&db.bulk().await?, cursor, PAGE).await?;
        let Some(last) = page.last().copied() else { return Ok(()) };
        for session in page {
            while part(db, async |tx| history::thin(tx, session, retention).await).await? > 0 {}
        }
        cursor = Some(last);
    }
}

/// Does one part of the work, in a transaction and on a connection of its own: others have their turn in between.
async fn part(
    db: &Db,
    work: impl AsyncFnOnce(&crate::db::Transaction<'_>) -> Result<usize, DbError>,
) -> Result<usize, DbError> {
    let mut connection = db.bulk().await?;
    let transaction = connection.transaction().await?;
    let removed = work(&transaction).await?;
    transaction.commit().await?;
    Ok(removed)
}
