//! A real server, as a user runs it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use carrel_load::process::resident_kib;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::api;

/// How long the image may take the first time.
const READY_PATIENCE: Duration = Duration::from_secs(300);

/// Pause between two looks at something that has no better way to say that it is done.
pub const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Lets time pass, as people and their programs do.
#[expect(clippy::disallowed_methods, reason = "the passing of time is what is wanted, not an event")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The program, without what the caller's own server is told to use.
fn command(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    let theirs = std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("CARREL_"));
    for name in theirs {
        command.env_remove(name);
    }
    command.env_remove("DOCKER_HOST");
    command
}

/// A running `carrel serve`. Dropped, it is ended with everything it has started.
pub struct Server {
    child: Child,
    binary: PathBuf,
    data: PathBuf,
    settings: Vec<(String, String)>,
    /// `http://127.0.0.1:…`
    pub url: String,
}

impl Server {
    /// Starts it and waits until it can open sessions.
    pub fn start(binary: &Path, data: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let log = data.with_extension("log");
        let mut child = command(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::options().create(true).append(true).open(&log)?)
            .spawn()
            .with_context(|| format!("cannot run {}; `make bench` builds it", binary.display()))?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let url = lines.find_map(|line| Some(line.ok()?.strip_prefix("listening on ")?.to_owned()));
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let (binary, data, url) = (binary.into(), data.canonicalize()?, url.unwrap_or_default());
        let mut server = Self { child, binary, data, settings, url };
        if server.url.is_empty() {
            server.child.wait()?;
            bail!("the server did not start; see {}", log.display());
        }
        let deadline = Instant::now() + READY_PATIENCE;
        while !api::is_ready(&server.url)? {
            anyhow::ensure!(Instant::now() < deadline, "the server does not become ready; see {}", log.display());
            pause(LOOK_AGAIN);
        }
        Ok(server)
    }

    /// The memory it occupies, in KiB.
    pub fn resident_kib(&self) -> anyhow::Result<u64> {
        resident_kib(self.child.id())
    }

    /// Its data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its directory for sockets.
    pub fn run_dir(&self) -> PathBuf {
        self.data.join("run")
    }

    /// Ends it as an operator does; what it has started keeps running for the next.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.terminate()?;
        // Not `drop`, which would end the rest too.
        std::mem::take(&mut self.binary);
        Ok(())
    }

    fn terminate(&mut self) -> anyhow::Result<()> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.binary.as_os_str().is_empty() {
            return;
        }
        let ended = self.terminate();
        let mut down = command(&self.binary);
        down.args(["down", "--discard", "--data-dir"]).arg(&self.data).envs(self.settings.drain(..));
        let down = down.stdout(Stdio::null()).status();
        if ended.is_err() || !down.is_ok_and(|status| status.success()) {
            eprintln!("something may still run in {}: `carrel down` ends it", self.data.display());
        }
    }
}
