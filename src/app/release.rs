//! Gives reviews back to the queue that lie with a reviewer who does nothing to them.

use std::time::Duration;

use crate::actors::Reviews;

/// How often it is looked.
const INTERVAL: Duration = Duration::from_secs(60);

/// Looks every minute, for as long as it is let. Never, where `hours` is 0.
pub(super) async fn again_and_again(reviews: Reviews, hours: u32) {
    if hours == 0 {
        return;
    }
    let after = Duration::from_secs(u64::from(hours) * 3600);
    loop {
        tokio::time::sleep(INTERVAL).await;
        match reviews.release_overdue(after).await {
            Ok(0) => {}
            Ok(released) => tracing::info!(released, "reviews have gone back to the queue"),
            Err(error) => tracing::warn!(error = %error, "cannot give overdue reviews back; trying again in a minute"),
        }
    }
}
