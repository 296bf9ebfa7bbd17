//! Control groups: made available where no init system has, and removed where a killed engine has left them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::process::Pid;

use super::EmbeddedError;

/// Where they are mounted by convention.
const ROOT: &str = "/sys/fs/cgroup";

/// Controllers without which limits would not hold.
const NEEDED: [&str; 3] = ["cpu", "memory", "pids"];

/// Mounts them if nobody has, as Debian's `cgroupfs-mount` does.
pub(super) async fn ensure_mounted() -> Result<(), EmbeddedError> {
    // Two engines of one process must not mount over each other.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    // Reading and mounting are quick, but may wait for other mounts.
    let mounted = tokio::task::spawn_blocking(|| {
        let _one = ONE_AT_A_TIME.lock();
        if hierarchies().is_empty() { mount_all() } else { Ok(()) }
    })
    .await;
    let problem = match mounted {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(why)) => why.to_string(),
        Err(panic) => panic.to_string(),
    };
    Err(EmbeddedError::NoCgroups { why: problem })
}

/// The unified hierarchy where it has all controllers, else one hierarchy for each, as the kernel was started.
fn mount_all() -> std::io::Result<()> {
    let none = c"";
    mount("cgroup2", ROOT, "cgroup2", MountFlags::empty(), none)?;
    let controllers = fs::read_to_string(Path::new(ROOT).join("cgroup.controllers")).unwrap_or_default();
    if NEEDED.iter().all(|needed| controllers.split_whitespace().any(|controller| controller == *needed)) {
        tracing::info!("mounted the unified control group hierarchy at {ROOT}");
        return Ok(());
    }
    unmount(ROOT, UnmountFlags::empty())?;
    mount("cgroup_root", ROOT, "tmpfs", MountFlags::empty(), c"mode=755")?;
    for controller in controllers_v1(&fs::read_to_string("/proc/cgroups")?) {
        let directory = Path::new(ROOT).join(&controller);
        fs::create_dir_all(&directory)?;
        let options = std::ffi::CString::new(controller.as_str())?;
        let mounted = mount("cgroup", &directory, "cgroup", MountFlags::empty(), options.as_c_str());
        if let Err(error) = mounted
            && NEEDED.contains(&controller.as_str())
        {
            return Err(std::io::Error::other(format!("controller {controller}: {error}")));
        }
    }
    tracing::info!("mounted the control group controllers below {ROOT}");
    Ok(())
}

/// Names of the enabled controllers in `/proc/cgroups`.
fn controllers_v1(table: &str) -> Vec<String> {
    let fields = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(fields)
        .filter(|fields| fields.get(3).is_some_and(|enabled| enabled == "1"))
        .filter_map(|fields| fields.into_iter().next())
        .collect()
}

/// Where hierarchies are mounted.
fn hierarchies() -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (path, kind) = (fields.next()?, fields.next()?);
            matches!(kind, "cgroup" | "cgroup2").then(|| PathBuf::from(path))
        })
        .collect()
}

/// Everything that runs in groups below `name`, in every hierarchy.
pub(super) fn processes(name: &str) -> Vec<Pid> {
    let mut found: Vec<Pid> = groups(name)
        .iter()
        .filter_map(|group| fs::read_to_string(group.join("cgroup.procs")).ok())
        .flat_map(|list| list.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect::<Vec<_>>())
        .collect();
    found.sort_unstable_by_key(|pid| pid.as_raw_nonzero());
    found.dedup();
    found
}

/// Removes the groups below `name`, and `name` itself. One that is still in use stays and is told: it holds nothing but memory.
pub(super) fn remove(name: &str) {
    for group in groups(name).iter().rev() {
        if let Err(error) = fs::remove_dir(group) {
            tracing::warn!(cgroup.path = %group.display(), %error, "could not remove a control group");
        }
    }
}

/// The group `name` and all below it, parents before children.
fn groups(name: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        hierarchies().into_iter().map(|hierarchy| hierarchy.join(name)).filter(|group| group.is_dir()).collect();
    let mut next = 0;
    while let Some(group) = found.get(next) {
        let children: Vec<PathBuf> = fs::read_dir(group)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect();
        found.extend(children);
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enabled_controllers_are_read_from_the_kernel_s_table() {
        let table =
            "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t3\t1\t1\nmemory\t4\t2\t1\nhugetlb\t0\t1\t0\n";
        assert_eq!(controllers_v1(table), ["cpuset", "memory"]);
    }
}
