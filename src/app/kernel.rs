//! Kernel limits that all sandboxes share, because they count by user id and every sandbox runs as the same one.
//!
//! Without room in them the agent of a new sandbox cannot watch its workspace and has to list it every few seconds instead.

use std::fs;

/// inotify instances each sandbox may need: the agent's own, and some for programs that watch files (editors, test runners).
const INSTANCES_PER_SANDBOX: u64 = 8;

/// Folders watched in each sandbox, as a generous mean; a watch costs the kernel about 1 KiB while it is in use.
const WATCHES_PER_SANDBOX: u64 = 16_384;

/// Raises what is too small for `sandboxes` at once, as root; says what an operator should do otherwise.
pub(super) fn make_room(sandboxes: usize) {
    let sandboxes = sandboxes as u64;
    raise("max_user_instances", INSTANCES_PER_SANDBOX * sandboxes);
    raise("max_user_watches", WATCHES_PER_SANDBOX * sandboxes);
}

fn raise(name: &str, needed: u64) {
    let path = format!("/proc/sys/fs/inotify/{name}");
    let present = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<u64>().ok());
    match present {
        Some(present) if present < needed => match fs::write(&path, needed.to_string()) {
            Ok(()) => tracing::info!("raised fs.inotify.{name} from {present} to {needed} for the sandboxes"),
            Err(error) => {
                tracing::warn!(error = %error, "fs.inotify.{name} is {present}; set it to {needed} with sysctl for this many sandboxes");
            }
        },
        Some(_) => {}
        None => {
            tracing::warn!("cannot read fs.inotify.{name}; sandboxes may have to list their files every few seconds")
        }
    }
}
