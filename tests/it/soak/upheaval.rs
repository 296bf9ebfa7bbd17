//! In the middle of a program's change of thousands of files, while somebody saves, something is killed: the server, the sandbox's agent, the
//! sandbox, PostgreSQL. Again and again, at random moments.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::Rng;
use serde_json::json;

use super::{Chance, size};
use crate::support::client::{Session, eventually};
use crate::support::postgres;
use crate::support::process::Server;
use crate::support::writer::Writer;

/// What the program's files lie in: enough that none is large.
const FOLDERS: usize = 50;

/// Within so many milliseconds of its beginning the change is interrupted; all of it takes longer.
const MOST_MS: u64 = 2500;

/// Until a session is ready again, or all of a change has come over.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is killed, in turn and then as chance has it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    Server,
    Agent,
    Sandbox,
    Postgres,
}

const VICTIMS: [Victim; 4] = [Victim::Server, Victim::Agent, Victim::Sandbox, Victim::Postgres];

const CLUSTER: &str = "upheaval";

fn path(number: usize) -> String {
    format!("work/d{:02}/f{number:05}.txt", number % FOLDERS)
}

fn etag(number: usize, round: usize) -> String {
    blake3::hash(format!("file {number} of round {round}\n").as_bytes()).to_hex().to_string()
}

/// Writes all files anew.
fn program(files: usize, round: usize) -> String {
    format!(
        "import os
for d in range({FOLDERS}):
    os.makedirs(f'/workspace/work/d{{d:02}}', exist_ok=True)
for n in range({files}):
    with open(f'/workspace/work/d{{n % {FOLDERS}:02}}/f{{n:05}}.txt', 'w') as file:
        file.write(f'file {{n}} of round {round}\\n')"
    )
}

/// Of which round each of the program's files is in the database.
struct Ledger(BTreeMap<usize, usize>);

impl Ledger {
    /// Looks again: nothing that was there is gone, or older than it was.
    async fn check(&mut self, session: &Session, files: usize, round: usize) -> usize {
        let tree = session.tree().await;
        let mut newest = 0;
        for number in 0..files {
            let before = self.0.get(&number).copied();
            let Some(item) = tree.get(&path(number)) else {
                assert_eq!(before, None, "{} is gone in round {round}", path(number));
                continue;
            };
            let etag_now = item["etag"].as_str().unwrap().trim_matches('"').to_owned();
            // A file that is being written is empty for a moment; that too is newer than what was there.
            let is_empty = item["size"] == json!(0);
            let of = (before.unwrap_or(0)..=round).rev().find(|of| etag(number, *of) == etag_now);
            assert!(
                of.is_some() || is_empty,
                "{} is older than it was in round {before:?}, or torn: {item}",
                path(number)
            );
            if let Some(of) = of {
                newest += usize::from(of == round);
                self.0.insert(number, of);
            }
        }
        newest
    }
}

/// Kills what is to be killed, and waits until the session is ready again.
async fn upset(victim: Victim, server: &Server, session: &Session) {
    match victim {
        Victim::Server => {
            server.kill_9().await;
            server.start_again().await;
        }
        Victim::Agent => {
            for agent in server.agents().await {
                kill(Pid::from_raw(agent), Signal::SIGKILL).unwrap();
            }
        }
        Victim::Sandbox => server.kill_sandboxes().await,
        Victim::Postgres => postgres::signal_all(CLUSTER, Signal::SIGKILL),
    }
    // A save is acknowledged by a session that is ready only if its sandbox has it as well.
    let usable = async || {
        let Ok(answer) = session.request(reqwest::Method::GET, "").send().await else { return None };
        let answer: serde_json::Value = answer.json().await.unwrap_or_default();
        match answer["state"].as_str() {
            Some("ready") => session.put("usable.txt", "yes", &[]).await.status().is_success().then_some(()),
            Some("cold" | "failed") => {
                drop(session.post("/start", &json!({})).await);
                None
            }
            _ => None,
        }
    };
    eventually(PATIENCE, "the session is ready again", usable).await;
}

#[tokio::test]
async fn whatever_is_killed_in_the_middle_of_a_large_change_nothing_acknowledged_is_lost_or_older() {
    let (rounds, files) = (size(4, 50), size(1000, 10_000));
    let mut chance = Chance::new();
    let (cluster, url) = postgres::start(CLUSTER).await.unwrap();
    let server = Server::start_with(&[("CARREL_DATABASE__URL", &url)]).await;
    let session = server.user().await.ready_session().await;
    let mut ledger = Ledger(BTreeMap::new());
    for round in 1..=rounds {
        let victim = VICTIMS.get(round - 1).copied().unwrap_or_else(|| VICTIMS[chance.random.random_range(0..4)]);
        let mut writer = Writer::start(&session);
        writer.saves_on(PATIENCE).await;
        let changing =
            session.post("/terminals", &json!({ "command": ["python3", "-c", program(files, round)] })).await;
        assert_eq!(changing.status(), 201);
        tokio::time::sleep(chance.ms(0..MOST_MS)).await;
        ledger.check(&session, files, round).await;
        upset(victim, &server, &session).await;
        writer.saves_on(PATIENCE).await;
        let newest = ledger.check(&session, files, round).await;
        writer.check(&session).await;
        eprintln!("round {round}, {victim:?} killed: {newest} of {files} changes were committed");
        if matches!(victim, Victim::Server | Victim::Postgres) {
            // The program has gone on; all it wrote comes over.
            let mut all = async || (ledger.check(&session, files, round).await == files).then_some(());
            eventually(PATIENCE, "all of the change", async || all().await).await;
        }
    }
    drop(server);
    cluster.stop().await.unwrap();
}
