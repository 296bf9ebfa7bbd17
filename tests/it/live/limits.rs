//! A workspace at its limits: what is refused before anything is touched, and how one that has outgrown them comes to an end.

use reqwest::Method;
use serde_json::json;

use crate::support::client::{READY, Session, eventually, ok, problem};
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

/// A server whose workspaces hold few items.
async fn small() -> (Server, Session) {
    let server = Server::start_with(&[("CARREL_WORKSPACE__MAX_ITEMS", "20")]).await;
    let session = server.user().await.ready_session().await;
    (server, session)
}

/// Waits until it is known that not everything is saved, and that a stop is refused for it; why, in words.
async fn stop_is_refused(session: &Session) -> String {
    let named = async || {
        let list = ok(session.request(Method::GET, "/unkept").send().await.unwrap(), 200).await;
        list["items"].as_array().unwrap().iter().any(|item| item["why"] == "quota").then_some(())
    };
    eventually(PATIENCE, "what has no room", named).await;
    let refused = ok(session.request(Method::POST, "/stop").send().await.unwrap(), 409).await;
    assert_eq!(refused["code"], "not_saved");
    assert_eq!(session.get().await["state"], "ready");
    refused["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_the_sandbox_is_touched() {
    let (_server, session) = small().await;
    for n in 0..19 {
        session.save(&format!("{n}.txt"), "x").await;
    }
    let refused = (413, "quota_exceeded".to_owned());
    assert_eq!(problem(session.put("new/file.txt", "x", &[]).await).await, refused);
    assert_eq!(problem(session.post("/folders", &json!({ "path": "new/folder" })).await).await, refused);
    // Nothing of it is in the way of what programs do.
    let mut shell = session.shell().await;
    assert_eq!(shell.run("command ls -d new; echo program > 0.txt").await.1, 0);
    let over = async || (session.read("0.txt").await.unwrap() == b"program\n").then_some(());
    eventually(PATIENCE, "a program's change", over).await;
    assert!(!session.tree().await.contains_key("new"));
    session.stop().await;
}

#[tokio::test]
async fn pages_are_counted_before_the_sandbox_is_touched() {
    let sizes = ["CARREL_SANDBOX__DISK_MB", "CARREL_WORKSPACE__MAX_TOTAL_MB", "CARREL_WORKSPACE__MAX_FILE_MB"];
    let server = Server::start_with(&sizes.map(|size| (size, "16"))).await;
    let session = server.user().await.ready_session().await;
    session.save("big.bin", vec![1; (16 << 20) - 4096]).await;
    // Two bytes in two pages: one too many, though few bytes.
    session.save("one", "1").await;
    assert_eq!(problem(session.put("two", "2", &[]).await).await, (413, "quota_exceeded".into()));
    assert!(!session.shell().await.run("command ls").await.0.contains("two"));
}

#[tokio::test]
async fn a_session_with_more_files_than_it_may_says_so_and_stops_once_they_are_deleted() {
    let (_server, session) = small().await;
    session.shell().await.run("for n in $(seq 50); do touch f$n; done").await;
    let why = stop_is_refused(&session).await;
    assert!(why.contains("no room in the workspace, which may have 240 MB in 20 files and folders"), "{why}");
    assert!(why.contains(" more; make that smaller or remove it"), "{why}");
    session.shell().await.run("rm f?; rm f[1-4]?; echo kept > kept.txt").await;
    session.stop().await;
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), ["f50", "kept.txt"]);
}

#[tokio::test]
async fn a_session_with_more_files_than_it_may_is_stopped_without_them_by_who_says_so() {
    let (_server, session) = small().await;
    session.save("kept.txt", "kept").await;
    session.shell().await.run("for n in $(seq 50); do touch f$n; done").await;
    stop_is_refused(&session).await;
    let mut events = session.events().await;
    ok(session.request(Method::POST, "/stop?discard=true").send().await.unwrap(), 202).await;
    let cold = events.state("cold", READY).await;
    let reason = cold["reason"].as_str().unwrap();
    assert!(reason.starts_with("stopped by you; what could not be saved was given up"), "{reason}");
    session.start().await;
    assert_eq!(session.in_sandbox("kept.txt").await, b"kept");
}

#[tokio::test]
async fn who_gives_up_what_does_not_fit_is_heard_while_the_session_is_still_taken_over() {
    let (server, session) = small().await;
    session.shell().await.run("for n in $(seq 50); do touch f$n; done").await;
    stop_is_refused(&session).await;
    server.kill_9().await;
    server.start_again().await;
    ok(session.request(Method::POST, "/stop?discard=true").send().await.unwrap(), 202).await;
    let cold = async || (session.get().await["state"] == "cold").then_some(());
    eventually(PATIENCE, "the end of the session", cold).await;
}

#[tokio::test]
async fn a_change_of_a_kept_file_is_saved_although_new_ones_beside_it_do_not_fit() {
    let (_server, session) = small().await;
    session.save("main.py", "before").await;
    // Fewer changes than items in all, or the agent asks for a listing instead of naming them.
    for n in 0..15 {
        session.save(&format!("kept/{n}.txt"), "x").await;
    }
    let program = "
for n in range(10):
    open(f'{n}.txt', 'w').write(str(n))
open('main.py', 'w').write('after')
";
    assert_eq!(session.program(&["python3", "-c", program]).await.exit().await["code"], 0);
    let saved = async || (session.read("main.py").await.unwrap() == b"after").then_some(());
    eventually(PATIENCE, "the change", saved).await;
}

#[tokio::test]
async fn what_was_saved_under_higher_limits_is_read_opened_kept_and_deleted_under_lower_ones() {
    const BIG: usize = 12 << 20;
    let mut server = Server::start_with(&[("CARREL_WORKSPACE__MAX_FILE_MB", "16")]).await;
    let user = server.user().await;
    let sessions = [user.session().await, user.ready_session().await];
    for session in &sessions {
        session.save("big.bin", vec![7; BIG]).await;
        for n in 0..9 {
            session.save(&format!("{n}.txt"), "x").await;
        }
    }
    server.terminate().await;
    for (limit, value) in [("FILE_MB", "1"), ("TOTAL_MB", "2"), ("ITEMS", "5")] {
        server.set(&format!("CARREL_WORKSPACE__MAX_{limit}"), value);
    }
    server.start_again().await;
    // One that was stopped meanwhile, and one that runs.
    for session in &sessions {
        assert_eq!(session.read("big.bin").await.unwrap().len(), BIG);
        if session.get().await["state"] == "cold" {
            session.start().await;
        }
        let look = "python3 -c 'd = open(\"big.bin\", \"rb\").read(); print(len(d), d == bytes([7]) * len(d))'";
        assert_eq!(session.shell().await.run(look).await.0, format!("{BIG} True\n"));
        // Everything is listed and compared on the way out, and on the way in again.
        session.stop().await;
        assert_eq!(session.tree().await["big.bin"]["size"], BIG);
        assert_eq!(problem(session.put("big.bin", vec![8; BIG], &[]).await).await, (413, "body_too_large".into()));
        assert_eq!(problem(session.put("new.txt", "x", &[]).await).await, (413, "quota_exceeded".into()));
        session.start().await;
        let unkept = async || {
            let list = ok(session.request(Method::GET, "/unkept").send().await.unwrap(), 200).await;
            list["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect::<Vec<_>>()
        };
        assert!(unkept().await.is_empty(), "{:?}", unkept().await);
        // A program's change of it is new, and what was saved of it stays.
        session.shell().await.run("printf y >> big.bin").await;
        eventually(PATIENCE, "what is too large", async || (!unkept().await.is_empty()).then_some(())).await;
        assert_eq!(session.read("big.bin").await.unwrap(), vec![7; BIG]);
        session.remove("big.bin").await;
        for n in 0..9 {
            session.remove(&format!("{n}.txt")).await;
        }
        session.save("new.txt", "x").await;
        session.stop().await;
        assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), ["new.txt"]);
    }
}
