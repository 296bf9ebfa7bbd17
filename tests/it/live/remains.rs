//! What a sandbox has left and what could not be saved: over restarts of the server, agents that do not call, and deletions.

use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;
use serde_json::Value;

use super::life::{containers, engine};
use super::volumes::{all_saved, mounts, no_volume, volumes, with_a_dead_sandbox, with_unsaved};
use crate::support::client::{READY, Session, eventually, ok};
use crate::support::engine::TestEngine;
use crate::support::events::Events;
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;
use crate::support::volumes::can_be_had;

/// Settings with which a session is soon ended for want of use, and what a dead sandbox has left soon collected.
const SHORT: [(&str, &str); 4] = [
    ("CARREL_SANDBOX__IDLE_SECONDS", "4"),
    ("CARREL_SANDBOX__WATCHED_SECONDS", "4"),
    ("CARREL_WORKSPACE__MAX_FILE_MB", "1"),
    ("CARREL_ACTORS__PASSIVATE_SECONDS", "1"),
];

/// What a file is called that is twice as large as may be, and why it is not saved.
const BIG: &str = "big (larger than 1 MB, the most a file may have)";

/// Writes a file of 2 MiB, and one of five bytes.
async fn write_big(session: &Session) {
    let program = "open('big', 'wb').write(b'x' * (2 << 20)); open('small', 'w').write('small')";
    assert_eq!(session.program(&["python3", "-c", program]).await.exit().await["code"], 0);
}

/// A session that nobody uses, and which has left what could not be saved.
async fn parked(server: &Server) -> (Session, Events) {
    let session = server.user().await.ready_session().await;
    let mut events = session.events().await;
    write_big(&session).await;
    events.state("cold", READY).await;
    (session, events)
}

/// How often a sandbox has left what could not be saved.
fn left(server: &Server) -> usize {
    server.log().matches("ends and leaves what could not be saved").count()
}

/// How often a container did not come up on a volume.
fn tried(server: &Server) -> usize {
    server.log().matches("cannot bring back a sandbox that had died").count()
}

async fn delete(session: &Session, query: &str) -> reqwest::Response {
    session.request(Method::DELETE, query).send().await.unwrap()
}

/// The detail of a refusal to lose something.
async fn refused(answer: reqwest::Response) -> String {
    let refused = ok(answer, 409).await;
    assert_eq!(refused["code"], "not_saved");
    refused["detail"].as_str().unwrap().to_owned()
}

async fn undelete(session: &Session) {
    ok(session.request(Method::POST, "/undelete").send().await.unwrap(), 200).await;
}

#[tokio::test]
async fn what_could_not_be_saved_is_left_by_a_session_nobody_uses_and_comes_back() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start_with(&SHORT).await;
    let (session, events) = parked(&server).await;
    let cold = session.get().await;
    let reason = cold["reason"].as_str().unwrap();
    assert!(reason.starts_with("stopped after 4 s without use; ") && reason.contains(BIG), "{reason}");
    assert!(reason.ends_with("comes back when you open the session"), "{reason}");
    assert_eq!((session.read("small").await.unwrap(), session.read("big").await), (b"small".to_vec(), None));
    let gone = async || containers(&engine(&server).await).await.is_empty().then_some(());
    eventually(PATIENCE, "no container", gone).await;
    assert_eq!((left(&server), volumes(&server).len()), (1, 1));
    // Nothing is in the kernel's memory alone any more: it is whole even when the machine fails.
    let mounted = mounts(&server.data.join("volumes"));
    assert!(mounted.len() == 1 && mounted[0].contains(" ro,"), "{mounted:?}");
    let mut state = [0; 2];
    let image = std::fs::File::open(volumes(&server)[0].join("image")).unwrap();
    image.read_exact_at(&mut state, 1024 + 0x3A).unwrap();
    assert_eq!(state, [1, 0], "the state of an ext4 file system that was unmounted in order");

    // The next server leaves it where it is: by the time it has collected what it has to collect, nothing has happened to the other.
    drop(events);
    let other = server.user().await.ready_session().await;
    server.kill_9().await;
    server.kill_sandboxes().await;
    server.sql("create table before as select id, version, reason from sessions where unsaved is not null").await;
    server.start_again().await;
    let collected = async || (volumes(&server).len() == 1 && other.get().await["state"] == "cold").then_some(());
    eventually(READY, "what is left of the other sandbox is collected", collected).await;
    let untouched = "do $$ begin
        assert (select count(*) from sessions s join before b using (id, version, reason)
            where s.state = 'cold' and s.unsaved like 'big (larger%') = 1;
    end $$";
    server.sql(untouched).await;
    assert_eq!(left(&server), 1);
    assert!(server.log().contains("what could not be saved waits for its user"));
    // A restart gives up nothing its user has not given up.
    let mut events = session.events().await;
    ok(session.request(Method::POST, "/restart").send().await.unwrap(), 202).await;
    events.state("ready", READY).await;
    assert_eq!(session.in_sandbox("big").await, vec![b'x'; 2 << 20]);
    ok(session.request(Method::POST, "/stop?discard=true").send().await.unwrap(), 202).await;
    events.state("cold", READY).await;
    no_volume(&server).await;
}

/// Sets up that sandboxes made from now on have an agent that never calls.
async fn silence(server: &mut Server) {
    let carrel = TestEngine::shared().await.carrel().await;
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    server.set("CARREL_SANDBOX__AGENT", &text(carrel.silent_agent()));
    server.set("CARREL_SANDBOX__ROOTFS", &text(carrel.tiny_rootfs()));
    server.set("CARREL_SANDBOX__AGENT_TIMEOUT_SECONDS", "2");
}

#[tokio::test]
async fn agents_that_never_call_cost_no_volume_and_are_not_started_for_ever() {
    if !can_be_had().await {
        return;
    }
    let mut server = Server::start_with(&[("CARREL_ACTORS__PASSIVATE_SECONDS", "1")]).await;
    let session = with_unsaved(&server).await;
    server.kill_9().await;
    server.kill_sandboxes().await;
    server.sql("drop trigger refuse on workspace_items").await;
    silence(&mut server).await;
    server.start_again().await;
    // Nobody opens it: it is tried once by itself, and then left alone.
    let failed = async || Some(session.get().await).filter(|now| now["state"] == "failed");
    let failed = eventually(READY, "a failed session", failed).await;
    let reason = failed["reason"].as_str().unwrap();
    assert!(reason.contains("its agent did not call within 2 s") && reason.contains("is kept: opening"), "{reason}");
    assert_eq!((tried(&server), volumes(&server).len()), (2, 1));
    assert!(containers(&engine(&server).await).await.is_empty(), "what does not call is removed");
    // Opening it is another try.
    let mut events = session.events().await;
    ok(session.request(Method::POST, "/start").send().await.unwrap(), 202).await;
    events.state("starting", READY).await;
    assert_eq!(events.state("failed", READY).await["reason"], reason);
    assert_eq!((tried(&server), volumes(&server).len()), (4, 1));
    // What would give it up asks.
    for answer in [session.request(Method::POST, "/restart").send().await.unwrap(), delete(&session, "").await] {
        let detail = refused(answer).await;
        assert!(detail.contains(reason), "{detail}");
    }
    // Nor does the next server start it by itself; with an agent that calls everything is there.
    drop(events);
    server.kill_9().await;
    for variable in ["AGENT", "ROOTFS", "AGENT_TIMEOUT_SECONDS"] {
        server.unset(&format!("CARREL_SANDBOX__{variable}"));
    }
    server.start_again().await;
    assert_eq!(session.get().await["state"], "failed");
    session.start().await;
    all_saved(&session).await;
}

#[tokio::test]
async fn what_cannot_be_brought_back_is_given_up_when_its_user_says_so() {
    if !can_be_had().await {
        return;
    }
    let mut server = Server::start().await;
    let user = server.user().await;
    let (stopped, restarted, deleted) =
        (user.ready_session().await, user.ready_session().await, user.ready_session().await);
    for session in [&stopped, &restarted, &deleted] {
        session.save("saved.txt", "as saved").await;
    }
    server.kill_9().await;
    server.kill_sandboxes().await;
    silence(&mut server).await;
    server.start_again().await;
    assert_eq!(volumes(&server).len(), 3);
    // One that is not even failed yet is tried to be collected before it is deleted.
    let detail = refused(delete(&deleted, "").await).await;
    assert!(detail.contains("its agent did not call within 2 s"), "{detail}");
    assert_eq!(delete(&deleted, "?discard=true").await.status(), 204);
    eventually(PATIENCE, "one volume less", async || (volumes(&server).len() == 2).then_some(())).await;

    let mut events = stopped.events().await;
    ok(stopped.request(Method::POST, "/stop").send().await.unwrap(), 202).await;
    events.state("failed", READY).await;
    ok(stopped.request(Method::POST, "/stop?discard=true").send().await.unwrap(), 202).await;
    let reason = events.state("cold", READY).await["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason, "stopped by you; what its sandbox held and was not saved was given up");
    assert_eq!(volumes(&server).len(), 1);

    // At once, without a try to collect it.
    let mut events = restarted.events().await;
    ok(restarted.request(Method::POST, "/restart?discard=true").send().await.unwrap(), 202).await;
    events.state("failed", READY).await;
    no_volume(&server).await;
    for session in [&stopped, &restarted] {
        assert_eq!(session.read("saved.txt").await.unwrap(), b"as saved");
    }
    undelete(&deleted).await;
    assert_eq!(deleted.read("saved.txt").await.unwrap(), b"as saved");
}

#[tokio::test]
async fn a_session_that_holds_what_could_not_be_saved_is_deleted_only_when_its_user_says_so() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start_with(&SHORT).await;
    let (session, mut events) = parked(&server).await;
    let detail = refused(delete(&session, "").await).await;
    assert!(detail.contains(BIG), "{detail}");
    assert_eq!((session.get().await["state"].as_str(), volumes(&server).len()), (Some("cold"), 1));
    ok(session.request(Method::POST, "/start").send().await.unwrap(), 202).await;
    // Whatever it is doing.
    assert!(refused(delete(&session, "").await).await.contains(BIG));
    events.state("ready", READY).await;
    let mut shell = session.shell().await;
    let pid = shell.run("echo $$").await.0;
    assert!(refused(delete(&session, "").await).await.contains(BIG));
    assert_eq!(shell.run("echo $$").await.0, pid, "nothing was ended");
    assert_eq!(delete(&session, "?discard=true").await.status(), 204);
    no_volume(&server).await;
    undelete(&session).await;
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), ["small"]);
}

#[tokio::test]
async fn what_is_only_ignored_keeps_no_session_from_being_deleted() {
    let session = Server::shared().await.user().await.ready_session().await;
    let program = "import os; os.makedirs('.venv'); open('.venv/big', 'wb').write(b'x' * (2 << 20))";
    assert_eq!(session.program(&["python3", "-c", program]).await.exit().await["code"], 0);
    assert_eq!(delete(&session, "").await.status(), 204);
}

#[tokio::test]
async fn what_a_dead_sandbox_has_left_is_collected_before_its_session_is_deleted() {
    if !can_be_had().await {
        return;
    }
    let server = Server::start().await;
    let (session, _events) = with_a_dead_sandbox(&server).await;
    assert_eq!(delete(&session, "").await.status(), 204);
    no_volume(&server).await;
    undelete(&session).await;
    all_saved(&session).await;
}

#[tokio::test]
async fn a_session_whose_changes_cannot_be_collected_is_not_deleted_before_they_are() {
    let server = Server::start().await;
    let session = with_unsaved(&server).await;
    let detail = refused(delete(&session, "").await).await;
    assert!(detail.starts_with("what was written in the sandbox last cannot be saved now: "), "{detail}");
    assert_eq!(session.get().await["state"], "ready");
    server.sql("drop trigger refuse on workspace_items").await;
    assert_eq!(delete(&session, "").await.status(), 204);
    undelete(&session).await;
    all_saved(&session).await;
}

#[tokio::test]
async fn a_session_whose_agent_does_not_answer_is_deleted_only_when_its_user_says_so() {
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    session.save("saved.txt", "as saved").await;
    let agent = Pid::from_raw(server.agents().await[0]);
    kill(agent, Signal::SIGSTOP).unwrap();
    let detail = refused(delete(&session, "").await).await;
    assert!(detail.contains("cannot be saved now: the sandbox "), "{detail}");
    assert_eq!(delete(&session, "?discard=true").await.status(), 204);
    let gone = async || containers(&engine(&server).await).await.is_empty().then_some(());
    eventually(PATIENCE, "no container", gone).await;
    undelete(&session).await;
    assert_eq!(session.read("saved.txt").await.unwrap(), b"as saved");
}

#[tokio::test]
async fn what_programs_write_as_they_are_ended_for_a_deletion_comes_back_with_the_session() {
    let session = Server::shared().await.user().await.ready_session().await;
    let program = "
import os, signal
def last_words(*_):
    with open('checkpoint', 'w') as file:
        file.write('epoch 7')
    os._exit(0)
for number in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, last_words)
print('training', flush=True)
while True:
    signal.pause()
";
    let mut training = session.program(&["python3", "-c", program]).await;
    training.expect("training").await;
    assert_eq!(delete(&session, "").await.status(), 204);
    undelete(&session).await;
    assert_eq!(session.read("checkpoint").await.unwrap(), b"epoch 7");
}

#[tokio::test]
async fn a_deletion_that_will_be_refused_ends_no_program() {
    let server = Server::start_with(&[("CARREL_WORKSPACE__MAX_FILE_MB", "1")]).await;
    let session = server.user().await.ready_session().await;
    write_big(&session).await;
    let program = "
file = open('log', 'wb', buffering=0)
file.truncate(1_000_000)
print('writing', flush=True)
while True:
    file.seek(0); file.write(b'x')
";
    let mut writer = session.program(&["python3", "-c", program]).await;
    writer.expect("writing").await;
    let running = session.terminals().await;
    assert!(refused(delete(&session, "").await).await.contains(BIG));
    let ids = |terminals: &[Value]| terminals.iter().map(|it| it["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&session.terminals().await), ids(&running), "nothing was ended");
    session.close_terminal(&writer.id).await;
}

#[tokio::test]
async fn a_file_that_is_written_all_the_time_is_collected_once_its_program_has_ended_for_a_deletion() {
    let session = Server::shared().await.user().await.ready_session().await;
    let program = "
import itertools
with open('busy', 'wb') as file:
    print('writing', flush=True)
    for n in itertools.count():
        file.seek(0)
        file.write(n.to_bytes(8, 'big') * (1 << 20))
        file.flush()
";
    let mut writer = session.program(&["python3", "-c", program]).await;
    writer.expect("writing").await;
    assert_eq!(delete(&session, "").await.status(), 204);
    undelete(&session).await;
    assert_eq!(session.read("busy").await.unwrap().len(), 8 << 20);
}
