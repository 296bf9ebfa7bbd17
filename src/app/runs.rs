//! Throws away runs of rounds that nobody works in any more.

use std::time::Duration;

use crate::actors::Reviews;

/// How often it is looked.
const INTERVAL: Duration = Duration::from_secs(15);

/// How long a run without a sandbox may wait for one: it is made before it is started, and may be started again.
const UNUSED: Duration = Duration::from_secs(60);

/// Looks for as long as it is let.
pub(super) async fn again_and_again(reviews: Reviews) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        match reviews.end_left_runs(UNUSED).await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "runs nobody works in any more were thrown away"),
            Err(error) => tracing::warn!(error = %error, "cannot look for runs to throw away; trying again soon"),
        }
    }
}
