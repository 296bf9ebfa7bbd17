//! Somebody who cleans up however the test process ends: by itself, by a panic, by `kill -9`.
//!
//! A janitor is this same test binary, started again to run [`janitor`] alone. It holds the reading end of a pipe whose writing
//! end only the test process has, and starts to clean when the kernel closes that. It keeps standard error open until it is
//! done, so whoever reads the tests' output to its end (`scripts/test`) also waits for the cleaning.
//!
//! Each cleans one [`Estate`]: ends the processes that work in it, takes down what engine there is, removes its directories.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use carrel::engine::EmbeddedEngine;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// Holds an [`Estate`] as JSON. Absent: this is no janitor.
const ESTATE: &str = "CARREL_IT_ESTATE";

/// How often processes are looked for, how long they may take when asked to end, and when it is hinted that they must.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(8);

/// What is to be cleaned away.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Estate {
    /// Processes whose working directory is below one of these are ended, and the directories removed.
    pub directories: Vec<PathBuf>,
    /// The data and run directory of an embedded engine.
    pub engine: Option<(PathBuf, PathBuf)>,
    /// Arguments and variables of a `carrel down` that removes a server's sandboxes from an engine it shares with others.
    pub down: Option<(Vec<String>, BTreeMap<String, String>)>,
}

/// A janitor at his post. Dropping it, or ending, lets him begin.
#[derive(Debug)]
pub struct Janitor {
    _child: Child,
}

impl Janitor {
    /// Posts one for `estate`.
    pub fn post(estate: &Estate) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "support::janitor::janitor", "--nocapture"])
            .env(ESTATE, serde_json::to_string(estate).unwrap())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // Ctrl-C is for the tests.
            .process_group(0)
            .spawn()
            .unwrap();
        Self { _child: child }
    }
}

/// Not a test but the janitor's own life; does nothing when run as a test.
#[tokio::test]
async fn janitor() {
    let Some(estate) = std::env::var_os(ESTATE) else { return };
    let estate: Estate = serde_json::from_str(estate.to_str().unwrap()).unwrap();
    // Nothing is ever written: this returns when the test process is gone.
    let _ = std::io::stdin().read(&mut [0]);
    end_processes(&estate.directories).await;
    if let Some((arguments, variables)) = estate.down {
        // When all tests are over, the shared engine may have gone first, and its sandboxes with it.
        let down = Command::new(env!("CARGO_BIN_EXE_carrel")).args(arguments).envs(variables).output().unwrap();
        drop(down);
    }
    if let Some((data, run)) = estate.engine {
        EmbeddedEngine::at(&data, &run).unwrap().down().await.unwrap();
    }
    for directory in estate.directories {
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{}: {error}", directory.display()),
            _ => {}
        }
    }
}

/// Ends what works below these directories: asked first, then killed.
async fn end_processes(directories: &[PathBuf]) {
    let began = std::time::Instant::now();
    let mut told = Vec::new();
    loop {
        let found = processes(directories);
        if found.is_empty() {
            return;
        }
        let (round, signal) = match began.elapsed() {
            elapsed if elapsed > PATIENCE + PATIENCE / 2 => (2, Signal::SIGKILL),
            // PostgreSQL ends at once, without waiting for anybody.
            elapsed if elapsed > PATIENCE => (1, Signal::SIGQUIT),
            _ => (0, Signal::SIGINT),
        };
        assert!(began.elapsed() < 4 * PATIENCE, "processes that do not die: {found:?}");
        for process in found {
            if round == 2 || !told.contains(&(process, round)) {
                // It may have gone meanwhile.
                let _ = (kill(process, Signal::SIGCONT), kill(process, signal));
                told.push((process, round));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The processes whose working directory is in or below one of these; a PostgreSQL in a mount namespace of its own too, for in there its
/// directory has the same path. An engine's shims are the engine's own business.
pub fn processes(directories: &[PathBuf]) -> Vec<Pid> {
    let is_ours = |path: &Path| {
        let cwd = std::fs::read_link(path.join("cwd")).unwrap_or_default();
        let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
        directories.iter().any(|directory| cwd.starts_with(directory)) && !name.starts_with("containerd-shim")
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes
        .filter(|path| is_ours(path))
        .filter_map(|path| path.file_name()?.to_str()?.parse().ok())
        .map(Pid::from_raw)
        .collect()
}
