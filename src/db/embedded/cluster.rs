//! The cluster's files: made once, whole or not at all, and its settings, which are ours and written before every start.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio_postgres::NoTls;

use super::install::{self, Account};
use super::reach::Way;
use super::{EmbeddedError, ballast};

/// The role Carrel uses; it owns its database and nothing else.
const ROLE: &str = "carrel";
/// Longest folder for a socket: 107 bytes less `/.s.PGSQL.5432` and what PostgreSQL appends for its lock file.
const MAX_SOCKET_DIR_BYTES: usize = 90;
/// Connections beyond the pool's: an operator's `psql`, a server that is just being replaced, autovacuum.
const SPARE_CONNECTIONS: u32 = 20;

/// A cluster that can be started.
pub(super) struct Cluster {
    /// Ours, with all below.
    pub(super) dir: PathBuf,
    /// PostgreSQL's data directory.
    pub(super) data: PathBuf,
    pub(super) bin: PathBuf,
    pub(super) way: Way,
    account: Account,
    run_dir: PathBuf,
}

/// Why a running server cannot be used.
pub(super) enum CheckError {
    Connect(tokio_postgres::Error),
    NotDurable(EmbeddedError),
}

impl From<tokio_postgres::Error> for CheckError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Connect(error)
    }
}

impl Cluster {
    /// Makes what is missing: folders, the cluster, its settings.
    pub(super) async fn prepare(
        dir: &Path,
        run_dir: &Path,
        user: &str,
        connections: u32,
    ) -> Result<Self, EmbeddedError> {
        let (dir, run_dir, user) = (dir.to_owned(), run_dir.to_owned(), user.to_owned());
        let work = move || Self::prepare_blocking(&dir, &run_dir, &user, connections);
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => Err(EmbeddedError::NotReady(error.to_string())),
        }
    }

    fn prepare_blocking(dir: &Path, run_dir: &Path, user: &str, connections: u32) -> Result<Self, EmbeddedError> {
        let account = Account::find(user)?;
        let dir = own_folder(dir, &account)?;
        let run_dir = own_folder(run_dir, &account)?;
        let text = run_dir.to_str().ok_or_else(|| EmbeddedError::SocketPath(run_dir.clone()))?;
        if text.len() > MAX_SOCKET_DIR_BYTES || text.contains(['\'', '"', '\\', ',', '\n']) {
            return Err(EmbeddedError::SocketPath(run_dir));
        }
        let data = data_in(&dir);
        let version = fs::read_to_string(data.join("PG_VERSION")).ok();
        let bin = install::find(version.as_deref().map(str::trim), &data)?;
        let way = Way::find(account.clone(), &bin, &dir, &run_dir)?;
        own_folder(&dir.join("log"), &account)?;
        let cluster = Self { data, bin, way, account, run_dir, dir };
        if version.is_none() {
            cluster.create()?;
        } else if cluster.account.ids.is_none() {
            let owner = fs::metadata(&cluster.data).map_err(|e| io("cannot read", &cluster.data, e))?.uid();
            if owner != nix::unistd::geteuid().as_raw() {
                return Err(EmbeddedError::NotOurs(cluster.data));
            }
        }
        cluster.write_settings(connections)?;
        Ok(cluster)
    }

    /// Makes the cluster under another name, with role and database, and renames it when all is on disk.
    fn create(&self) -> Result<(), EmbeddedError> {
        tracing::info!(dir = %self.data.display(), "making a PostgreSQL cluster");
        for entry in fs::read_dir(&self.dir).map_err(|e| io("cannot read", &self.dir, e))?.flatten() {
            // Left behind by one who was stopped in the middle.
            if entry.file_name().to_string_lossy().starts_with("new-cluster-") {
                fs::remove_dir_all(entry.path()).map_err(|e| io("cannot remove", &entry.path(), e))?;
            }
        }
        let new = self.dir.join(format!("new-cluster-{}", std::process::id()));
        let mut initdb = self.way.command(&self.bin.join("initdb"), &self.dir);
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--data-checksums"]);
        let output = initdb.arg("--pgdata").arg(&new).stdin(Stdio::null()).output();
        succeeded("initdb", output, &self.bin)?;
        let sql = format!("create role {ROLE} login\ncreate database {ROLE} owner {ROLE}\n");
        let mut single = self.way.command(&self.bin.join("postgres"), &self.dir);
        single
            .args(["--single", "-j", "-c", "exit_on_error=true", "-c", "log_checkpoints=off", "-D"])
            .arg(&new)
            .arg("postgres");
        let mut child = single
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| io("cannot start", &self.bin.join("postgres"), e))?;
        if let Some(mut stdin) = child.stdin.take() {
            // With -j a statement ends at a semicolon followed by an empty line.
            let sql = sql.replace('\n', ";\n\n");
            stdin.write_all(sql.as_bytes()).map_err(|e| io("cannot write to", &self.bin.join("postgres"), e))?;
        }
        succeeded("postgres --single", child.wait_with_output(), &self.bin)?;
        fs::rename(&new, &self.data).map_err(|e| io("cannot rename", &new, e))?;
        let folder = fs::File::open(&self.dir).map_err(|e| io("cannot open", &self.dir, e))?;
        folder.sync_all().map_err(|e| io("cannot sync", &self.dir, e))
    }

    fn write_settings(&self, connections: u32) -> Result<(), EmbeddedError> {
        let run_dir = self.run_dir.display();
        let connections = connections + SPARE_CONNECTIONS;
        // What PostgreSQL logs as ERROR we get as an answer and log ourselves: left out, the log cannot be flooded.
        let text = format!(
            "# Written by Carrel before every start. Changes belong into postgresql.auto.conf (`alter system`).
listen_addresses = ''
unix_socket_directories = '\"{run_dir}\"'
unix_socket_permissions = 0700
port = 5432
max_connections = {connections}
shared_buffers = 64MB
max_wal_size = 512MB
max_parallel_workers_per_gather = 0
jit = off
fsync = on
synchronous_commit = on
full_page_writes = on
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = '../log'
log_filename = 'postgres-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_min_messages = log
log_checkpoints = off
log_line_prefix = '%m [%p] '
"
        );
        let (path, new) = (self.data.join("postgresql.conf"), self.data.join("postgresql.conf.new"));
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        ballast::retry_when_full(&self.dir, || write_owned(&new, &text, &self.account))
            .and_then(|()| fs::rename(&new, &path))
            .map_err(|e| io("cannot write", &path, e))
    }

    /// Where to connect; an adopted server may have its socket elsewhere.
    pub(super) fn url(&self, socket_dir: Option<&Path>) -> String {
        url(socket_dir.unwrap_or(&self.run_dir))
    }

    /// Whether the server accepts connections and keeps what it answers.
    pub(super) async fn check(&self, url: &str) -> Result<(), CheckError> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let driver = tokio::spawn(connection);
        let settings = ["fsync", "synchronous_commit", "full_page_writes"];
        let sql = "select current_setting($1)";
        for setting in settings {
            let value: String = client.query_one(sql, &[&setting]).await?.try_get(0)?;
            if value != "on" {
                let auto = self.data.join("postgresql.auto.conf");
                return Err(CheckError::NotDurable(EmbeddedError::NotDurable { setting, value, auto }));
            }
        }
        drop(client);
        let _ = driver.await;
        Ok(())
    }

    /// The file that gets what PostgreSQL says before its log is open.
    pub(super) fn start_log(&self) -> PathBuf {
        self.dir.join("log/start.log")
    }

    /// What PostgreSQL said last when it was started.
    pub(super) fn last_words(&self) -> String {
        let text = fs::read(self.start_log()).unwrap_or_default();
        tail(&text)
    }
}

/// PostgreSQL's own part of the directory we are given.
pub(super) fn data_in(dir: &Path) -> PathBuf {
    dir.join("cluster")
}

/// The address of a server whose socket is in `dir`.
pub(super) fn url(dir: &Path) -> String {
    let mut host = String::new();
    for byte in dir.display().to_string().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            host.push(char::from(byte));
        } else {
            host.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("postgres://{ROLE}@{host}/{ROLE}")
}

/// Makes a folder that only `account` and root can enter. Its canonical path.
fn own_folder(path: &Path, account: &Account) -> Result<PathBuf, EmbeddedError> {
    fs::create_dir_all(path).map_err(|e| io("cannot make", path, e))?;
    let path = path.canonicalize().map_err(|e| io("cannot find", path, e))?;
    let metadata = fs::metadata(&path).map_err(|e| io("cannot read", &path, e))?;
    if let Some((uid, gid)) = account.ids {
        if metadata.uid() != uid {
            chown(&path, Some(uid), Some(gid)).map_err(|e| io("cannot give away", &path, e))?;
        }
    } else if metadata.uid() != nix::unistd::geteuid().as_raw() {
        return Err(EmbeddedError::NotOurs(path));
    }
    if metadata.permissions().mode() & 0o777 != 0o700 {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).map_err(|e| io("cannot close", &path, e))?;
    }
    Ok(path)
}

fn write_owned(path: &Path, text: &str, account: &Account) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    if let Some((uid, gid)) = account.ids {
        chown(path, Some(uid), Some(gid))?;
    }
    file.sync_all()
}

fn succeeded(program: &'static str, output: std::io::Result<Output>, bin: &Path) -> Result<(), EmbeddedError> {
    let output = output.map_err(|e| io("cannot start a program in", bin, e))?;
    if output.status.success() {
        return Ok(());
    }
    Err(EmbeddedError::Program { program, output: format!("{} ({})", tail(&output.stderr), output.status) })
}

/// The last lines of what a program said.
pub(super) fn tail(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("; ")
}

pub(super) fn io(what: &'static str, path: &Path, source: std::io::Error) -> EmbeddedError {
    EmbeddedError::Io { what, path: path.to_owned(), source }
}
