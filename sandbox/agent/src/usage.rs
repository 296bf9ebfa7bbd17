//! What the sandbox takes: read from its control group, or added up from `/proc` where that shows nothing.

use std::fs;
use std::path::Path;

use carrel_protocol::Usage;
use rustix::fs::{OFlags, fstatvfs};
use rustix::process::getpid;

use crate::files::beneath::Root;
use crate::processes;

/// Where a container sees its own control groups.
const CGROUP: &str = "/sys/fs/cgroup";

/// What a control group tells of the whole sandbox, the agent included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Group {
    cpu_ms: Option<u64>,
    memory_bytes: Option<u64>,
    tasks: Option<u64>,
}

/// Measures everything but what goes through terminals, which `counted` holds already.
#[must_use]
pub fn measure(workspace: &Root, counted: Usage) -> Usage {
    // As an ordinary process we would read what the whole machine takes.
    let group = if getpid().is_init() { read_group(Path::new(CGROUP)) } else { Group::default() };
    let sum = processes::sum();
    let (disk_bytes, disk_total_bytes) = disk(workspace);
    Usage {
        cpu_ms: group.cpu_ms.unwrap_or(sum.cpu_ms),
        memory_bytes: group.memory_bytes.unwrap_or(sum.memory_bytes),
        processes: group.tasks.map_or(sum.tasks, |tasks| tasks.saturating_sub(sum.own_tasks)),
        disk_bytes,
        disk_total_bytes,
        ..counted
    }
}

/// Bytes used and altogether of the file system the workspace is on.
fn disk(workspace: &Root) -> (u64, u64) {
    let figures = workspace.folder(b"", OFlags::RDONLY).and_then(fstatvfs);
    let Ok(figures) = figures else { return (0, 0) };
    let bytes = |blocks: u64| blocks.saturating_mul(figures.f_frsize);
    (bytes(figures.f_blocks.saturating_sub(figures.f_bfree)), bytes(figures.f_blocks))
}

/// Version 2 has one folder, version 1 one per controller.
fn read_group(top: &Path) -> Group {
    let text = |path: &str| fs::read_to_string(top.join(path)).ok();
    let number = |path: &str| text(path)?.trim().parse::<u64>().ok();
    // Files that were merely read, and that nobody has looked at since, are not what a program needs.
    let needed = |used: Option<u64>, statistics: Option<String>, name: &str| {
        let idle = statistics.and_then(|text| field(&text, name)).unwrap_or(0);
        used.map(|used| used.saturating_sub(idle))
    };
    if let Some(cpu) = text("cpu.stat").and_then(|text| field(&text, "usage_usec")) {
        return Group {
            cpu_ms: Some(cpu / 1000),
            memory_bytes: needed(number("memory.current"), text("memory.stat"), "inactive_file"),
            tasks: number("pids.current"),
        };
    }
    let cpu = ["cpuacct", "cpu,cpuacct", "cpu"].into_iter().find_map(|name| number(&format!("{name}/cpuacct.usage")));
    Group {
        cpu_ms: cpu.map(|nanoseconds| nanoseconds / 1_000_000),
        memory_bytes: needed(number("memory/memory.usage_in_bytes"), text("memory/memory.stat"), "total_inactive_file"),
        tasks: number("pids/pids.current"),
    }
}

/// The number behind a name in a file of `name number` lines.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(files: &[(&str, &str)]) -> Group {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        read_group(folder.path())
    }

    #[test]
    fn both_versions_of_control_groups_are_understood() {
        let expected = Group { cpu_ms: Some(1234), memory_bytes: Some(7000), tasks: Some(9) };
        let second = [
            ("cpu.stat", "usage_usec 1234567\nuser_usec 1\n"),
            ("memory.current", "8000\n"),
            ("memory.stat", "anon 5\ninactive_file 1000\n"),
            ("pids.current", "9\n"),
        ];
        assert_eq!(group(&second), expected);
        let first = [
            ("cpuacct/cpuacct.usage", "1234567890\n"),
            ("memory/memory.usage_in_bytes", "8000\n"),
            ("memory/memory.stat", "inactive_file 1\ntotal_inactive_file 1000\n"),
            ("pids/pids.current", "9\n"),
        ];
        assert_eq!(group(&first), expected);
        assert_eq!(group(&[]), Group::default());
        assert_eq!(group(&[("cpu.stat", "nonsense")]), Group::default());
    }

    #[test]
    fn an_ordinary_process_is_measured_by_what_it_started() {
        let usage = measure(&Root::open(Path::new("/")).expect("open"), Usage { output_bytes: 7, ..Usage::default() });
        assert!(usage.disk_total_bytes > usage.disk_bytes && usage.memory_bytes > 0, "{usage:?}");
        assert_eq!(usage.output_bytes, 7);
    }
}
