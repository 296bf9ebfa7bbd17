//! Leaving nothing: what an engine that was killed, or its containers, would leave on the machine.
//!
//! Everything is found by names of our own ([`Layout::name`], the two directories), never by what it looks like.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{Pid, Signal};

use super::EmbeddedError;
use super::cgroup;
use super::layout::{Layout, file_error};
use super::process::{Process, command_line, is_our_containerd};

/// Where every `containerd` on a machine keeps its shims' sockets, and a system's keeps its state.
const CONTAINERD_STATE: &str = "/run/containerd";

/// Ends and removes what is left of the engine, whose `dockerd` has ended.
pub(super) async fn sweep(layout: &Layout) -> Result<(), EmbeddedError> {
    let sockets = shim_sockets(layout);
    kill_all(processes(layout)).await;
    unmount_below(&[&layout.data_root, &layout.exec_root])?;
    cgroup::remove(&layout.name);
    for socket in &sockets {
        remove(socket, |path| fs::remove_file(path))?;
    }
    for directory in [layout.run_dir.clone(), system_state(layout)] {
        remove(&directory, |path| fs::remove_dir_all(path))?;
    }
    Ok(())
}

/// Everything in our control groups, and the shims, which stand outside them.
fn processes(layout: &Layout) -> Vec<Pid> {
    let mut found = cgroup::processes(&layout.name);
    let Ok(all) = fs::read_dir("/proc") else { return found };
    for pid in all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)) {
        let arguments = command_line(pid);
        let is_shim = arguments.first().is_some_and(|program| {
            program.rsplit(|&byte| byte == b'/').next().is_some_and(|name| name.starts_with(b"containerd-shim"))
        });
        let in_our_name = arguments.windows(2).any(|pair| pair == [&b"-namespace"[..], layout.name.as_bytes()]);
        // A containerd whose dockerd was killed goes with it, if not at once; until then it would look after its shims.
        if (is_shim && in_our_name) || is_our_containerd(layout, &arguments) {
            found.push(pid);
        }
    }
    found
}

async fn kill_all(pids: Vec<Pid>) {
    let handles: Vec<Process> = pids.into_iter().filter_map(Process::open).collect();
    for handle in &handles {
        handle.signal(Signal::KILL);
    }
    for handle in &handles {
        handle.kill().await;
    }
}

/// The sockets of our containers' shims. They are in a directory for the whole machine, under names that say nothing, but each
/// container's state has its own written down.
fn shim_sockets(layout: &Layout) -> Vec<PathBuf> {
    let own = layout.exec_root.join("containerd/daemon/io.containerd.runtime.v2.task").join(&layout.name);
    [own, system_state(layout)]
        .iter()
        .filter_map(|state| fs::read_dir(state).ok())
        .flat_map(Iterator::flatten)
        .filter_map(|container| fs::read_to_string(container.path().join("address")).ok())
        .filter_map(|address| address.trim().strip_prefix("unix://").map(PathBuf::from))
        .filter(|socket| socket.starts_with(Path::new(CONTAINERD_STATE).join("s")))
        .collect()
}

/// Where the machine's own `containerd`, if that served us, keeps our containers' state.
fn system_state(layout: &Layout) -> PathBuf {
    Path::new(CONTAINERD_STATE).join("io.containerd.runtime.v2.task").join(&layout.name)
}

fn unmount_below(roots: &[&PathBuf]) -> Result<(), EmbeddedError> {
    let table = fs::read("/proc/self/mountinfo").map_err(file_error(Path::new("/proc/self/mountinfo")))?;
    // Later mounts may lie on earlier ones.
    for mount in mount_points(&table).into_iter().rev().filter(|mount| roots.iter().any(|root| mount.starts_with(root)))
    {
        match unmount(&mount, UnmountFlags::DETACH) {
            // Gone together with the one above it.
            Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(file_error(&mount)(error.into())),
        }
    }
    Ok(())
}

/// The fifth field of each line of a mountinfo table, with its octal escapes undone.
pub(super) fn mount_points(table: &[u8]) -> Vec<PathBuf> {
    table
        .split(|&byte| byte == b'\n')
        .filter_map(|line| line.split(|&byte| byte == b' ').nth(4))
        .map(|field| PathBuf::from(std::ffi::OsString::from_vec(unescape(field))))
        .collect()
}

fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    bytes
}

fn remove(path: &Path, how: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<(), EmbeddedError> {
    match how(path) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => Err(file_error(path)(why)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_with_their_spaces() {
        let table = b"42 27 254:0 /a /data/engine/root rw,relatime shared:1 - ext4 /dev/vda rw\n\
            93 27 0:4 net:[1] /run/my\\040dir\\134/x rw - nsfs nsfs rw\n\n";
        assert_eq!(mount_points(table), [PathBuf::from("/data/engine/root"), PathBuf::from("/run/my dir\\/x")]);
    }
}
