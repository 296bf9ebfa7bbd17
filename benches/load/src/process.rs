//! A process of this machine as `/proc` shows it: its memory, its processor time, and whose a listening port is.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// The kernel's `USER_HZ`, in which `/proc` counts processor time: 100 on every architecture Linux has.
const TICKS_PER_SECOND: f64 = 100.0;

/// How `/proc/net/tcp` writes that a socket listens.
const LISTEN: &str = "0A";

/// The memory a process occupies, in KiB.
///
/// # Errors
///
/// It is gone, or `/proc` is not Linux's.
pub fn resident_kib(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The processor time a process has had, its own and the kernel's for it.
///
/// # Errors
///
/// It is gone, or `/proc` is not Linux's.
pub fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name comes second, in brackets, and may hold anything.
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
}

/// The process that listens on this TCP port here; `None` when it cannot be told, as for another user's.
#[must_use]
pub fn listening_on(port: u16) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let inode = tables.iter().flat_map(|table| table.lines()).find_map(|line| listener(line, port))?;
    let socket = format!("socket:[{inode}]");
    let pids = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut pids: Vec<u32> = pids.collect();
    // Who opened it rather than who inherited it.
    pids.sort_unstable();
    pids.into_iter().find(|pid| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.into_iter().any(|fd| fs::read_link(fd.path()).is_ok_and(|to| to.as_os_str() == socket.as_str()))
    })
}

/// The socket's inode, if this line of `/proc/net/tcp` is of a socket that listens on `port`.
fn listener(line: &str, port: u16) -> Option<String> {
    let fields: Vec<_> = line.split_whitespace().collect();
    let (local, state, inode) = (*fields.get(1)?, *fields.get(3)?, *fields.get(9)?);
    let listens = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
    (state == LISTEN && listens == port).then(|| inode.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_by_its_port_and_has_memory_and_time() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = socket.local_addr().expect("an address").port();
        let me = std::process::id();
        assert_eq!(listening_on(port), Some(me));
        assert!(resident_kib(me).expect("memory") > 500);
        let before = cpu_time(me).expect("time");
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_millis(60) {}
        assert!(cpu_time(me).expect("time") > before);
        drop(socket);
        assert_eq!(listening_on(port), None);
    }
}
