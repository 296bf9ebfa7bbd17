//! A mixed load whose every worker keeps a ledger of what was acknowledged, ends by itself when the server goes away, and comes back to
//! compare its ledger with what there is: somebody counts, somebody types, somebody saves, somebody opens and closes terminals, somebody
//! makes and deletes whole sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::client::{Client, Session, eventually, ok};
use crate::support::counter::{counted, counting, counts_on};
use crate::support::process::Server;
use crate::support::terminal::{PATIENCE, Terminal};

/// Files the saver goes round; more would be overwritten too seldom.
const FILES: u64 = 20;

/// Terminals the opener keeps open.
const OPEN: usize = 4;

/// Before a refused request is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// What came of a request to a server that may go away at any moment.
enum Answer {
    Done(Value),
    /// It said that it cannot do it now.
    Refused,
    /// There was no answer: whether it was done, nobody knows.
    None,
}

async fn ask(request: RequestBuilder, status: u16) -> Answer {
    let Ok(answer) = request.send().await else { return Answer::None };
    let got = answer.status().as_u16();
    let Ok(text) = answer.text().await else { return Answer::None };
    match got {
        _ if got == status => Answer::Done(serde_json::from_str(&text).unwrap_or_default()),
        409 | 503 => Answer::Refused,
        _ => panic!("{got} {text}"),
    }
}

/// All workers.
pub struct Load {
    counters: Vec<Terminal>,
    typist: Typist,
    saver: Saver,
    opener: Opener,
    maker: Maker,
}

impl Load {
    /// How many sessions have a sandbox as long as nothing is made or deleted.
    pub const SESSIONS: usize = 2;

    pub async fn begin(server: &Server) -> Self {
        let user = server.user().await;
        let (one, two) = tokio::join!(user.ready_session(), user.ready_session());
        let counters = vec![counting(&one, 100).await, counting(&two, 100).await];
        let not_mine = counters[0].id.clone();
        let cat = ["sh", "-c", "stty -echo; echo ready; exec cat"];
        let mut terminal = two.program(&cat).await;
        terminal.expect("ready\r\n").await;
        Self {
            counters,
            typist: Typist { terminal, number: 0 },
            saver: Saver { session: one.clone(), number: 0, acknowledged: BTreeMap::new(), perhaps: BTreeMap::new() },
            opener: Opener { session: one, open: BTreeSet::new(), opened: 0, not_mine },
            maker: Maker { client: server.user().await, there: BTreeMap::new(), deleted: Vec::new(), made: 0 },
        }
    }

    /// Works until the server is gone.
    pub async fn work(&mut self) {
        let Self { counters, typist, saver, opener, maker } = self;
        let counting = futures_util::future::join_all(counters.iter_mut().map(watch));
        tokio::join!(counting, typist.work(), saver.work(), opener.work(), maker.work());
    }

    /// Comes back to every terminal and saves once more: now the server is of use again.
    pub async fn come_back(&mut self) {
        futures_util::future::join_all(self.counters.iter_mut().map(Terminal::reconnect)).await;
        self.typist.terminal.reconnect().await;
        eventually(PATIENCE, "an acknowledged save", async || self.saver.save().await.unwrap_or(false).then_some(()))
            .await;
    }

    /// Compares all ledgers with what there is.
    pub async fn check(&mut self) {
        futures_util::future::join_all(self.counters.iter_mut().map(counts_on)).await;
        self.typist.check();
        self.saver.check().await;
        self.opener.check().await;
        self.maker.check().await;
    }

    /// Everything that ends by itself is ended: only the sessions of the first hour remain.
    pub async fn settle(&mut self) {
        self.maker.delete_all().await;
    }

    /// Ends everything.
    pub async fn end(self) {
        for counter in &self.counters {
            assert_eq!(counter.session.request(Method::DELETE, "").send().await.unwrap().status(), 204);
        }
    }

    /// What was done, for whoever reads the log of a test.
    pub fn done(&self) -> String {
        let lines: u64 = self.counters.iter().map(counted).sum();
        let (typed, saved, opened, made) = (self.typist.number, self.saver.number, self.opener.opened, self.maker.made);
        format!("{lines} lines counted, {typed} typed, {saved} saves, {opened} terminals opened, {made} sessions made")
    }
}

async fn watch(terminal: &mut Terminal) {
    while terminal.receive(PATIENCE).await {}
}

/// Types lines and waits for each to be printed.
struct Typist {
    terminal: Terminal,
    /// Lines that have been printed.
    number: u64,
}

impl Typist {
    fn line(number: u64) -> String {
        format!("typed {number:08}")
    }

    fn has_printed(&self, number: u64) -> bool {
        // It is among the last.
        let from = self.terminal.bytes.len().saturating_sub(4096);
        self.terminal.bytes[from..].windows(14).any(|window| window == Self::line(number).as_bytes())
    }

    async fn work(&mut self) {
        loop {
            let next = self.number;
            // What was typed when a connection ended may have arrived: then it is printed in a moment.
            let typed =
                self.has_printed(next) || self.terminal.try_send(0, format!("{}\r", Self::line(next)).as_bytes()).await;
            while typed && !self.has_printed(next) && self.terminal.receive(PATIENCE).await {}
            if !self.has_printed(next) {
                return watch(&mut self.terminal).await;
            }
            self.number += 1;
        }
    }

    /// Every line once and in order; only one that was typed again after a connection had ended may be there twice.
    fn check(&self) {
        let text = self.terminal.text();
        let complete = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
        let mut next = 0;
        for line in complete.lines().skip(1) {
            let again = next > 0 && line == Self::line(next - 1);
            assert!(again || line == Self::line(next), "{line:?} instead of line {next}");
            next += u64::from(!again);
        }
        assert!(next >= self.number, "{next} lines, but {} were seen", self.number);
    }
}

/// Saves, one after the other.
struct Saver {
    session: Session,
    number: u64,
    /// What each file is known to hold.
    acknowledged: BTreeMap<String, u64>,
    /// What it may hold since: saves without an answer.
    perhaps: BTreeMap<String, Vec<u64>>,
}

impl Saver {
    async fn work(&mut self) {
        while let Some(saved) = self.save().await {
            if !saved {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Saves once; whether it was acknowledged, `None` when the server is gone.
    async fn save(&mut self) -> Option<bool> {
        self.number += 1;
        let path = format!("saves/{}.txt", self.number % FILES);
        let request = self.session.client.request(Method::PUT, &self.session.file(&path)).body(self.number.to_string());
        let request = request.timeout(PATIENCE);
        self.perhaps.entry(path.clone()).or_default().push(self.number);
        let got = request.send().await.ok()?;
        match got.status().as_u16() {
            200 | 201 => {
                self.perhaps.remove(&path);
                self.acknowledged.insert(path, self.number);
                Some(true)
            }
            // It may be in the sandbox all the same, and found there.
            409 | 503 => Some(false),
            status => panic!("{status} {:?}", got.text().await),
        }
    }

    async fn check(&self) {
        let possible = |path: &str| {
            let mut possible = self.perhaps.get(path).cloned().unwrap_or_default();
            possible.extend(self.acknowledged.get(path));
            possible
        };
        let paths: BTreeSet<_> = self.acknowledged.keys().chain(self.perhaps.keys()).collect();
        for path in paths {
            match self.session.read(path).await {
                Some(content) => {
                    let content: u64 = String::from_utf8(content).unwrap().parse().unwrap();
                    assert!(possible(path).contains(&content), "{path} holds {content}, not {:?}", possible(path));
                }
                None => assert!(!self.acknowledged.contains_key(path), "{path} was acknowledged and is gone"),
            }
        }
        // Both sides hold the same, and nobody was told that they do not.
        if let Some((path, _)) = self.acknowledged.last_key_value() {
            let (there, kept) = (self.session.in_sandbox(path).await, self.session.read(path).await.unwrap());
            let there: u64 = String::from_utf8(there).unwrap().parse().unwrap();
            assert!(possible(path).contains(&there), "{path} holds {there} in the sandbox, {kept:?} outside");
        }
        let tree = self.session.tree().await;
        let conflicts: Vec<_> = tree.keys().filter(|path| path.contains("conflict")).collect();
        assert!(conflicts.is_empty(), "{conflicts:?}");
    }
}

/// Opens terminals and closes them again.
struct Opener {
    session: Session,
    /// Those that were opened and not asked to close.
    open: BTreeSet<String>,
    opened: u64,
    /// The one terminal of its session that is somebody else's.
    not_mine: String,
}

impl Opener {
    async fn work(&mut self) {
        let sleeper = json!({ "cols": 80, "rows": 24, "command": ["sleep", "100000"] });
        loop {
            match ask(self.session.request(Method::POST, "/terminals").json(&sleeper), 201).await {
                Answer::Done(terminal) => {
                    self.opened += 1;
                    self.open.insert(terminal["id"].as_str().unwrap().to_owned());
                }
                Answer::Refused => tokio::time::sleep(PAUSE).await,
                Answer::None => return,
            }
            if self.open.len() > OPEN
                && let Some(oldest) = self.open.pop_first()
                && matches!(self.close(&oldest).await, Answer::None)
            {
                return;
            }
        }
    }

    async fn close(&self, terminal: &str) -> Answer {
        ask(self.session.request(Method::DELETE, &format!("/terminals/{terminal}")), 204).await
    }

    async fn check(&mut self) {
        let listed = self.session.terminals().await;
        let running = |id: &String| listed.iter().any(|there| there["id"] == *id && there["exit"].is_null());
        assert!(self.open.iter().all(running), "{:?} were opened, there are {listed:#?}", self.open);
        // Those whose opening nobody heard of, whose closing did not arrive, and whose program was to end.
        for id in listed.iter().map(|terminal| terminal["id"].as_str().unwrap()) {
            if !self.open.contains(id) && id != self.not_mine {
                assert!(matches!(self.close(id).await, Answer::Done(_)));
            }
        }
    }
}

/// Makes sessions, works in them, deletes them.
struct Maker {
    client: Client,
    /// Those that were made and not asked to go, with whether their file was saved.
    there: BTreeMap<String, bool>,
    deleted: Vec<String>,
    made: u64,
}

impl Maker {
    async fn work(&mut self) {
        while let Some(done) = self.make_one().await {
            if !done {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Whether it could be made and deleted; `None` when the server is gone.
    async fn make_one(&mut self) -> Option<bool> {
        let request = self.client.request(Method::POST, "/api/v1/sessions").json(&json!({ "name": "Made" }));
        let Some(made) = ask(request, 201).await.known()? else { return Some(false) };
        self.made += 1;
        let session = Session { client: self.client.clone(), id: made["id"].as_str().unwrap().to_owned() };
        self.there.insert(session.id.clone(), false);
        let saving = session.client.request(Method::PUT, &session.file("made.txt")).body(session.id.clone());
        if ask(saving, 201).await.known()?.is_some() {
            self.there.insert(session.id.clone(), true);
        }
        let terminal = json!({ "cols": 80, "rows": 24, "command": ["cat"] });
        ask(session.request(Method::POST, "/terminals").json(&terminal), 201).await.known()?;
        self.there.remove(&session.id);
        if ask(session.request(Method::DELETE, ""), 204).await.known()?.is_some() {
            self.deleted.push(session.id);
        }
        Some(true)
    }

    async fn check(&mut self) {
        for (id, saved) in &self.there {
            let session = Session { client: self.client.clone(), id: id.clone() };
            session.get().await;
            if *saved {
                assert_eq!(session.read("made.txt").await.as_deref(), Some(id.as_bytes()), "saved in {id}");
            }
        }
        for id in self.deleted.drain(..) {
            let answer = self.client.request(Method::GET, &format!("/api/v1/sessions/{id}")).send().await.unwrap();
            assert_eq!(answer.status(), 404, "{id} was deleted");
        }
        self.delete_all().await;
    }

    async fn delete_all(&mut self) {
        let list = self.client.request(Method::GET, "/api/v1/sessions?limit=200").send().await.unwrap();
        for session in ok(list, 200).await["items"].as_array().unwrap() {
            let path = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
            let deleted = async || {
                self.client.request(Method::DELETE, &path).send().await.ok().filter(|answer| answer.status() == 204)
            };
            eventually(PATIENCE, "a deletion", deleted).await;
        }
        self.there.clear();
    }
}

impl Answer {
    /// What was done, or that it was refused; `None`: the server is gone.
    fn known(self) -> Option<Option<Value>> {
        match self {
            Self::Done(value) => Some(Some(value)),
            Self::Refused => Some(None),
            Self::None => None,
        }
    }
}
