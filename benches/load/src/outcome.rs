//! What a run came to, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::crew::Opened;
use crate::plan::Plan;
use crate::programs::Program;
use crate::samples::{Samples, Summary};
use crate::seat::Record;

/// How often something happened, by what it was.
pub type Counts = BTreeMap<String, u64>;

/// What a run came to. Times are in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The server.
    pub url: String,
    /// What was asked for: users, sessions and terminals in all.
    pub asked: Amounts,
    /// What was opened of it.
    pub opened: Amounts,
    /// What could not be opened, by cause.
    pub failed: Counts,
    /// From the request to the answer.
    pub sign_in: Summary,
    /// From the request for a session to its first program's first byte.
    pub session_open: Summary,
    /// From the request for a further terminal to its program's first byte.
    pub terminal_open: Summary,
    /// From a key to its echo, in terminals that do not flood.
    pub echo: Summary,
    /// The same in those that do, where the echo waits behind what is printed.
    pub flooded_echo: Summary,
    /// Keys without an echo within 10 s.
    pub keys_lost: u64,
    /// Of the terminals that print at a rate.
    pub throughput: Throughput,
    /// Bytes of the floods per second, all together.
    pub flood_bytes_per_second: f64,
    /// Connections that ended before the run did, by cause.
    pub disconnects: Counts,
    /// Connections that ended, of all terminals.
    pub disconnected_percent: f64,
    /// How many of them came back.
    pub reconnected: u64,
    /// How often output was missing when they did.
    pub resets: u64,
    /// The server's process, when it is one of this machine.
    pub server: Option<Machine>,
    /// Sessions that could not be removed afterwards.
    pub left_behind: usize,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Amounts {
    /// Users.
    pub users: usize,
    /// Sessions of all users.
    pub sessions: usize,
    /// Terminals of all sessions.
    pub terminals: usize,
}

/// What steady programs printed, against what they were to print.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Throughput {
    /// Bytes per second, of all terminals.
    pub asked: f64,
    /// Bytes per second that came, of all terminals.
    pub came: f64,
    /// The one of the other.
    pub held: f64,
    /// The same of the terminal that had the least.
    pub least_held: f64,
}

/// A process.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Machine {
    /// Its number.
    pub pid: u32,
    /// Of one processor, on average while the run lasted.
    pub cpu_percent: f64,
    /// Resident at the end.
    pub memory_mib: f64,
    /// Resident at the most.
    pub most_memory_mib: f64,
}

impl Outcome {
    pub(crate) fn of(
        plan: &Plan,
        opened: Opened,
        records: &[Record],
        server: Option<Machine>,
        left_behind: usize,
        interrupted: bool,
    ) -> Self {
        let (mut echo, mut flooded_echo, mut disconnects) = (Samples::new(), Samples::new(), Counts::new());
        for record in records {
            let echoes = if record.program == Program::Flood { &mut flooded_echo } else { &mut echo };
            echoes.extend(&record.echoes);
            for (why, count) in &record.disconnects {
                *disconnects.entry(why.clone()).or_default() += count;
            }
        }
        let sum = |of: fn(&Record) -> u64| records.iter().map(of).sum::<u64>();
        let floods = records.iter().filter(|record| record.program == Program::Flood);
        let cut = disconnects.values().sum::<u64>() as f64;
        Self {
            url: plan.url.clone(),
            asked: Amounts { users: plan.users, sessions: plan.users * plan.sessions, terminals: plan.all_terminals() },
            opened: Amounts { users: opened.users, sessions: opened.sessions, terminals: opened.terminals },
            failed: opened.failed,
            sign_in: opened.sign_ins.summary(),
            session_open: opened.session_opens.summary(),
            terminal_open: opened.terminal_opens.summary(),
            echo: echo.summary(),
            flooded_echo: flooded_echo.summary(),
            keys_lost: sum(|record| record.keys_lost),
            throughput: Throughput::of(records),
            flood_bytes_per_second: floods.map(per_second).fold(0.0, |sum, each| sum + each),
            disconnected_percent: cut / records.len().max(1) as f64 * 100.0,
            disconnects,
            reconnected: sum(|record| record.reconnected),
            resets: sum(|record| record.resets),
            server,
            left_behind,
            interrupted,
        }
    }

    /// Whether everything that was asked for was opened, stayed, and is gone.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.failed.is_empty() && self.disconnects.is_empty() && self.keys_lost == 0 && self.left_behind == 0
    }
}

impl Throughput {
    fn of(records: &[Record]) -> Self {
        let mut all = Self { least_held: f64::INFINITY, ..Self::default() };
        for record in records {
            let Program::Steady(rate) = record.program else { continue };
            let (rate, came) = (rate as f64, per_second(record));
            all.asked += rate;
            all.came += came;
            all.least_held = all.least_held.min(came / rate);
        }
        if all.asked == 0.0 {
            return Self::default();
        }
        Self { held: all.came / all.asked, ..all }
    }
}

fn per_second(record: &Record) -> f64 {
    if record.ran.is_zero() { 0.0 } else { record.printed as f64 / record.ran.as_secs_f64() }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (asked, opened) = (self.asked, self.opened);
        writeln!(f, "opened         {} of {} users", opened.users, asked.users)?;
        writeln!(f, "               {} of {} sessions", opened.sessions, asked.sessions)?;
        writeln!(f, "               {} of {} terminals", opened.terminals, asked.terminals)?;
        list(f, "failed", &self.failed)?;
        for (what, summary) in [
            ("sign-in", self.sign_in),
            ("session open", self.session_open),
            ("terminal open", self.terminal_open),
            ("echo", self.echo),
            ("flooded echo", self.flooded_echo),
        ] {
            if summary.count > 0 {
                let Summary { count, p50, p95, p99, max } = summary;
                writeln!(
                    f,
                    "{what:<14} p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms, most {max:.1} ms, of {count}"
                )?;
            }
        }
        writeln!(f, "keys lost      {}", self.keys_lost)?;
        let Throughput { asked, came, held, least_held } = self.throughput;
        if asked > 0.0 {
            let (asked, came) = (asked / 1e3, came / 1e3);
            writeln!(
                f,
                "throughput     {came:.0} of {asked:.0} KB/s: {:.1} %, of the slowest terminal {:.1} %",
                held * 100.0,
                least_held * 100.0
            )?;
        }
        if self.flood_bytes_per_second > 0.0 {
            writeln!(f, "floods         {:.1} MB/s together", self.flood_bytes_per_second / 1e6)?;
        }
        list(f, "disconnects", &self.disconnects)?;
        writeln!(f, "disconnected   {:.2} % ({} came back)", self.disconnected_percent, self.reconnected)?;
        if self.resets > 0 {
            writeln!(f, "output missing {} times after coming back", self.resets)?;
        }
        match &self.server {
            Some(Machine { pid, cpu_percent, memory_mib, most_memory_mib }) => writeln!(
                f,
                "server         {cpu_percent:.0} % of a CPU, {memory_mib:.0} MiB, at the most {most_memory_mib:.0} MiB (process {pid})"
            )?,
            None => writeln!(f, "server         not a process of this machine, or not to be seen")?,
        }
        if self.left_behind > 0 {
            writeln!(f, "LEFT BEHIND    {} sessions", self.left_behind)?;
        }
        if self.interrupted { writeln!(f, "interrupted") } else { Ok(()) }
    }
}

fn list(f: &mut Formatter<'_>, what: &str, counts: &Counts) -> fmt::Result {
    counts.iter().try_for_each(|(why, count)| writeln!(f, "{what:<14} {count} × {why}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn record(program: Program, printed: u64) -> Record {
        Record {
            program,
            printed,
            ran: Duration::from_secs(10),
            echoes: Samples::new(),
            keys_lost: 0,
            disconnects: Counts::new(),
            reconnected: 0,
            resets: 0,
        }
    }

    #[test]
    fn the_rate_held_is_that_of_the_steady_ones() {
        let steady = Program::Steady(1_000);
        let records = [record(steady, 10_000), record(steady, 9_000), record(Program::Flood, 1_000_000)];
        let throughput = Throughput::of(&records);
        assert_eq!((throughput.asked, throughput.came), (2_000.0, 1_900.0));
        assert_eq!((throughput.held, throughput.least_held), (0.95, 0.9));
        assert_eq!(Throughput::of(&records[2..]).held, 0.0, "nothing was asked");
    }

    #[test]
    fn an_outcome_names_every_cause_and_is_clean_only_without_any() {
        let plan = Plan::of("http://127.0.0.1:1");
        let outcome = |opened, records: &[Record]| Outcome::of(&plan, opened, records, None, 0, false);
        assert!(outcome(Opened::default(), &[record(Program::Silent, 0)]).is_clean());
        let failed = Counts::from([("open a session: 429 session_limit".to_owned(), 3)]);
        let mut cut = record(Program::Silent, 0);
        cut.disconnects.insert("closed 4408".to_owned(), 2);
        let told = outcome(Opened { failed, ..Opened::default() }, &[cut, record(Program::Silent, 0)]);
        assert!(!told.is_clean());
        assert_eq!(told.disconnected_percent, 100.0);
        let text = told.to_string();
        assert!(text.contains("3 × open a session: 429 session_limit") && text.contains("2 × closed 4408"), "{text}");
    }
}
