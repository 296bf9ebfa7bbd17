//! Signs users in and opens their sessions and terminals, many at once, and takes everything away again.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::StreamExt;

use crate::api::{Account, Failure, Server};
use crate::outcome::Counts;
use crate::plan::Plan;
use crate::programs::Program;
use crate::samples::Samples;
use crate::seat::Seat;
use crate::viewer::{Seen, Viewer};

/// How long a refusal that says when to try again is believed: the server counts attempts by the minute.
const RETRY_PATIENCE: Duration = Duration::from_secs(180);

/// The longest pause a server may ask for.
const MOST_PAUSE: Duration = Duration::from_secs(60);

/// How long a program may take to be there.
const PROGRAM_PATIENCE: Duration = Duration::from_secs(60);

/// What opening came to.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    pub users: usize,
    pub sessions: usize,
    pub terminals: usize,
    pub failed: Counts,
    /// From the request to the answer, of the attempt that succeeded.
    pub sign_ins: Samples,
    /// From the request for a session to its first program's first byte.
    pub session_opens: Samples,
    /// From the request for a further terminal to its program's first byte.
    pub terminal_opens: Samples,
}

/// Those who open.
pub(crate) struct Crew<'a> {
    pub plan: &'a Plan,
    pub server: Server,
    /// What sessions are called, so that they are found again.
    pub name: String,
    pub opened: Mutex<Opened>,
    /// Whether to begin nothing more.
    pub stopping: &'a (dyn Fn() -> bool + Sync),
}

impl Crew<'_> {
    /// Signs every user in; those who are.
    pub(crate) async fn sign_in(&self) -> Vec<Account> {
        let entering = (0..self.plan.users).map(|number| self.enter(number));
        let entered: Vec<_> = futures_util::stream::iter(entering).buffer_unordered(self.plan.at_once).collect().await;
        entered.into_iter().flatten().collect()
    }

    async fn enter(&self, number: usize) -> Option<Account> {
        let (name, password) = (format!("{}{number}", self.plan.prefix), &self.plan.password);
        let mut took = Duration::ZERO;
        let entered = self
            .patiently(async || {
                let begun = Instant::now();
                let entered = match self.server.register(&name, password).await {
                    Err(failure) if failure.cause.ends_with("username_taken") => {
                        self.server.sign_in(&name, password).await
                    }
                    entered => entered,
                };
                took = begun.elapsed();
                entered
            })
            .await;
        self.count(entered, "sign in", |opened| {
            opened.users += 1;
            opened.sign_ins.push(took);
        })
    }

    /// Opens every session of these users; the seats in front of their terminals.
    pub(crate) async fn open(&self, accounts: &[Account]) -> Vec<Seat> {
        let sessions = accounts.iter().flat_map(|account| (0..self.plan.sessions).map(move |_| account));
        let opening = sessions.enumerate().map(|(number, account)| self.open_session(number, account));
        let opened: Vec<_> = futures_util::stream::iter(opening).buffer_unordered(self.plan.at_once).collect().await;
        opened.into_iter().flatten().collect()
    }

    async fn open_session(&self, number: usize, account: &Account) -> Vec<Seat> {
        let mut seats = Vec::new();
        let begun = Instant::now();
        let made = self.patiently(async || account.new_session(&self.name).await).await;
        let Some(session) = self.count(made, "create a session", |_| {}) else { return seats };
        for index in 0..self.plan.terminals {
            let began = if index == 0 { begun } else { Instant::now() };
            let program = self.program(number, index);
            let opened = self.patiently(async || self.open_terminal(account, &session, program).await).await;
            let took = began.elapsed();
            let what = if index == 0 { "open a session" } else { "open a terminal" };
            let Some(seat) = self.count(opened, what, |opened| {
                opened.terminals += 1;
                if index == 0 {
                    opened.sessions += 1;
                    opened.session_opens.push(took);
                } else {
                    opened.terminal_opens.push(took);
                }
            }) else {
                break;
            };
            seats.push(seat);
        }
        seats
    }

    async fn open_terminal(&self, account: &Account, session: &str, program: Program) -> Result<Seat, Failure> {
        let terminal = account.open_terminal(session, &program.command()).await?;
        let mut viewer = Viewer::attach(account, &terminal, None).await?;
        let there = async {
            loop {
                match viewer.next().await {
                    Seen::Output(_) => return Ok(()),
                    Seen::Control(control) if control["type"] == "exit" => {
                        return Err(Failure::because("its program ended at once"));
                    }
                    Seen::Control(_) => {}
                    Seen::End(why) => return Err(Failure::because(why)),
                }
            }
        };
        let there = tokio::time::timeout(PROGRAM_PATIENCE, there).await;
        there.unwrap_or_else(|_| Err(Failure::because("its program printed nothing")))?;
        let key_interval = self.plan.key_interval;
        Ok(Seat { account: account.clone(), terminal, program, viewer, key_interval })
    }

    /// Which program runs there: floods first in the first terminals of all sessions, then in the second ones.
    fn program(&self, session: usize, index: usize) -> Program {
        let sessions = self.plan.users * self.plan.sessions;
        match self.plan.rate {
            _ if index * sessions + session < self.plan.floods => Program::Flood,
            0 => Program::Silent,
            rate => Program::Steady(rate),
        }
    }

    /// Tries again what is refused for the moment, as the server says when.
    async fn patiently<T>(&self, mut attempt: impl AsyncFnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        let begun = Instant::now();
        loop {
            if (self.stopping)() {
                return Err(Failure::because("interrupted"));
            }
            match attempt().await {
                Err(Failure { retry_after: Some(pause), .. }) if begun.elapsed() < RETRY_PATIENCE => {
                    tokio::time::sleep(pause.min(MOST_PAUSE)).await;
                }
                result => return result,
            }
        }
    }

    fn count<T>(&self, result: Result<T, Failure>, what: &str, and: impl FnOnce(&mut Opened)) -> Option<T> {
        let Ok(mut opened) = self.opened.lock() else { return None };
        match result {
            Ok(value) => {
                and(&mut opened);
                Some(value)
            }
            Err(failure) => {
                *opened.failed.entry(format!("{what}: {failure}")).or_default() += 1;
                None
            }
        }
    }

    /// Deletes every session of this run and ends the logins; how many sessions could not be deleted.
    pub(crate) async fn clean_up(&self, accounts: &[Account]) -> usize {
        let leaving = accounts.iter().map(|account| async move {
            // Asked rather than remembered: an answer may have been lost.
            let Ok(sessions) = account.sessions_called(&self.name).await else { return self.plan.sessions };
            let mut left = 0;
            for session in sessions {
                left += usize::from(account.delete_session(&session).await.is_err());
            }
            account.sign_out().await.ok();
            left
        });
        futures_util::stream::iter(leaving)
            .buffer_unordered(self.plan.at_once)
            .fold(0, async |sum, left| sum + left)
            .await
    }
}
