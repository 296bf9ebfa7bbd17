//! Somebody who cleans up however the test process ends: by itself, by a panic, by `kill -9`.
//!
//! A janitor is this same test binary, started again to run [`janitor`] alone. It holds the reading end of a pipe whose writing
//! end only the test process has, and starts to clean when the kernel closes that. It keeps standard error open until it is
//! done, so whoever reads the tests' output to its end (`scripts/test`) also waits for the cleaning.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use carrel::engine::EmbeddedEngine;

/// Names the directory whose embedded engine a janitor takes down. Absent: this is no janitor.
const DIRECTORY: &str = "CARREL_IT_JANITOR_DIRECTORY";

/// Posts a janitor for the embedded engine in `directory`. Keep the value: dropping it, or ending, lets him begin.
pub fn post(directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "support::janitor::janitor", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // Ctrl-C is for the tests.
        .process_group(0)
        .spawn()
        .unwrap()
}

/// Not a test but the janitor's own life; does nothing when run as a test.
#[tokio::test]
async fn janitor() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    // Nothing is ever written: this returns when the test process is gone.
    let _ = std::io::stdin().read(&mut [0]);
    let engine = EmbeddedEngine::at(&directory.join("data"), &directory.join("run")).unwrap();
    engine.down().await.unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
}
