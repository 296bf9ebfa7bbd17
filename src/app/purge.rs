//! Purging deleted sessions, and uploads nobody goes on with, when their time is over.

use std::time::Duration;

use crate::db::{Db, deleted};
use crate::staging::Staging;

/// How often it is looked for sessions that are due; at start, too.
const INTERVAL: Duration = Duration::from_secs(600);

/// Sessions purged in one go, each in a transaction of its own; the rest has its turn later.
const MOST: usize = 200;

/// Purges what is due, again and again.
pub(super) async fn again_and_again(db: Db) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match deleted::purge(&db, MOST).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "purged sessions whose time to be had back was over"),
            Err(error) => {
                tracing::warn!(error = %error, "cannot purge deleted sessions now; trying again in ten minutes")
            }
        }
    }
}

/// Removes, again and again, what was staged and not touched for a day.
pub(super) async fn sweep_staged(staging: Staging) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match staging.sweep().await {
            0 => {}
            count => tracing::info!(count, "removed uploads that nobody had gone on with for a day"),
        }
    }
}
