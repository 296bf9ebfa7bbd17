//! Programs that mean harm with files: what of it reaches the database, the server's memory, or the next sandbox. `docs/threats.md` says
//! which test stands for which threat.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{READY, Session, eventually, ok, problem};
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

/// Bytes that are written at once.
const PIECE: usize = 10_000;

async fn run(session: &Session, program: &str) {
    let mut terminal = session.program(&["python3", "-c", program]).await;
    assert_eq!(terminal.exit().await["code"], 0, "{}", terminal.text());
}

async fn unkept(session: &Session) -> Vec<Value> {
    let list = ok(session.request(Method::GET, "/unkept").send().await.unwrap(), 200).await;
    list["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn devices_pipes_sockets_hard_links_and_setuid_bits_do_not_survive_their_sandbox() {
    let session = Server::shared().await.user().await.ready_session().await;
    let program = "
import os, socket
open('file', 'w').write('x')
os.link('file', 'twin')
os.chmod('file', 0o6755)
os.makedirs('sticky', mode=0o777)
os.chmod('sticky', 0o3777)
os.mkfifo('pipe')
socket.socket(socket.AF_UNIX).bind('socket')
try: os.mknod('device', 0o60600, os.makedev(1, 3)); print('a device!')
except OSError: pass
";
    run(&session, program).await;
    let named = async || {
        let items = unkept(&session).await;
        (items.len() == 2 && items.iter().all(|item| item["why"] == "special")).then_some(())
    };
    eventually(PATIENCE, "pipe and socket as not kept", named).await;
    session.stop().await;
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), ["file", "sticky", "twin"]);
    session.start().await;
    let look = "
import os
for path, mode in [('file', 0o100755), ('twin', 0o100755), ('sticky', 0o40755)]:
    stat = os.lstat(path)
    assert stat.st_mode == mode, (path, oct(stat.st_mode))
    assert path == 'sticky' or stat.st_nlink == 1
names = sorted(name for name in os.listdir('.') if not name.startswith('.carrel-tmp-'))
assert names == ['file', 'sticky', 'twin'], names
";
    run(&session, look).await;
}

#[tokio::test]
async fn a_sparse_file_of_a_terabyte_costs_nothing_and_holds_nothing_up() {
    let server = Server::shared().await;
    let session = server.user().await.ready_session().await;
    let before = server.resident_kib();
    run(&session, "open('huge', 'w').truncate(1 << 40); open('beside', 'w').write('kept')").await;
    let kept = async || (session.read("beside").await.as_deref() == Some(b"kept")).then_some(());
    eventually(Duration::from_secs(5), "the file beside it", kept).await;
    let named = async || {
        let items = unkept(&session).await;
        (items.len() == 1 && items[0]["path"] == "huge" && items[0]["why"] == "too_large").then_some(())
    };
    eventually(PATIENCE, "the huge one as not saved", named).await;
    let refused = ok(session.request(Method::POST, "/stop").send().await.unwrap(), 409).await;
    assert_eq!(refused["code"], "not_saved");
    assert!(refused["detail"].as_str().unwrap().contains("huge (larger than 64 MB"), "{refused}");
    let mut events = session.events().await;
    ok(session.request(Method::POST, "/stop?discard=true").send().await.unwrap(), 202).await;
    events.state("cold", READY).await;
    assert_eq!(session.tree().await.keys().collect::<Vec<_>>(), ["beside"]);
    assert!(server.resident_kib() < before + 64 * 1024, "{before} KiB, then {} KiB", server.resident_kib());
}

#[tokio::test]
async fn a_file_that_is_rewritten_without_end_is_never_kept_torn() {
    let session = Server::shared().await.user().await.ready_session().await;
    // Every content is one letter all through, over several chunks, written in pieces.
    let program = "
import itertools, time
file = open('restless', 'r+b' if __import__('os').path.exists('restless') else 'w+b', buffering=0)
end = time.monotonic() + 4
for letter in itertools.cycle(b'abcdefgh'):
    file.seek(0)
    for _ in range(20): file.write(bytes([letter]) * 10_000)
    time.sleep(0.01)
    if time.monotonic() > end: break
";
    let whole = |content: &[u8]| content.len() == 200_000 && content.iter().all(|byte| *byte == content[0]);
    let mut terminal = session.program(&["python3", "-c", program]).await;
    let mut seen = 0;
    while terminal.controls.iter().all(|control| control["type"] != "exit") {
        terminal.receive(Duration::from_millis(20)).await;
        if let Some(content) = session.read("restless").await.filter(|content| !content.is_empty()) {
            seen += 1;
            assert!(is_of_one_moment(&content), "torn");
        }
    }
    let settled = async || session.read("restless").await.filter(|content| whole(content)).map(|_| ());
    eventually(PATIENCE, "the last content", settled).await;
    assert!(seen > 0);
}

#[tokio::test]
async fn a_program_that_never_rests_keeps_nobody_from_deleting_copying_and_restoring_the_rest() {
    let session = Server::shared().await.user().await.ready_session().await;
    session.save("old/a", "a").await;
    session.save("mark", "x").await;
    let versions = ok(session.request(Method::GET, "/versions/mark").send().await.unwrap(), 200).await;
    let at = versions["items"][0]["at"].as_str().unwrap().to_owned();
    session.save("late", "x").await;
    session.save("restless", "x").await;
    let program = "
file = open('restless', 'r+b', buffering=0)
file.truncate(8_000_000)
print('running', flush=True)
while True:
    file.seek(0); file.write(b'x')
";
    let mut terminal = session.program(&["python3", "-c", program]).await;
    terminal.expect("running").await;
    session.shell().await.run("echo b > old/b").await;
    session.remove("old").await;
    let kept = ok(session.request(Method::GET, "/versions/old/b").send().await.unwrap(), 200).await;
    assert_eq!(kept["items"][0]["change"], "removed", "collected before it went");
    ok(session.post("/snapshots", &json!({ "name": "Now" })).await, 201).await;
    ok(session.post("/restore", &json!({ "path": "late", "at": at })).await, 200).await;
    assert_eq!(session.read("late").await, None);
    // To restore all would take away what nobody has.
    let refused = session.post("/restore", &json!({ "at": at })).await;
    assert_eq!(problem(refused).await, (503, "busy".into()));
    session.close_terminal(&terminal.id).await;
    assert_eq!(session.tree().await.get("old"), None);
}

/// Whether the file ever looked like this: one letter, or that of the next round up to the end of one of its pieces.
fn is_of_one_moment(content: &[u8]) -> bool {
    let changes: Vec<_> = (1..content.len()).filter(|at| content[*at] != content[*at - 1]).collect();
    content.len().is_multiple_of(PIECE) && changes.len() <= 1 && changes.iter().all(|at| at.is_multiple_of(PIECE))
}
