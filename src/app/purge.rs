//! Purging deleted sessions when their time is over, contents that were stored ahead for something that never came, and uploads nobody
//! goes on with.

use std::time::Duration;

use crate::db::blobs::{self, Swept, UNUSED_AGE};
use crate::db::{Db, deleted};
use crate::staging::Staging;

/// How often it is looked for what is due; at start, too.
const INTERVAL: Duration = Duration::from_secs(600);

/// Sessions purged in one go, each in a transaction of its own; the rest has its turn later.
const MOST: usize = 200;

/// Parts of all contents looked at in one go: a walk over ten million takes three days and is hardly felt.
const PARTS: usize = 20;

/// Purges what is due, again and again.
pub(super) async fn again_and_again(db: Db) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut cursor = None;
    loop {
        tick.tick().await;
        match deleted::purge(&db, MOST).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "purged sessions whose time to be had back was over"),
            Err(error) => {
                tracing::warn!(error = %error, "cannot purge deleted sessions now; trying again in ten minutes")
            }
        }
        match blobs::sweep(&db, UNUSED_AGE, cursor, PARTS).await {
            Ok(Swept { removed, next }) => {
                cursor = next;
                if removed > 0 {
                    tracing::info!(count = removed, "swept contents nobody refers to");
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "cannot sweep unused contents now; trying again in ten minutes")
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
