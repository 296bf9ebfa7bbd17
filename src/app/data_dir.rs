//! The data directory: who this server is, and that it is the only one here.
//!
//! ```text
//! <data>/instance    a UUID; names this server's containers for ever
//! <data>/server.id   a UUID; names this server among those that share its database
//! <data>/lock        held while a server runs
//! <data>/postgres/   the embedded cluster       <data>/engine/   the embedded Docker Engine
//! <data>/images/     root file systems built    <data>/run/      sockets, where the path is short enough
//! <data>/staging/    uploads on their way               <data>/volumes/  workspaces, while their sandboxes live
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::model::ServerId;

/// Longest directory below which every socket of ours still has a legal name: a unix socket's path has at most 107 bytes, and the longest
/// tail is `/l/<32 digits>/m/agent.sock`.
const MAX_RUN_DIR_BYTES: usize = 107 - 48;

/// A data directory that is ours for as long as this value lives.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    run: PathBuf,
    instance: Uuid,
    server: ServerId,
    _lock: Flock<File>,
}

impl DataDir {
    /// Makes or finds the directory and locks it.
    ///
    /// # Errors
    /// When it cannot be made, or another server has it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let make = || fs::DirBuilder::new().recursive(true).mode(0o711).create(path);
        make().with_context(|| {
            format!("cannot make the data directory {}; choose another with --data-dir", path.display())
        })?;
        let root = path.canonicalize().with_context(|| format!("cannot find the data directory {}", path.display()))?;
        let lock = lock(&root)?;
        let instance = kept_id(&root, "instance")?;
        let server = ServerId(kept_id(&root, "server.id")?);
        let run = run_dir(&root)?;
        Ok(Self { root, run, instance, server, _lock: lock })
    }

    /// The directory itself, as an absolute path.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A directory in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The directory for sockets; short.
    #[must_use]
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// Names this server's containers.
    #[must_use]
    pub fn instance(&self) -> Uuid {
        self.instance
    }

    /// Names this server in the database.
    #[must_use]
    pub fn server(&self) -> ServerId {
        self.server
    }

    /// Removes the directory for sockets, when nothing uses it any more.
    ///
    /// # Errors
    /// Of the file system.
    pub fn remove_run(&self) -> anyhow::Result<()> {
        match fs::remove_dir_all(&self.run) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.run.display()))
            }
            _ => Ok(()),
        }
    }
}

fn lock(root: &Path) -> anyhow::Result<Flock<File>> {
    let path = root.join("lock");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            // For people who look which process it is; the lock itself is what counts.
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "{}", std::process::id()))?;
            Ok(lock)
        }
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => {
            let pid = fs::read_to_string(&path).unwrap_or_default();
            bail!(
                "another Carrel (process {}) uses {}; stop it, or choose another directory with --data-dir",
                pid.trim(),
                root.display()
            )
        }
        Err((_, error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// The id in a file of this name, made when there is none.
fn kept_id(root: &Path, name: &str) -> anyhow::Result<Uuid> {
    let path = root.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().with_context(|| format!("{} does not hold a UUID", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = Uuid::new_v4();
            let fresh = root.join(format!("{name}.new"));
            fs::write(&fresh, format!("{id}\n")).with_context(|| format!("cannot write {}", fresh.display()))?;
            fs::rename(&fresh, &path).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(id)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// `<data>/run`, or a directory with a short name that belongs to it.
fn run_dir(root: &Path) -> anyhow::Result<PathBuf> {
    let inside = root.join("run");
    let run = if inside.as_os_str().len() <= MAX_RUN_DIR_BYTES {
        inside
    } else {
        let hash = Sha256::digest(root.as_os_str().as_encoded_bytes());
        let base = if geteuid().is_root() { Path::new("/run") } else { Path::new("/tmp") };
        base.join(format!("carrel-{}", hex::encode(&hash[..6])))
    };
    let made = fs::DirBuilder::new().recursive(true).mode(0o711).create(&run);
    made.with_context(|| format!("cannot make {}", run.display()))?;
    let meta = fs::symlink_metadata(&run).with_context(|| format!("cannot look at {}", run.display()))?;
    if !meta.is_dir() || meta.uid() != geteuid().as_raw() {
        bail!("{} belongs to somebody else; remove it, or choose a shorter --data-dir", run.display());
    }
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_refused_and_the_instance_stays() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let first = DataDir::open(dir.path()).expect("free");
        let error = DataDir::open(dir.path()).expect_err("taken").to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        let ids = (first.instance(), first.server());
        drop(first);
        let again = DataDir::open(dir.path()).expect("free again");
        assert_eq!((again.instance(), again.server()), ids);
    }

    #[test]
    fn a_long_path_gets_a_short_directory_for_sockets() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let data = DataDir::open(&dir.path().join("d".repeat(80))).expect("made");
        assert!(data.run().as_os_str().len() <= MAX_RUN_DIR_BYTES, "{}", data.run().display());
        data.remove_run().expect("removed");
        assert!(!data.run().exists());
    }
}
