//! What is to be driven, and the bounds within which it may be.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use rand::Rng;

/// Most terminals of a run: each is a socket here and a program there.
const MOST_TERMINALS: usize = 5_000;

/// Longest run.
const MOST_DURATION: Duration = Duration::from_secs(24 * 3600);

/// Greatest rate of one terminal, in bytes per second: beyond it is a flood, which has a word of its own.
const MOST_RATE: u64 = 10_000_000;

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server, `http://HOST:PORT`.
    pub url: String,
    /// Users who sign in.
    pub users: usize,
    /// Sessions of each user.
    pub sessions: usize,
    /// Terminals of each session.
    pub terminals: usize,
    /// Bytes a terminal's program prints per second; 0: nothing.
    pub rate: u64,
    /// So many terminals, one to a session as far as there are sessions, print as fast as they are read instead.
    pub floods: usize,
    /// How long everything runs once it is open.
    pub duration: Duration,
    /// Between two keys typed into a terminal; zero: none are.
    pub key_interval: Duration,
    /// Sign-ins and sessions opened at the same time.
    pub at_once: usize,
    /// Users are called this and a number.
    pub prefix: String,
    /// Their password.
    pub password: String,
    /// The server's process, when it is not found by its port.
    pub server_pid: Option<u32>,
}

impl Plan {
    /// One user with one silent terminal for ten seconds; names and password nobody has had before.
    #[must_use]
    pub fn of(url: &str) -> Self {
        let mut random = rand::rng();
        Self {
            url: url.to_owned(),
            users: 1,
            sessions: 1,
            terminals: 1,
            rate: 0,
            floods: 0,
            duration: Duration::from_secs(10),
            key_interval: Duration::from_secs(1),
            at_once: 16,
            prefix: format!("load-{:06x}-", random.random::<u32>() & 0xff_ffff),
            password: format!("{:032x}", random.random::<u128>()),
            server_pid: None,
        }
    }

    /// All terminals together.
    #[must_use]
    pub fn all_terminals(&self) -> usize {
        self.users.saturating_mul(self.sessions).saturating_mul(self.terminals)
    }

    /// Refuses what is out of bounds, or not on this machine without `allow_remote`.
    ///
    /// # Errors
    ///
    /// Says what.
    pub fn check(&self, allow_remote: bool) -> anyhow::Result<()> {
        let url = reqwest::Url::parse(&self.url).with_context(|| format!("{} is no address", self.url))?;
        ensure!(
            url.scheme() == "http",
            "only http:// is spoken; drive the server itself, not the proxy in front of it"
        );
        ensure!(url.path() == "/" && url.query().is_none(), "the address has no path: http://HOST:PORT");
        let host = url.host_str().unwrap_or_default();
        let loopback = host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        ensure!(loopback || allow_remote, "{host} is not this machine; --allow-remote says that you may load it");
        let terminals = self.all_terminals();
        ensure!(
            (1..=MOST_TERMINALS).contains(&terminals),
            "{terminals} terminals: at least 1, at most {MOST_TERMINALS}"
        );
        ensure!(self.floods <= terminals, "more floods than terminals");
        ensure!(self.rate <= MOST_RATE, "more than {} KB/s is a flood: use --floods", MOST_RATE / 1000);
        ensure!(!self.duration.is_zero() && self.duration <= MOST_DURATION, "a run takes at most a day");
        ensure!(self.at_once >= 1, "at least one at once");
        Ok(())
    }

    /// The port the server listens on.
    pub(crate) fn port(&self) -> Option<u16> {
        reqwest::Url::parse(&self.url).ok()?.port_or_known_default()
    }
}

/// Reads `90`, `90s`, `1500ms`, `5m` or `1h`.
///
/// # Errors
///
/// It is none of these.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| format!("{text:?} is no time; write 60s, 5m or 500ms"))?;
    match &text[digits..] {
        "ms" => Ok(Duration::from_millis(number)),
        "" | "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        "h" => Ok(Duration::from_secs(number.saturating_mul(3600))),
        unit => Err(format!("{unit:?} is no unit of time; write 60s, 5m or 500ms")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_driven_unless_it_is_allowed() {
        for (url, here) in [
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://localhost:8080/", true),
            ("http://localhost.example.org:8080", false),
            ("http://127.0.0.1.example.org", false),
            ("http://10.0.0.1:8080", false),
        ] {
            let plan = Plan::of(url);
            assert_eq!(plan.check(false).is_ok(), here, "{url}");
            assert!(plan.check(true).is_ok(), "{url}");
        }
        for url in ["https://127.0.0.1", "127.0.0.1:8080", "http://127.0.0.1/x", "ftp://127.0.0.1"] {
            assert!(Plan::of(url).check(true).is_err(), "{url}");
        }
    }

    #[test]
    fn a_plan_has_bounds() {
        let plan = Plan::of("http://127.0.0.1:1");
        for beyond in [
            Plan { users: 0, ..plan.clone() },
            Plan { users: usize::MAX, sessions: 2, ..plan.clone() },
            Plan { floods: 2, ..plan.clone() },
            Plan { rate: MOST_RATE + 1, ..plan.clone() },
            Plan { duration: Duration::ZERO, ..plan.clone() },
            Plan { duration: MOST_DURATION * 2, ..plan.clone() },
            Plan { at_once: 0, ..plan },
        ] {
            assert!(beyond.check(false).is_err(), "{beyond:?}");
        }
    }

    #[test]
    fn times_are_written_as_people_do() {
        for (text, expected) in [("90", 90_000), ("60s", 60_000), ("5m", 300_000), ("1h", 3_600_000), ("250ms", 250)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(expected)), "{text}");
        }
        assert!(["", "s", "1d", "-5s", "1.5s"].iter().all(|text| parse_duration(text).is_err()));
    }
}
