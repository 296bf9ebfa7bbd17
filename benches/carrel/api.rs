//! One signed-in user who waits for every answer: the load driver's client, a call at a time.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use carrel_load::api::{Account, Server, Terminal};
use carrel_load::viewer;
use tokio::runtime::Runtime;

use crate::socket::Socket;

/// Good enough for a server that ends with the bench.
const PASSWORD: &str = "correct horse battery";

/// Somebody with a browser.
pub struct User {
    runtime: Runtime,
    account: Account,
}

/// Whether the server at this address is ready.
pub fn is_ready(url: &str) -> anyhow::Result<bool> {
    Ok(runtime()?.block_on(Server::at(url)?.is_ready()))
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

impl User {
    /// Somebody who has just registered.
    pub fn register(url: &str) -> anyhow::Result<Self> {
        let (runtime, server) = (runtime()?, Server::at(url)?);
        let name = format!("b{}", SystemTime::UNIX_EPOCH.elapsed()?.as_nanos());
        let account = runtime.block_on(server.register(&name, PASSWORD))?;
        Ok(Self { runtime, account })
    }

    /// A new, cold session.
    pub fn new_session(&self) -> anyhow::Result<String> {
        Ok(self.runtime.block_on(self.account.new_session("bench"))?)
    }

    /// Deletes a session; its sandbox goes in a moment.
    pub fn delete_session(&self, session: &str) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.account.delete_session(session))?)
    }

    /// Opens a terminal, and its session if need be; no `script` means a login shell.
    pub fn open_terminal(&self, session: &str, script: Option<&str>) -> anyhow::Result<Terminal> {
        let command: Vec<String> =
            script.into_iter().flat_map(|script| ["sh", "-c", script]).map(String::from).collect();
        Ok(self.runtime.block_on(self.account.open_terminal(session, &command))?)
    }

    /// Ends what runs in a terminal and forgets it.
    pub fn close_terminal(&self, terminal: &Terminal) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.account.close_terminal(terminal))?)
    }

    /// Looks at a terminal.
    pub fn attach(&self, terminal: &Terminal) -> anyhow::Result<Socket> {
        self.attach_since(terminal, None)
    }

    /// The same from this byte on.
    pub fn attach_since(&self, terminal: &Terminal, since: Option<u64>) -> anyhow::Result<Socket> {
        let url = self.account.socket_url(terminal, since);
        Socket::to_carrel(viewer::handshake(&url, self.account.server().url(), self.account.cookie())?)
    }

    /// Saves a file.
    pub fn save(&self, session: &str, path: &str, content: Bytes) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.account.save(session, path, content))?)
    }

    /// Items and bytes of a session's workspace, as committed.
    pub fn usage(&self, session: &str) -> anyhow::Result<(u64, u64)> {
        Ok(self.runtime.block_on(self.account.usage(session))?)
    }

    /// Stops a session, and waits until it has.
    pub fn stop_session(&self, session: &str) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.account.stop_session(session))?)
    }

    /// The account, for many calls at once in [`User::run`].
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Does something where the account's connections live: on another runtime they would stand still.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

/// How long something took.
pub fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Duration)> {
    let start = std::time::Instant::now();
    let result = work()?;
    Ok((result, start.elapsed()))
}
