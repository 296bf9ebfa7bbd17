//! Whether this machine can have volumes at all: some, machines for continuous integration among them, have no loop devices.

use std::io::Write;

use carrel::volumes::Volumes;
use tokio::sync::OnceCell;

static OBSTACLE: OnceCell<Option<String>> = OnceCell::const_new();

/// Whether workspaces can lie on volumes here, found out as a server with `sandbox.storage = "auto"` does. Where they cannot, the test
/// that asks has nothing to try and returns; what it leaves out is said past the capture of what tests print.
pub async fn can_be_had() -> bool {
    let obstacle = OBSTACLE.get_or_init(async || {
        let data = tempfile::tempdir().unwrap();
        Volumes::of(data.path()).probe().await.err().map(|error| error.to_string())
    });
    let Some(why) = obstacle.await else { return true };
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let said = format!("NOT TRIED: {test}: this machine has no loop devices, or they cannot be used: {why}\n");
    std::io::stderr().write_all(said.as_bytes()).unwrap();
    false
}
