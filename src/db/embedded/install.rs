//! Finds PostgreSQL's programs and the system user they run as.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::EmbeddedError;

/// Where Debian keeps one folder per major version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Folders with `postgres` and `initdb` in them, those of newer versions first.
pub(super) fn candidates() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = versions.into_iter().map(|(_, bin)| bin).chain(std::env::split_paths(&path));
    found.filter(|bin| bin.join("postgres").is_file() && bin.join("initdb").is_file()).collect()
}

/// The programs for a cluster of major version `version`, or the newest ones.
pub(super) fn find(version: Option<&str>, cluster: &Path) -> Result<PathBuf, EmbeddedError> {
    let candidates = candidates();
    if candidates.is_empty() {
        return Err(EmbeddedError::NotInstalled);
    }
    let fits = |bin: &PathBuf| version.is_none_or(|version| major(bin).as_deref() == Some(version));
    candidates.into_iter().find(fits).ok_or_else(|| EmbeddedError::OtherVersion {
        cluster: cluster.to_owned(),
        version: version.unwrap_or_default().to_owned(),
    })
}

/// The major version of the programs in `bin`: from the folder's name, else by asking.
fn major(bin: &Path) -> Option<String> {
    if let Ok(rest) = bin.strip_prefix(DEBIAN) {
        return rest.iter().next()?.to_str().map(str::to_owned);
    }
    let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    // "postgres (PostgreSQL) 15.20 (Debian …)"
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next().map(str::to_owned)
}

/// Whom PostgreSQL runs as.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) name: String,
    /// Ids to change to; `None` when we run as that user already.
    pub(super) ids: Option<(u32, u32)>,
}

impl Account {
    /// Ourselves; `user` when we are root.
    pub(super) fn find(user: &str) -> Result<Self, EmbeddedError> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(Self { name: "that runs Carrel".into(), ids: None });
        }
        match nix::unistd::User::from_name(user) {
            Ok(Some(found)) if !found.uid.is_root() => {
                Ok(Self { name: user.to_owned(), ids: Some((found.uid.as_raw(), found.gid.as_raw())) })
            }
            _ => Err(EmbeddedError::NoUser(user.to_owned())),
        }
    }

    /// A command to be run as this user, in `dir`, with an environment of its own. (Groups other than its own are dropped with ours.)
    pub(super) fn command(&self, program: PathBuf, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(dir).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        if let Some((uid, gid)) = self.ids {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes sure that this user can get to `dir`, by trying.
    pub(super) fn must_reach(&self, bin: &Path, dir: &Path) -> Result<(), EmbeddedError> {
        match self.command(bin.join("postgres"), dir).arg("--version").output() {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(EmbeddedError::Unreachable {
                user: self.name.clone(),
                path: dir.to_owned(),
                closed: closed_above(dir)
                    .map_or_else(String::new, |closed| format!(" because of {}", closed.display())),
            }),
            Err(source) => Err(EmbeddedError::Io { what: "cannot start", path: bin.join("postgres"), source }),
        }
    }
}

/// The topmost folder above `dir` that is closed to others.
fn closed_above(dir: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let above: Vec<&Path> = dir.ancestors().skip(1).collect();
    let is_closed =
        |path: &&&Path| std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 == 0);
    above.iter().rev().find(is_closed).map(|path| path.to_path_buf())
}
