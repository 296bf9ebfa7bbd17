//! Lets the system user reach the cluster when a folder above is closed to it: a clone below a home of mode 0700, say.
//!
//! PostgreSQL then runs in a mount namespace of its own. In there an empty, open folder lies over each closed one, and in it, at
//! their own paths, the folders PostgreSQL needs and nothing else:
//!
//! ```text
//!   ours                                      PostgreSQL's
//!   /home/ann            0700 ann             /home/ann            0755 root, a tmpfs
//!   /home/ann/…          …                    /home/ann/…          0755 root, empty but for
//!   /home/ann/…/postgres 0700 postgres  ◀───▶ /home/ann/…/postgres 0700 postgres, the same folder
//! ```
//!
//! **Invariants.** Every path means the same inside and outside: in settings, in `postmaster.pid`, in `/proc/PID/cwd`, in our URL; so
//! a cluster may be used through the namespace today and without it tomorrow. The namespace goes with its last process, its
//! mounts with it, and ours never has them. What is mounted elsewhere below a closed folder is let go of: a copy that nobody sees would
//! keep what is unmounted outside busy, a sandbox's volume above all. All that is started replaces its parent, so the child's process id is PostgreSQL's.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::EmbeddedError;
use super::cluster::{io, tail};
use super::install::Account;

/// `sh -c ENTER sh UID GID CWD DIR RUN_DIR CLOSED… -- PROGRAM ARGUMENT…`, in a new mount namespace. The descriptors keep hold of what
/// gets hidden; the `/.` has them opened, not read as the symbolic links they are. `--rbind` brings along what is mounted below. The
/// table of mounts is read whole before it changes; white space in a name stands in it as `\040`, which `%b` reads.
const ENTER: &str = r#"
set -e
uid=$1 gid=$2 cwd=$3 dir=$4 run=$5
shift 5
exec 3<"$dir" 4<"$run"
while [ "$1" != -- ]; do
    while read -r _ _ _ _ point _; do
        point=$(printf '%b' "$point")
        case $dir/ in "$point"/*) continue ;; esac
        case $run/ in "$point"/*) continue ;; esac
        case $point in "$dir"/* | "$run"/*) continue ;; esac
        case $point in "$1"/*) umount -n -l -- "$point" 2>/dev/null || true ;; esac
    done <<TABLE
$(cat /proc/self/mountinfo)
TABLE
    mount -n -t tmpfs -o mode=755,size=1m,nosuid,nodev,noexec carrel "$1"
    shift
done
shift
(umask 022 && mkdir -p -- "$dir" "$run")
mount -n -c --rbind /proc/self/fd/3/. "$dir"
mount -n -c --rbind /proc/self/fd/4/. "$run"
exec 3<&- 4<&-
cd -- "$cwd"
exec setpriv --reuid="$uid" --regid="$gid" --clear-groups -- "$@"
"#;

/// How PostgreSQL's programs get to the cluster's folders.
pub(super) struct Way {
    account: Account,
    dir: PathBuf,
    run_dir: PathBuf,
    /// The topmost closed folder above each of the two; none: they can be reached as they are.
    closed: Vec<PathBuf>,
}

impl Way {
    /// Finds out, by trying; the programs in `bin` are started for that.
    pub(super) fn find(account: Account, bin: &Path, dir: &Path, run_dir: &Path) -> Result<Self, EmbeddedError> {
        let mut closed = Vec::new();
        for place in [dir, run_dir] {
            if !can_reach(&account, bin, place)? {
                let folder = topmost_closed(&account, bin, place)?;
                if !closed.contains(&folder) {
                    closed.push(folder);
                }
            }
        }
        let way = Self { account, dir: dir.to_owned(), run_dir: run_dir.to_owned(), closed };
        for place in [dir, run_dir] {
            way.try_out(bin, place)?;
        }
        if !way.closed.is_empty() {
            tracing::info!(user = way.account.name, closed = ?way.closed, "PostgreSQL runs in a mount namespace of its own");
        }
        Ok(way)
    }

    /// A command to be run by the system user, in `cwd`, which is one of the two folders or lies below.
    pub(super) fn command(&self, program: &Path, cwd: &Path) -> Command {
        let Some((uid, gid)) = self.account.ids.filter(|_| !self.closed.is_empty()) else {
            return self.account.command(program, cwd);
        };
        let mut command = self.account.environment(Path::new("unshare"));
        // Not `private`: what is unmounted outside must not stay mounted, and busy, in here.
        command.args(["--mount", "--propagation", "slave", "--", "sh", "-c", ENTER, "sh"]);
        command.args([uid.to_string(), gid.to_string()]).args([cwd, &self.dir, &self.run_dir]).args(&self.closed);
        command.arg("--").arg(program).current_dir("/");
        command
    }

    /// Makes sure that the namespace works where one is needed.
    fn try_out(&self, bin: &Path, place: &Path) -> Result<(), EmbeddedError> {
        let Some(closed) = self.closed.iter().find(|closed| place.starts_with(closed)) else { return Ok(()) };
        let why = match self.command(&bin.join("postgres"), place).arg("--version").output() {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => tail(&output.stderr),
            Err(error) => format!("cannot start unshare: {error}"),
        };
        Err(EmbeddedError::Unreachable {
            user: self.account.name.clone(),
            path: place.to_owned(),
            closed: closed.clone(),
            why,
        })
    }
}

/// The folder nearest to the root that `account` cannot enter, of those above `place`.
fn topmost_closed(account: &Account, bin: &Path, place: &Path) -> Result<PathBuf, EmbeddedError> {
    let above: Vec<&Path> = place.ancestors().skip(1).collect();
    for folder in above.into_iter().rev() {
        if !can_reach(account, bin, folder)? {
            return Ok(folder.to_owned());
        }
    }
    // Nothing above it: it is opened itself.
    Ok(place.to_owned())
}

/// Whether `account` can enter `folder`. Permission bits alone would not tell: there are groups, access lists, file systems.
fn can_reach(account: &Account, bin: &Path, folder: &Path) -> Result<bool, EmbeddedError> {
    let program = bin.join("postgres");
    match account.command(&program, folder).arg("--version").output() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::PermissionDenied && account.ids.is_some() => Ok(false),
        Err(error) => Err(io("cannot start", &program, error)),
    }
}
