//! The root file system's recipe: the script `sandbox/rootfs/build`, carried inside the server.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, geteuid};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::{HASH_DIGITS, ImageError, ImageProgress};
use crate::engine::embedded::find_program;

/// The script. Its hash names what it makes.
pub(super) const TEXT: &str = include_str!("../../../sandbox/rootfs/build");

/// How long it may take: a few minutes of downloads, thrice.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Lines of its output kept for an error.
const LAST_LINES: usize = 12;

/// Name of the archive this recipe makes.
pub(super) fn archive_name() -> String {
    format!("rootfs-{}.tar", &hex::encode(Sha256::digest(TEXT))[..HASH_DIGITS])
}

/// Runs the recipe in `directory` and gives the archive it made.
pub(super) async fn run(
    directory: &Path,
    progress: &(impl Fn(ImageProgress) + Send + Sync),
) -> Result<PathBuf, ImageError> {
    if !geteuid().is_root() {
        return Err(ImageError::RecipeNeeds { needs: "needs root: run Carrel as root once, or `make image`" });
    }
    if find_program("mmdebstrap").is_none() {
        return Err(ImageError::RecipeNeeds { needs: "needs mmdebstrap: apt-get install mmdebstrap" });
    }
    tracing::info!(image.directory = %directory.display(), "building the sandboxes' root file system; this takes some minutes");
    let script = directory.join("build");
    let written = async {
        tokio::fs::create_dir_all(directory).await?;
        // A file and not a pipe: the script hashes itself and calls itself again.
        tokio::fs::write(&script, TEXT).await
    };
    written.await.map_err(|why| ImageError::File { path: script.clone(), why })?;
    let archive = directory.join(archive_name());
    match tokio::time::timeout(PATIENCE, run_script(&script, directory, progress)).await {
        Ok(result) => result?,
        Err(_) => {
            return Err(ImageError::RecipeFailed { status: "took too long".into(), last_words: String::new() });
        }
    }
    Ok(archive)
}

async fn run_script(
    script: &Path,
    directory: &Path,
    progress: &(impl Fn(ImageProgress) + Send + Sync),
) -> Result<(), ImageError> {
    let failed = |why| ImageError::File { path: script.to_owned(), why };
    let mut child = Command::new("bash")
        .arg(script)
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let mut group = KillGroupOnDrop::of(child.id());
    let mut last = VecDeque::with_capacity(LAST_LINES);
    if let Some(output) = child.stderr.take() {
        // A bound on a line too: apt's progress has none.
        let mut lines = BufReader::new(output);
        let mut line = Vec::new();
        while (&mut lines).take(4096).read_until(b'\n', &mut line).await.map_err(failed)? > 0 {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            tracing::debug!(image.line = %text, "root file system");
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(text.clone());
            progress(ImageProgress::Building(text));
        }
    }
    let status = child.wait().await.map_err(failed)?;
    group.0 = None;
    if status.success() {
        return Ok(());
    }
    let last_words = last.make_contiguous().join(" | ");
    Err(ImageError::RecipeFailed { status: status.to_string(), last_words })
}

/// Ends the script and all it started when nobody waits for it any more; its own trap cleans up.
struct KillGroupOnDrop(Option<Pid>);

impl KillGroupOnDrop {
    fn of(pid: Option<u32>) -> Self {
        Self(pid.and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw))
    }
}

impl Drop for KillGroupOnDrop {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended by itself.
            let _ = killpg(group, Signal::SIGTERM);
        }
    }
}
