//! Where our own engine keeps what it keeps, and what it is told.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::EmbeddedError;

/// The longest path a unix socket can have.
const SOCKET_PATH_BYTES: usize = 107;

/// The longest of the sockets `dockerd` and its `containerd` make below the exec root.
const LONGEST_SOCKET: &str = "containerd/containerd-debug.sock";

/// `dockerd.log` is emptied beyond this many bytes; one older file is kept.
const LOG_BYTES: u64 = 8 << 20;

/// Bytes of the log shown in an error.
const LAST_WORDS_BYTES: u64 = 1500;

/// Paths and names of one engine. All derive from the data directory and the run directory, so that another process finds the
/// same.
#[derive(Clone, Debug)]
pub struct Layout {
    /// What is kept.
    data_dir: PathBuf,
    /// What is there while it runs.
    pub(super) run_dir: PathBuf,
    /// Images and containers.
    pub(super) data_root: PathBuf,
    /// `dockerd`'s and `containerd`'s state and sockets.
    pub(super) exec_root: PathBuf,
    /// Where `dockerd` writes its process id.
    pub(super) pid_file: PathBuf,
    /// Its API.
    pub(super) socket: PathBuf,
    /// Its configuration; in its command line, which is how we know it from another `dockerd`.
    pub(super) config: PathBuf,
    /// What it says.
    pub(super) log: PathBuf,
    /// Its control groups and its name space in `containerd`, distinct for every data directory.
    pub(super) name: String,
}

impl Layout {
    /// Makes the directories.
    pub(super) fn make(data_dir: &Path, run_dir: &Path) -> Result<Self, EmbeddedError> {
        // Directories of its own: images and logs are nobody else's business, nor is the socket, which gives root.
        let data_dir = private_dir(&data_dir.join("engine"))?;
        let run_dir = private_dir(&run_dir.join("engine"))?;
        let layout = Self {
            data_root: data_dir.join("root"),
            exec_root: run_dir.join("exec"),
            pid_file: run_dir.join("dockerd.pid"),
            socket: run_dir.join("docker.sock"),
            config: data_dir.join("daemon.json"),
            log: data_dir.join("dockerd.log"),
            name: format!("carrel-{}", &hex::encode(Sha256::digest(data_dir.as_os_str().as_bytes()))[..12]),
            data_dir,
            run_dir,
        };
        for path in [layout.exec_root.join(LONGEST_SOCKET), layout.socket.clone()] {
            let length = path.as_os_str().len();
            if length > SOCKET_PATH_BYTES {
                return Err(EmbeddedError::PathTooLong { path, length });
            }
        }
        Ok(layout)
    }

    /// Makes the directories again, should somebody have removed them, and writes the configuration.
    pub(super) fn prepare(&self) -> Result<(), EmbeddedError> {
        private_dir(&self.data_dir)?;
        private_dir(&self.run_dir)?;
        let config = format!("{:#}\n", self.daemon_config());
        fs::write(&self.config, config).map_err(file_error(&self.config))
    }

    /// The API's address.
    pub(super) fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Everything `dockerd` is told. Its command line names this file, and what a file cannot say
    /// ([`Daemon::spawn`](super::process::Daemon::spawn)).
    fn daemon_config(&self) -> serde_json::Value {
        json!({
            "data-root": self.data_root,
            "exec-root": self.exec_root,
            "pidfile": self.pid_file,
            "hosts": [self.host()],
            "group": "root",
            // Containers run on while dockerd is away.
            "live-restore": true,
            // No network of any kind: sandboxes have none, and the host's rules are not ours to change.
            "bridge": "none",
            "iptables": false,
            "ip-forward": false,
            "ip-masq": false,
            "userland-proxy": false,
            "log-driver": "none",
            "log-level": "warn",
            "no-new-privileges": true,
            // A plain path works on every machine; under systemd's driver it would have to be a slice.
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "cgroup-parent": format!("/{}", self.name),
            // dockerd joins a system's containerd where one runs: there, too, nothing may be mixed up with the machine's own engine.
            "containerd-namespace": self.name,
        })
    }

    /// The log, for appending.
    pub(super) fn open_log(&self) -> Result<fs::File, EmbeddedError> {
        fs::File::options().create(true).append(true).open(&self.log).map_err(file_error(&self.log))
    }

    /// Puts an overlong log aside, of a running `dockerd` too: it appends, wherever the end is. Lines it writes in between are
    /// lost.
    pub(super) fn trim_log(&self) -> std::io::Result<()> {
        match fs::metadata(&self.log) {
            Ok(log) if log.len() > LOG_BYTES => {
                fs::copy(&self.log, self.log.with_extension("log.1"))?;
                fs::File::options().write(true).open(&self.log)?.set_len(0)
            }
            _ => Ok(()),
        }
    }

    /// The end of the log, in one line.
    pub(super) fn last_words(&self) -> String {
        let read = || {
            let mut file = fs::File::open(&self.log)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS_BYTES)))?;
            let mut bytes = Vec::new();
            file.take(LAST_WORDS_BYTES).read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&bytes).trim().replace('\n', " | "))
        };
        read().unwrap_or_else(|error| format!("(unreadable: {error})"))
    }
}

/// Makes a directory only its owner can enter, and gives its absolute path without links: mounts are listed under that.
fn private_dir(path: &Path) -> Result<PathBuf, EmbeddedError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(file_error(path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(file_error(path))?;
    fs::canonicalize(path).map_err(file_error(path))
}

pub(super) fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> EmbeddedError {
    let path = path.to_owned();
    |why| EmbeddedError::File { path, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_opens_nothing_to_a_network_and_shares_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (data, run) = (dir.path().join("data"), dir.path().join("run"));
        let layout = Layout::make(&data, &run).unwrap();
        layout.prepare().unwrap();
        let config: serde_json::Value = serde_json::from_slice(&fs::read(&layout.config).unwrap()).unwrap();
        assert_eq!(config["hosts"], json!([format!("unix://{}/run/engine/docker.sock", dir.path().display())]));
        assert_eq!(config["bridge"], "none");
        assert_eq!(config["iptables"], false);
        assert_eq!(config["live-restore"], true);
        assert_eq!(config["cgroup-parent"], format!("/{}", layout.name));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&run.join("engine")), mode(&data.join("engine"))), (0o700, 0o700));

        let other = Layout::make(&dir.path().join("other"), &run).unwrap();
        assert_ne!(other.name, layout.name);
        assert_eq!(Layout::make(&data, &run).unwrap().name, layout.name);
    }

    #[test]
    fn a_run_directory_too_deep_for_sockets_is_refused_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let error = Layout::make(dir.path(), &dir.path().join("x".repeat(100))).unwrap_err().to_string();
        assert!(error.contains("at most 107") && error.contains("shorter run directory"), "{error}");
    }

    #[test]
    fn an_overlong_log_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::make(dir.path(), &dir.path().join("run")).unwrap();
        fs::File::create(&layout.log).unwrap().set_len(LOG_BYTES + 1).unwrap();
        layout.trim_log().unwrap();
        assert_eq!(fs::metadata(&layout.log).unwrap().len(), 0);
        layout.trim_log().unwrap();
        assert_eq!(fs::metadata(dir.path().join("engine/dockerd.log.1")).unwrap().len(), LOG_BYTES + 1);
    }
}
