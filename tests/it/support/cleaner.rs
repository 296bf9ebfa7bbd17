//! Somebody who cleans up after the test process, however it ends: by itself, by a panic, by `kill -9`.
//!
//! A cleaner is a shell that holds the reading end of a pipe whose writing end only the test process has; it runs its script when
//! the kernel closes that. It keeps standard error open until it is done, so whoever reads the tests' output to its end also
//! waits for the cleaning.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Ends every process whose working directory is below `$1`, politely first, and removes `$1` and `$2`. (A PostgreSQL in a mount
/// namespace of its own is found as well: in there its directory has the same path.)
pub const END_PROCESSES_AND_REMOVE: &str = r#"
    users() {
        for process in /proc/[0-9]*; do
            case "$(readlink "$process/cwd" 2>/dev/null)" in "$1"/*) echo "${process#/proc/}" ;; esac
        done
    }
    round=0
    while ids=$(users "$1"); [ -n "$ids" ] && [ $round -lt 200 ]; do
        if [ $round -ge 150 ]; then signal=KILL; elif [ $round -ge 100 ]; then signal=QUIT; else signal=INT; fi
        if [ $((round % 10)) -eq 0 ]; then kill -CONT $ids 2>/dev/null; kill -$signal $ids 2>/dev/null; fi
        sleep 0.05
        round=$((round + 1))
    done
    rm -rf -- "$1" "$2"
"#;

/// Has `script` run with `directories` as `$1`, `$2` … once this process has ended or the value is dropped.
pub fn post(script: &str, directories: &[&Path]) -> Child {
    Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("cat >/dev/null\n{script}"))
        .arg("cleaner")
        .args(directories)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // Ctrl-C is for the tests.
        .process_group(0)
        .spawn()
        .unwrap()
}
