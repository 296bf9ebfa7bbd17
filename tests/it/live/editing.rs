//! Two writers of one file, and folders that move under running programs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Session, eventually, ok, problem};
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

async fn session() -> Session {
    Server::shared().await.user().await.ready_session().await
}

#[tokio::test]
async fn a_save_that_would_overwrite_what_its_writer_has_not_seen_is_refused() {
    let session = session().await;
    let first = session.save("a.txt", "first").await["etag"].as_str().unwrap().to_owned();
    let mut events = session.events().await;
    let mut shell = session.shell().await;
    shell.run("printf program > a.txt").await;
    events.tree("a.txt", true, PATIENCE).await;
    let answer = session.put("a.txt", "editor", &[("if-match", &first)]).await;
    let current = answer.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(problem(answer).await, (412, "precondition_failed".into()));
    // Neither is lost: the program's is there, the editor still has its own, and can put it beside or on top.
    assert_eq!(session.read("a.txt").await.unwrap(), b"program");
    assert_eq!(
        problem(session.put("a.txt", "x", &[("if-none-match", "*")]).await).await,
        (412, "precondition_failed".into())
    );
    ok(session.put("a.txt", "editor", &[("if-match", &current)]).await, 200).await;
    assert_eq!(shell.run("cat a.txt").await.0, "editor");
}

#[tokio::test]
async fn a_program_and_an_editor_on_one_file_at_once_lose_nothing() {
    let session = session().await;
    session.save("shared.txt", "old").await;
    let program = "
import os, sys
n = 0
while not os.path.exists('stop'):
    n += 1
    open('shared.txt', 'w').write(f'program {n}')
print('wrote', n)
";
    let mut writer = session.program(&["python3", "-c", program]).await;
    let mut copies = 0;
    for round in 0..30 {
        let item = session.save("shared.txt", format!("editor {round}")).await;
        if let Some(copy) = item["conflict_copy"].as_str() {
            copies += 1;
            let content = eventually(PATIENCE, copy, async || session.read(copy).await).await;
            assert!(
                content.starts_with(b"program ") || content.is_empty(),
                "{copy}: {:?}",
                String::from_utf8_lossy(&content)
            );
        }
    }
    assert!(copies > 0, "thirty saves and never a conflict");
    session.save("stop", "").await;
    assert_eq!(writer.exit().await["code"], 0, "{}", writer.text());
    // Both sides end up with the same content.
    let same = async || {
        let (there, here) = (session.in_sandbox("shared.txt").await, session.read("shared.txt").await.unwrap());
        (there == here).then_some(())
    };
    eventually(PATIENCE, "agreement", same).await;
}

#[tokio::test]
async fn folders_are_moved_and_removed_under_a_shell_that_works_in_them() {
    let session = session().await;
    for n in 0..20 {
        session.save(&format!("project/src/{n}.py"), format!("print({n})")).await;
    }
    let mut shell = session.shell().await;
    shell.run("cd project/src").await;
    let moved = json!({ "from": "project", "to": "archive/2026" });
    assert_eq!(ok(session.post("/move", &moved).await, 200).await["path"], "archive/2026");
    assert_eq!(shell.run("pwd -P; python3 7.py").await.0, "/workspace/archive/2026/src\n7\n");
    shell.run("echo new > made.txt").await;
    let made = async || session.read("archive/2026/src/made.txt").await;
    assert_eq!(eventually(PATIENCE, "a file made in a moved folder", made).await, b"new\n");
    let tree = session.tree().await;
    assert_eq!(tree.keys().filter(|path| path.starts_with("archive/2026/src/")).count(), 21);
    assert!(!tree.keys().any(|path| path.starts_with("project")));

    let inside = session.post("/move", &json!({ "from": "archive", "to": "archive/x" })).await;
    assert_eq!(problem(inside).await, (400, "invalid_path".into()));
    session.save("taken", "").await;
    let onto = session.post("/move", &json!({ "from": "archive", "to": "taken" })).await;
    assert_eq!(problem(onto).await, (409, "already_exists".into()));
    session.remove("archive").await;
    assert_eq!(shell.run("cd; command ls /workspace").await.0, "taken\n");
    assert_eq!(session.tree().await.len(), 1);
    assert_eq!(
        problem(session.client.request(Method::DELETE, &session.file("archive")).send().await.unwrap()).await.0,
        404
    );
}

#[tokio::test]
async fn a_move_that_cannot_be_kept_is_refused_and_moves_nothing() {
    let session = session().await;
    let (deep, there) = (["d"; 40].join("/"), ["t"; 30].join("/"));
    session.save(&format!("{deep}/f"), "f").await;
    ok(session.post("/folders", &json!({ "path": there })).await, 201).await;
    let answer = session.post("/move", &json!({ "from": "d", "to": format!("{there}/d") })).await;
    assert_eq!(problem(answer).await, (400, "invalid_path".into()));
    assert_eq!(session.in_sandbox(&format!("{deep}/f")).await, b"f");
    assert_eq!(session.read(&format!("{deep}/f")).await.unwrap(), b"f");
}

#[tokio::test]
async fn a_save_that_must_make_a_new_file_replaces_no_link() {
    let session = session().await;
    session.save("file", "kept").await;
    let mut events = session.events().await;
    session.shell().await.run("ln -s file link").await;
    events.tree("link", true, PATIENCE).await;
    let refused = (412, "precondition_failed".to_owned());
    assert_eq!(problem(session.put("link", "x", &[("if-none-match", "*")]).await).await, refused);
    session.stop().await;
    assert_eq!(problem(session.put("link", "x", &[("if-none-match", "*")]).await).await, refused);
    assert_eq!(session.tree().await["link"]["target"], "file");
}

#[tokio::test]
async fn a_write_through_a_planted_link_is_refused_and_nothing_outside_changes() {
    let session = session().await;
    let mut events = session.events().await;
    let mut shell = session.shell().await;
    shell.run("mkdir real; ln -s /tmp out; ln -s real in; touch done").await;
    events.tree("done", true, PATIENCE).await;
    for path in ["out/file", "in/file"] {
        let answer = session.put(path, "x", &[]).await;
        assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
    }
    assert_eq!(shell.run("command ls -A /tmp real").await.0, "/tmp:\n\nreal:\n");
}

#[tokio::test]
async fn a_full_sandbox_says_so_and_keeps_the_file_as_it_was() {
    let session = session().await;
    session.save("keep.txt", "before").await;
    let mut shell = session.shell().await;
    shell
        .run_within(
            "head -c 300M /dev/zero > /workspace/.fill 2>/dev/null; df --output=avail /workspace | tail -1",
            PATIENCE * 2,
        )
        .await;
    let answer = session.put("keep.txt", vec![b'x'; 1_000_000], &[]).await;
    let status = answer.status().as_u16();
    let (_, code) = problem(answer).await;
    assert_eq!((status, code.as_str()), (507, "no_space"));
    assert_eq!(shell.run("cat keep.txt; rm .fill").await.0, "before");
    assert_eq!(session.read("keep.txt").await.unwrap(), b"before");
    session.save("keep.txt", "after").await;
    let item: Value = session.tree().await["keep.txt"].clone();
    assert_eq!(item["size"], 5);
}
