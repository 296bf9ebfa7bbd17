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

    /// A command to be run as this user, in `dir`. (Groups other than its own are dropped with ours.)
    pub(super) fn command(&self, program: &Path, dir: &Path) -> Command {
        let mut command = self.environment(program);
        command.current_dir(dir);
        if let Some((uid, gid)) = self.ids {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// A command to be run as whom we are, with the environment that all of PostgreSQL gets.
    pub(super) fn environment(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        command
    }
}
