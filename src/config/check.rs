//! Which values can work together.

use std::fmt;

use ignore::gitignore::GitignoreBuilder;

use super::Config;
use crate::model::quotas;

/// Least time in seconds after which a session may be stopped: it is to be warned before.
const MIN_END: u64 = 2;

/// The most.
const MAX_END: u64 = 366 * 24 * 3600;

/// What a waiting line or a number of places may be: far beyond any machine, and far below what a semaphore can count.
const MAX_PLACES: usize = 1_000_000;

/// Patterns of what is not kept, and the bytes of one: they go to every sandbox in one small frame.
const MAX_PATTERNS: usize = 100;
const MAX_PATTERN_BYTES: usize = 255;

/// A value that cannot work, and what would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `section.key`.
    pub key: &'static str,
    /// What is wrong and what to do.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

impl Config {
    /// Everything that is wrong, so that an operator mends it in one go. Empty when all is well.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut check = |key, holds: bool, what: &str| {
            if !holds {
                found.push(Problem { key, what: what.to_owned() });
            }
        };
        let sandbox = &self.sandbox;
        check(
            "server.listen",
            self.server.listen.parse::<std::net::SocketAddr>().is_ok(),
            "must be ADDRESS:PORT, for example 127.0.0.1:8080",
        );
        check(
            "server.public_url",
            self.server.public_url.as_deref().is_none_or(is_origin),
            "must be http:// or https:// and a host, without a path",
        );
        check("server.shutdown_seconds", (1..=600).contains(&self.server.shutdown_seconds), "must be 1 to 600");
        check("server.lease_seconds", (2..=3600).contains(&self.server.lease_seconds), "must be 2 to 3600");
        check("database.interactive_connections", self.database.interactive_connections >= 2, "must be at least 2");
        check("database.bulk_connections", self.database.bulk_connections >= 1, "must be at least 1");
        check(
            "database.waiting_line",
            (1..=MAX_PLACES).contains(&self.database.waiting_line),
            "must be 1 to a million",
        );
        check("engine.concurrent_starts", (1..=1000).contains(&self.engine.concurrent_starts), "must be 1 to 1000");
        check(
            "engine.host",
            self.engine.host.as_deref().is_none_or(|host| host.starts_with("unix://")),
            "must be a unix socket, unix:///run/docker.sock: sandboxes call back over a socket on the same machine",
        );
        check("sandbox.cpus", quotas::CPUS.contains(&sandbox.cpus), "must be 0.05 to 512");
        check("sandbox.pids", sandbox.pids >= quotas::MIN_PIDS, "must be at least 16: the agent and a shell need some");
        check("sandbox.disk_mb", sandbox.disk_mb >= 16, "must be at least 16");
        check("sandbox.tmp_mb", sandbox.tmp_mb >= 8, "must be at least 8");
        check("sandbox.inodes", sandbox.inodes >= 1024, "must be at least 1024");
        check("sandbox.open_files", sandbox.open_files >= 256, "must be at least 256");
        let idle = sandbox.idle_seconds;
        check(
            "sandbox.idle_seconds",
            idle == 0 || (MIN_END..=MAX_END).contains(&idle),
            "must be 0 (never), or 2 to a year",
        );
        check(
            "sandbox.watched_seconds",
            sandbox.watched_seconds == 0 || (idle..=MAX_END).contains(&sandbox.watched_seconds),
            "must be 0 (for ever), or at least sandbox.idle_seconds and at most a year",
        );
        check(
            "sandbox.idle_cpu_percent",
            sandbox.idle_cpu_percent > 0.0 && sandbox.idle_cpu_percent <= 100.0,
            "must be over 0 and at most 100",
        );
        let life = sandbox.max_life_seconds;
        check(
            "sandbox.max_life_seconds",
            life == 0 || (MIN_END..=MAX_END).contains(&life),
            "must be 0 (for ever), or 2 to a year",
        );
        check("workspace.history_all_hours", self.workspace.history_all_hours <= 87_600, "must be at most 87600");
        check("workspace.history_hourly_days", self.workspace.history_hourly_days <= 3650, "must be at most 3650");
        check("workspace.history_days", self.workspace.history_days <= 36_500, "must be at most 36500, or 0 for ever");
        check("workspace.history_mb", self.workspace.history_mb <= 1_048_576, "must be at most 1048576");
        check("workspace.undelete_days", self.workspace.undelete_days <= 3650, "must be at most 3650");
        check(
            "workspace.ignore",
            are_patterns(&self.workspace.ignore),
            "must be at most 100 patterns of at most 255 bytes in the syntax of .gitignore",
        );
        // Temporary file systems are charged to the sandbox's memory: were they to fill it, the kernel would kill programs for files.
        check(
            "sandbox.memory_mb",
            sandbox.memory_mb >= sandbox.least_memory_mb(),
            "must be at least disk_mb + 2 × tmp_mb + 128: files in the sandbox are charged to its memory (disk_mb does not count where storage \
             is \"volume\")",
        );
        check(
            "sandbox.agent_timeout_seconds",
            (1..=600).contains(&sandbox.agent_timeout_seconds),
            "must be 1 to 600: no session would ever start, or none would ever fail",
        );
        check(
            "pool.max_sandboxes",
            (1..=MAX_PLACES).contains(&self.pool.max_sandboxes),
            "must be 1 to a million: without a place no session starts",
        );
        check("pool.size", self.pool.size <= self.pool.max_sandboxes, "must not be over pool.max_sandboxes");
        check("actors.supervisors", (1..=64).contains(&self.actors.supervisors), "must be 1 to 64");
        for (key, capacity) in [
            ("actors.supervisor_mailbox", self.actors.supervisor_mailbox),
            ("actors.session_mailbox", self.actors.session_mailbox),
            ("actors.sync_mailbox", self.actors.sync_mailbox),
            ("actors.pool_mailbox", self.actors.pool_mailbox),
            ("actors.review_mailbox", self.actors.review_mailbox),
        ] {
            check(key, (1..=65_536).contains(&capacity), "must be 1 to 65536; 0 would be unbounded");
        }
        check("review.release_hours", self.review.release_hours <= 8760, "must be at most 8760, a year; 0: never");
        check("review.max_runs", (1..=100).contains(&self.review.max_runs), "must be 1 to 100");
        check("actors.restart_limit", self.actors.restart_limit >= 1, "must be at least 1");
        check(
            "terminal.window_bytes",
            (16 * 1024..=4 * 1024 * 1024).contains(&self.terminal.window_bytes),
            "must be 16 KiB to 4 MiB",
        );
        check(
            "terminal.ring_bytes",
            (64 * 1024..=64 * 1024 * 1024).contains(&self.terminal.ring_bytes),
            "must be 64 KiB to 64 MiB",
        );
        let rings_mb = (u64::from(self.terminal.ring_bytes) * self.terminal.max_terminals as u64) >> 20;
        check(
            "terminal.ring_bytes",
            rings_mb <= sandbox.memory_mb.saturating_sub(sandbox.least_memory_mb()) + 64,
            "and max_terminals of them must leave 64 MiB of sandbox.memory_mb beside disk_mb + 2 × tmp_mb",
        );
        check(
            "terminal.flood_bytes_per_second",
            matches!(self.terminal.flood_bytes_per_second, 0 | 65_536..=1_073_741_824),
            "must be 64 KiB to 1 GiB, or 0 for no limit",
        );
        check(
            "terminal.max_terminals",
            (1..=carrel_protocol::MAX_TERMINALS).contains(&self.terminal.max_terminals),
            "must be 1 to 32",
        );
        check(
            "terminal.max_viewers",
            (1..=carrel_protocol::MAX_VIEWERS).contains(&self.terminal.max_viewers),
            "must be 1 to 256",
        );
        check("terminal.ping_seconds", (1..=60).contains(&self.terminal.ping_seconds), "must be 1 to 60");
        check(
            "workspace.max_total_mb",
            self.workspace.max_total_mb <= sandbox.disk_mb,
            "must not be over sandbox.disk_mb: what is kept has to fit",
        );
        check(
            "workspace.max_file_mb",
            self.workspace.max_file_mb <= self.workspace.max_total_mb,
            "must not be over workspace.max_total_mb",
        );
        check(
            "workspace.max_items",
            u64::from(self.workspace.max_items) < sandbox.inodes,
            "must be below sandbox.inodes",
        );
        check(
            "workspace.staging_mb",
            (self.workspace.max_file_mb.saturating_mul(4)..=1_048_576).contains(&self.workspace.staging_mb),
            "must be at least 4 × max_file_mb, of which one user may have a quarter, and at most 1048576",
        );
        check("workspace.max_uploads", (1..=10_000).contains(&self.workspace.max_uploads), "must be 1 to 10000");
        check("auth.bcrypt_cost", (8..=16).contains(&self.auth.bcrypt_cost), "must be 8 to 16");
        check("auth.bcrypt_workers", (1..=64).contains(&self.auth.bcrypt_workers), "must be 1 to 64");
        check("auth.bcrypt_waiting_line", self.auth.bcrypt_waiting_line <= MAX_PLACES, "must be at most a million");
        check("auth.login_days", (1..=3650).contains(&self.auth.login_days), "must be 1 to 3650");
        check("auth.attempts_per_account", self.auth.attempts_per_account >= 1, "must be at least 1");
        check("auth.attempts_per_address", self.auth.attempts_per_address >= 1, "must be at least 1");
        found
    }
}

fn is_origin(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ']))
}

fn are_patterns(lines: &[String]) -> bool {
    let mut builder = GitignoreBuilder::new("");
    let is_pattern = |line: &String| {
        let text = !line.trim().is_empty() && line.len() <= MAX_PATTERN_BYTES && !line.contains(['\n', '\0']);
        text && !line.starts_with('#') && builder.add_line(None, line).is_ok()
    };
    lines.len() <= MAX_PATTERNS && lines.iter().all(is_pattern) && builder.build().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_with_which_nothing_would_start_or_everything_would_fall_over_are_named() {
        assert_eq!(Config::default().problems(), []);
        type Change = fn(&mut Config);
        let cases: [(&str, Change); 13] = [
            ("pool.max_sandboxes", |config| (config.pool.size, config.pool.max_sandboxes) = (0, 0)),
            ("pool.max_sandboxes", |config| config.pool.max_sandboxes = usize::MAX),
            ("sandbox.agent_timeout_seconds", |config| config.sandbox.agent_timeout_seconds = 0),
            ("sandbox.agent_timeout_seconds", |config| config.sandbox.agent_timeout_seconds = u64::MAX),
            ("engine.concurrent_starts", |config| config.engine.concurrent_starts = usize::MAX),
            ("database.waiting_line", |config| config.database.waiting_line = usize::MAX),
            ("auth.bcrypt_waiting_line", |config| config.auth.bcrypt_waiting_line = usize::MAX),
            ("auth.login_days", |config| config.auth.login_days = 0),
            ("auth.login_days", |config| config.auth.login_days = u32::MAX),
            ("workspace.ignore", |config| config.workspace.ignore = vec!["x".into(); 101]),
            ("workspace.ignore", |config| config.workspace.ignore = vec!["two\nlines".into()]),
            ("workspace.ignore", |config| config.workspace.ignore = vec!["a{b".into()]),
            ("actors.session_mailbox", |config| config.actors.session_mailbox = 0),
        ];
        for (key, change) in cases {
            let mut config = Config::default();
            change(&mut config);
            let keys: Vec<_> = config.problems().into_iter().map(|problem| problem.key).collect();
            assert_eq!(keys, [key]);
        }
    }
}
