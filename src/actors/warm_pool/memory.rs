//! How much memory the machine has left.

use std::io;

/// MiB programs can still have without swapping, as the kernel estimates it.
///
/// # Errors
/// When `/proc/meminfo` cannot be read or does not say (Linux before 3.14).
pub(super) async fn available_mb() -> io::Result<u64> {
    let text = tokio::fs::read_to_string("/proc/meminfo").await?;
    read(&text).ok_or_else(|| io::Error::other("no MemAvailable in /proc/meminfo"))
}

fn read(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn the_kernels_estimate_is_read() {
        let text = "MemTotal:       24616580 kB\nMemFree:  1048576 kB\nMemAvailable:   20971520 kB\nBuffers: 1 kB\n";
        assert_eq!(read(text), Some(20480));
        assert_eq!(read("MemTotal: 1 kB\n"), None);
        assert_eq!(read("MemAvailable: many kB\n"), None);
    }
}
